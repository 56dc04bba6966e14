"""Answers on disk, by the content of all that decided them, so that no prompt is answered twice.

One file holds what one adapter answered under one set of circumstances (``Circumstances``): a line a prompt, with its
own checksum, appended as the answer comes. A killed run loses the answers that were being written, nothing else; a
line that cannot be read is answered again.
"""

import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

from ainl_align.artifacts import atomic_open, content_hash, file_hash
from ainl_align.decoding.records import Generation
from ainl_align.evaluation.answer import Answer, AnswerSettings, Done, Job
from ainl_align.progress import Progress
from ainl_align.training.base import BaseModel
from ainl_align.training.checkpoints import WEIGHTS, Adapter

_DECIDES = ("language", "decoding", "data/records.py", "training/encode.py", "evaluation/answer.py")
"""Source files of the package that decide what a model answers; what judges the answers is not among them."""
_LIBRARIES = ("torch", "transformers", "tokenizers", "llguidance", "ainativelang")
_RESULTS_ONLY = frozenset(("batch_size", "bucket_by_prompt_length", "timeout_seconds", "heartbeat_seconds"))
"""Settings of generation that do not decide its result; an answer that a timeout ended is never kept."""


@dataclass(frozen=True)
class Circumstances:
    """What decides an answer beside the adapter and the prompt. ``path``: how the adapter is applied, and in which
    precision, on which kind of device."""

    base: BaseModel
    settings: AnswerSettings
    path: str

    def key(self, adapter: Adapter | None) -> str:
        """The content hash of all of it, the adapter's weights and the code included."""
        settings = asdict(self.settings)
        settings["generation"] = {
            name: value for name, value in settings["generation"].items() if name not in _RESULTS_ONLY
        }
        files = () if adapter is None else (adapter.folder / "adapter_config.json", adapter.folder / WEIGHTS)
        return content_hash(
            {
                "adapter": [file_hash(path) for path in files],
                "base": self.base.fingerprint,
                "settings": settings,
                "path": self.path,
                "code": code_hash(),
            }
        )


@cache
def code_hash(decides: tuple[str, ...] = _DECIDES) -> str:
    """Hash of the source that decides answers, or of other files and folders of the package, and of the versions of
    the libraries below it."""
    root = Path(__file__).parents[1]
    paths = [
        path for name in decides for path in ([root / name] if name.endswith(".py") else (root / name).rglob("*.py"))
    ]
    return content_hash(
        {
            "source": {str(path.relative_to(root)): file_hash(path) for path in sorted(paths)},
            "libraries": {name: importlib.metadata.version(name) for name in _LIBRARIES},
        }
    )


class Shelf:
    """The kept answers of one adapter under one set of circumstances; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None, key: str, progress: Progress) -> None:
        self._path = folder / f"{key[:32]}.jsonl" if folder is not None else None
        self._progress = progress
        self._known: dict[str, bytes] = {}
        """Lines, as they are in the file: an answer as objects takes three times the memory."""
        if self._path is not None and self._path.is_file():
            self._read(self._path)

    def _read(self, path: Path) -> None:
        bad = 0
        with path.open("rb") as lines:
            for line in lines:
                entry = _checked(line) if line.endswith(b"\n") else None
                if entry is None:
                    bad += 1
                else:
                    self._known[entry["prompt"]] = line
        if bad:
            self._progress.fallback(f"{path}: {bad} kept answers cannot be read; their prompts are answered again")
            with atomic_open(path) as handle:
                handle.writelines(line.decode() for line in self._known.values())

    def get(self, job: Job) -> Answer | None:
        """The kept answer to a prompt, or None."""
        line = self._known.get(_prompt_key(job))
        if line is None:
            return None
        found = json.loads(line)["answer"]
        generations = [Generation(**item) for item in found["generations"]]
        return Answer(found["program"], found["finish_reason"], generations, list(found["drafts"]))

    def put(self, job: Job, item: Answer) -> None:
        """Keep an answer, unless the clock decided it."""
        if self._path is None or any(part.finish_reason == "timeout" for part in item.generations):
            return
        generations = [
            {place.name: getattr(part, place.name) for place in fields(part) if place.name != "token_ids"}
            for part in item.generations
        ]
        kept = {
            "program": item.program,
            "finish_reason": item.finish_reason,
            "drafts": item.drafts,
            "generations": [{**part, "phases": dict(part["phases"])} for part in generations],
        }
        prompt = _prompt_key(job)
        line = _line(prompt, kept)
        self._known[prompt] = line.encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", newline="\n") as handle:
                handle.write(line)
        except OSError as error:
            self._progress.fallback(
                f"{self._path}: answers cannot be kept ({error.strerror}); a rerun gives them again"
            )
            self._path = None


def _prompt_key(job: Job) -> str:
    return content_hash({"prompt": job.row.prompt, "budget": job.budget, "examples": job.examples})


def _line(prompt: str, kept: Mapping[str, Any]) -> str:
    entry = {"prompt": prompt, "answer": kept}
    return json.dumps({**entry, "sha256": content_hash(entry)}, ensure_ascii=True) + "\n"


def _checked(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
        written = entry.pop("sha256")
        return entry if content_hash(entry) == written else None
    except (ValueError, KeyError, AttributeError):
        return None


def _forget(job: Job, item: Answer) -> None:
    pass


Ask = Callable[[Sequence[Job], Done], Sequence[Answer]]
"""Answers jobs with a model, telling each answer as it comes."""


def answered(
    jobs: Sequence[Job], shelves: Sequence[Shelf], ask: Ask, *, together: bool = False
) -> tuple[list[Answer], int]:
    """The answers to all jobs and how many were kept ones; ``ask`` gives the others, and they are kept as they come.

    ``shelves``: one for each slot. ``together``: keep them when all are there, so that a killed run, when it goes on,
    makes the same batches again (int8 rounds, so what shares a batch may decide a close call). ``ask`` is not called
    when every answer is known.
    """
    found = [shelves[job.slot].get(job) for job in jobs]
    missing = [place for place, item in enumerate(found) if item is None]
    if missing:

        def keep(job: Job, item: Answer) -> None:
            shelves[job.slot].put(job, item)

        fresh = ask([jobs[place] for place in missing], _forget if together else keep)
        for place, item in zip(missing, fresh, strict=True):
            found[place] = item
            if together:
                keep(jobs[place], item)
    return [item for item in found if item is not None], len(jobs) - len(missing)
