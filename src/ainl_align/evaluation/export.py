"""``ainl-align export``: the base with an adapter merged in, as one folder of plain safetensors weights."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel as PydanticModel
from pydantic import ConfigDict, Field

from ainl_align.artifacts import appearing, check_new, check_writable
from ainl_align.config import default_base
from ainl_align.data.records import request_messages
from ainl_align.decoding.generate import Engine, Request
from ainl_align.decoding.records import GenerationSettings
from ainl_align.errors import StageError
from ainl_align.evaluation.generate import DEFAULT_ROOT
from ainl_align.evaluation.models import Wardrobe
from ainl_align.progress import Progress
from ainl_align.training.base import load_model, load_tokenizer, resolve
from ainl_align.training.checkpoints import check_base, load_adapter
from ainl_align.training.encode import prompt_ids
from ainl_align.training.precision import pick_device
from ainl_align.training.shipped import adapter_at_hand

CHECKED = (
    "Fetch https://example.com/status and return its body.",
    "Every day at 08:00 write the text done to out/today.txt.",
    "Return the number of rows in the SQLite table orders.",
)
"""Requests whose greedy answers must be the same before and after the export."""


class Settings(PydanticModel):
    """Options of ``export``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    merged: Path = Field(description="folder to write; must be new or empty")
    adapter: Path | None = Field(None, description="adapter folder; default: as of generate")
    base_model: str = Field(default_factory=default_base, description="embedded name, folder or Hugging Face id")
    device: Literal["auto", "cuda", "mps", "cpu"] = Field("auto", description="auto: CUDA, then MPS, then CPU")
    check_tokens: int = Field(48, ge=0, description="tokens of each greedy answer that is compared; 0: no check")


def run(settings: Settings, progress: Progress) -> dict[str, Any]:
    """Write the merged model and check that its greedy answers are those of base and adapter; returns what was done.

    Raises UserError for a bad adapter, base or folder, and StageError when an answer differs; the folder appears only
    when everything went well.
    """
    target = settings.merged
    check_new(target, "--merged")
    check_writable(target.parent)
    folder = settings.adapter or adapter_at_hand(DEFAULT_ROOT)
    adapter = load_adapter(folder)
    base = resolve(settings.base_model)
    check_base(adapter, base)
    device = pick_device(settings.device)
    wardrobe = Wardrobe(base, device, "none", progress)
    with appearing(target) as scratch:
        with wardrobe.wearing(adapter) as engine:
            ours = _answers(engine, wardrobe.tokenizer, settings.check_tokens, progress, "base and adapter")
            engine.model.save_pretrained(scratch, safe_serialization=True)
        wardrobe.tokenizer.save_pretrained(scratch)
        merged = resolve(str(scratch))
        reloaded = Engine(load_model(merged, device), load_tokenizer(merged), device)
        theirs = _answers(reloaded, wardrobe.tokenizer, settings.check_tokens, progress, "merged model")
        for request, before, after in zip(CHECKED, ours, theirs, strict=False):
            if before != after:
                raise StageError(f"the merged model answers {request!r} differently; nothing was exported")
    return {
        "folder": str(target),
        "base_model": settings.base_model,
        "adapter": str(adapter.folder),
        "checked_prompts": len(ours),
        "bytes": sum(path.stat().st_size for path in target.iterdir()),
    }


def _answers(engine: Engine, tokenizer: Any, tokens: int, progress: Progress, label: str) -> list[str]:
    """Greedy free answers: without the constraint, which would hide differences."""
    if tokens == 0:
        return []
    chats = [request_messages(text) for text in CHECKED]
    requests = [Request(str(index), prompt_ids(tokenizer, chat)) for index, chat in enumerate(chats)]
    settings = GenerationSettings(max_new_tokens=tokens, constrained=False)
    return [item.text for item in engine.generate(requests, settings, progress, label=label)]
