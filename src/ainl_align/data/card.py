"""Dataset files and the card beside them: what is in it, how it was made, and what it must not contain."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ainl_align.artifacts import atomic_open, file_hash, provenance, write_json, write_jsonl
from ainl_align.data.records import SAMPLE_TYPES, Row, SampleType
from ainl_align.data.sampling import SPLITS, DatasetSettings

SCHEMA = "dataset_card"
_PROMPT_FIGURES = ("held_out", "exact", "normalised", "near_copies", "sharing_8grams", "largest_share")
_PROGRAM_FIGURES = ("equal_programs", "same_structure", "structures_trained")


class DatasetSummary(BaseModel):
    """What a dataset stage wrote. ``files`` has the keys all, train, val and test; ``rows`` the same numbers."""

    model_config = ConfigDict(frozen=True)

    name: str
    rows: dict[str, int]
    files: dict[str, Path]
    card: Path
    mix: dict[str, float]


def write_dataset(
    name: str,
    splits: Mapping[str, Sequence[Row]],
    *,
    settings: DatasetSettings,
    leakage: Mapping[str, Any],
    dropped: Mapping[str, int],
    asked_mix: Mapping[SampleType, float] | None = None,
    inputs: Mapping[str, Path] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> DatasetSummary:
    """Write ``train_chatml_NAME{,_train,_val,_test}.jsonl`` and the card as JSON and Markdown into the output folder.

    ``notes`` are further keys of the card. Raises what ``artifacts.atomic_open`` raises.
    """
    rows = [row for split in SPLITS for row in splits[split]]
    stem = f"train_chatml_{name}"
    folder = settings.output_dir
    files = {"all": folder / f"{stem}.jsonl", **{split: folder / f"{stem}_{split}.jsonl" for split in SPLITS}}
    # Hashed before the files are replaced: a boost may read what it writes.
    origin = provenance(settings.model_dump(mode="json"), data=inputs or {}, device="cpu")
    written = {key: write_jsonl(path, rows if key == "all" else splits[key]) for key, path in files.items()}
    actual = mix_of(rows)
    content = {
        "name": name,
        "files": {
            key: {"path": str(path), "rows": written[key], "sha256": file_hash(path)} for key, path in files.items()
        },
        "rows": len(rows),
        "counts": counts_of(rows, splits),
        "mix": {"asked": {**asked_mix} if asked_mix else None, "actual": actual},
        "lengths": lengths_of(rows),
        "leakage": dict(leakage),
        "dropped": dict(sorted(dropped.items())),
        "seed": settings.seed,
        **(notes or {}),
    }
    card = folder / f"{stem}_card.json"
    write_json(card, SCHEMA, content, origin)
    with atomic_open(card.with_suffix(".md")) as handle:
        handle.write(markdown(content))
    return DatasetSummary(name=name, rows=written, files=files, card=card, mix=actual)


def mix_of(rows: Sequence[Row]) -> dict[str, float]:
    """The share of each sample type that occurs."""
    found = Counter(row["sample_type"] for row in rows)
    return {kind: round(found[kind] / len(rows), 6) for kind in SAMPLE_TYPES if found[kind]}


def counts_of(rows: Sequence[Row], splits: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, int]]:
    """Rows by sample type, family, tier, split and kind of draft; and the distinct tasks by split."""

    def by(key: str) -> dict[str, int]:
        return dict(sorted(Counter(row[key] for row in rows if key in row).items()))

    return {
        "sample_type": by("sample_type"),
        "family": by("family"),
        "tier": by("tier"),
        "draft_kind": by("draft_kind"),
        "wording": by("wording"),
        "split": {split: len(splits[split]) for split in SPLITS},
        "tasks": {split: len({(row["family"], row["task_id"]) for row in splits[split]}) for split in SPLITS},
    }


def lengths_of(rows: Sequence[Row]) -> dict[str, dict[str, dict[str, float]]]:
    """Characters and words of what the model reads (request) and learns to write (program), in order statistics."""
    texts = {
        "request": [row["messages"][1]["content"] for row in rows],
        "program": [row["messages"][2]["content"] for row in rows],
    }
    return {
        part: {"characters": _spread([len(text) for text in found]), "words": _spread([len(t.split()) for t in found])}
        for part, found in texts.items()
    }


def _spread(values: Sequence[int]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "median": statistics.median(ordered),
        "p95": ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)],
        "max": ordered[-1],
        "total": sum(ordered),
    }


def markdown(content: Mapping[str, Any]) -> str:
    """The card for people."""
    counts = content["counts"]
    lines = [f"# Dataset `{content['name']}`", "", f"{content['rows']} rows, seed {content['seed']}.", ""]
    lines += _table(
        ("file", "rows", "SHA-256"), [(f["path"], f["rows"], f["sha256"]) for f in content["files"].values()]
    )
    asked, actual = content["mix"]["asked"] or {}, content["mix"]["actual"]
    lines += ["", "## Mix", ""]
    lines += _table(
        ("sample type", "rows", "share", "asked"),
        [(kind, counts["sample_type"][kind], f"{share:.4f}", asked.get(kind, "")) for kind, share in actual.items()],
    )
    for key, title in (("family", "Families"), ("tier", "Tiers"), ("draft_kind", "Drafts"), ("wording", "Wording")):
        if counts[key]:
            lines += ["", f"## {title}", "", *_table((key.replace("_", " "), "rows"), counts[key].items())]
    lines += ["", "## Lengths", ""]
    lines += _table(
        ("part", "unit", "median", "95%", "longest", "total"),
        [
            (part, unit, spread["median"], spread["p95"], spread["max"], spread["total"])
            for part, units in content["lengths"].items()
            for unit, spread in units.items()
        ],
    )
    leakage = content["leakage"]
    lines += ["", "## Overlap with held-out requests", ""]
    lines += [f"{leakage['prompts']} different prompts against the prompts that evaluation uses.", ""]
    lines += _table(
        ("suite", "prompts", "exact", "normalised", "near copies", "share a run of 8 words", "largest share"),
        [(name, *(found[key] for key in _PROMPT_FIGURES)) for name, found in leakage["suites"].items()],
    )
    lines += ["", f"{leakage['programs']} different programs of {leakage['structures']} structures (steps and branches"]
    lines += ["without names and values). Equal structures are expected: compositions are shared.", ""]
    lines += _table(
        ("suite", "equal programs", "programs of its structures", "share of the suite with a trained structure"),
        [(name, *(found[key] for key in _PROGRAM_FIGURES)) for name, found in leakage["suites"].items()],
    )
    if "boost" in content:
        boost = content["boost"]
        lines += ["", "## Boosted", ""]
        lines += _table(
            ("family", "new rows", "kinds of failures"),
            [(n, c, ", ".join(boost["kinds_by_family"].get(n, []))) for n, c in boost["new_rows_by_family"].items()],
        )
    if content["dropped"]:
        lines += ["", "## Left out", "", *_table(("reason", "number"), content["dropped"].items())]
    return "\n".join(lines) + "\n"


def _table(head: Sequence[str], rows: Any) -> list[str]:
    body = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body]
