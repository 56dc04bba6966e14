"""``ainl-align generate``: programs for requests, with an adapter or the bare base."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import Field

from ainl_align.artifacts import check_writable, write_jsonl
from ainl_align.config import ROOT
from ainl_align.data.records import request_messages
from ainl_align.decoding.best import best_of
from ainl_align.decoding.generate import Engine, Request
from ainl_align.errors import UserError
from ainl_align.evaluation.answer import Answer, Job, answer
from ainl_align.evaluation.models import Wardrobe
from ainl_align.evaluation.settings import DecodingSettings
from ainl_align.language.semantics import verdict
from ainl_align.progress import Progress
from ainl_align.tasks.prompts import PromptRow, load_prompt_set
from ainl_align.training.base import resolve
from ainl_align.training.checkpoints import Adapter, check_base, load_adapter
from ainl_align.training.encode import prompt_ids
from ainl_align.training.precision import pick_device
from ainl_align.training.shipped import adapter_at_hand, shipped, shipped_or_stop

DEFAULT_ROOT = ROOT / "models/ainl-phi3-lora-v5-aligned"


class Settings(DecodingSettings):
    """Options of ``generate``. Give ``request`` or ``prompts``, not both."""

    request: str | None = Field(None, description="one request in words; its program is printed")
    prompts: Path | None = Field(None, description="JSON lines with id and prompt")
    out: Path | None = Field(None, description="JSON lines with id, program, finish_reason, in the order of the input")
    adapter: Path | None = Field(
        None, description="adapter folder; default: the last promoted one, else the one that comes with the package"
    )
    shipped: bool = Field(False, description="use the adapter that comes with the package, whatever was trained here")
    no_adapter: bool = Field(False, description="use the bare base model")
    temperature: float = Field(0.0, ge=0, description="0: greedy; above: sampling, the same for the same seed")
    seed: int = Field(0, description="seed of the sampling")
    samples: int = Field(1, ge=1, le=64, description="answers to a request, of which a verifier keeps the best one")


def run(settings: Settings, progress: Progress) -> list[dict[str, Any]]:
    """Generate; writes ``settings.out`` when given, and returns its rows.

    Raises UserError when the input, the adapter, the base or the output path cannot be used.
    """
    rows = _requests(settings)
    adapter = choose_adapter(settings, progress)
    base = resolve(settings.base_model)
    if adapter is not None:
        check_base(adapter, base)
    if settings.out is not None:
        check_writable(settings.out.parent)
    wardrobe = Wardrobe(base, pick_device(settings.device), settings.quantization_mode, progress)
    with wardrobe.wearing(adapter) as engine:
        answers = _answers(engine, wardrobe.tokenizer, rows, settings, progress)
    results = []
    for row, item in zip(rows, answers, strict=True):
        found = verdict(item.program)
        results.append(
            {
                "id": row.id,
                "prompt": row.prompt,
                "program": item.program,
                "finish_reason": item.finish_reason,
                "tokens": item.tokens,
                "repairs": item.attempts,
                "seconds": round(item.seconds, 3),
                "canonical": found.canonical,
                "reasons": [{"line": why.line, "code": why.code, "message": why.message} for why in found.reasons],
            }
        )
    if settings.out is not None:
        write_jsonl(settings.out, results)
    return results


def _answers(
    engine: Engine, tokenizer: Any, rows: list[PromptRow], settings: Settings, progress: Progress
) -> list[Answer]:
    answering = settings.answering()
    generation = replace(answering.generation, temperature=settings.temperature, seed=settings.seed)
    if settings.samples == 1:
        jobs = [Job(row) for row in rows]
        return answer(engine, tokenizer, jobs, replace(answering, generation=generation), progress, "generate")
    requests = [Request(row.id, prompt_ids(tokenizer, request_messages(row.prompt)), text=row.prompt) for row in rows]
    found = best_of(engine, requests, generation, settings.samples, progress)
    return [Answer(item.text, item.finish_reason, [item]) for item in found]


def _requests(settings: Settings) -> list[PromptRow]:
    if (settings.request is None) == (settings.prompts is None):
        raise UserError("give either one request in words or --prompts FILE")
    if settings.samples > 1 and not settings.constrained_decoding:
        raise UserError("--samples chooses among canonical programs; leave out --no-constrained-decoding")
    if settings.prompts is not None:
        if settings.out is None:
            raise UserError("--prompts needs --out FILE for the programs")
        return load_prompt_set(settings.prompts)
    if not (settings.request or "").strip():
        raise UserError("the request is empty; say in words what the program should do")
    if not _is_text(settings.request or ""):
        raise UserError("the request is no UTF-8 text; set the terminal to UTF-8, or use --prompts FILE")
    return [PromptRow(id="request", prompt=settings.request or "")]


def _is_text(request: str) -> bool:
    """False for bytes of a command line that are no UTF-8: Python passes them on as halves of surrogate pairs."""
    try:
        request.encode()
    except UnicodeEncodeError:
        return False
    return True


def choose_adapter(settings: Settings, progress: Progress) -> Adapter | None:
    """The named adapter, the last promoted one or the shipped one (saying which), or None for the bare base."""
    if (settings.adapter is not None) + settings.no_adapter + settings.shipped > 1:
        raise UserError("give one of --adapter, --shipped and --no-adapter")
    if settings.no_adapter:
        return None
    if settings.adapter is not None:
        return load_adapter(settings.adapter)
    folder = shipped_or_stop("--shipped") if settings.shipped else adapter_at_hand(DEFAULT_ROOT)
    whose = "comes with the package" if folder == shipped() else "trained here; --shipped takes the package's"
    progress.say(f"adapter: {folder} ({whose})")
    return load_adapter(folder)
