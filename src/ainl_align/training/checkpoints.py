"""Checkpoint folders: complete or absent, in numeric order, and tied to their base model and their training.

A folder is complete when its ``manifest.json`` exists: it is written last, after every file that it names by hash, and
removed first.
"""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ainl_align.artifacts import file_hash, parse_json, read_json, sync_folder, temporary_name, write_json
from ainl_align.errors import UserError
from ainl_align.keys import Key
from ainl_align.training.base import BaseModel, loading

MANIFEST = "manifest.json"
WEIGHTS = "adapter_model.safetensors"
BEST_LINK = "best_by_strict_ainl"
RESUME = "resume"
"""Folder in a checkpoint with what its training goes on from (``training/resume.py``); no part of the adapter."""
_NO_PART = (MANIFEST, BEST_LINK, "README.md")
"""Files in an adapter's folder that are not sealed: the seal, and what later stages write."""
_SIDES = {"lora_A": ("lora_B", 1), "lora_B": ("lora_A", 0)}
"""Each matrix of a LoRA pair: the other one, and its axis that is the layer's."""
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Adapter:
    """A complete adapter folder. ``step`` is None for one that is no training checkpoint.

    ``training`` is the content key of the training that made it, ``files`` the hash of each of its files, ``made`` the
    names of the training's checkpoints when this is its final adapter; all are empty for one of another tool.
    """

    folder: Path
    base_model: str
    base_fingerprint: str | None
    step: int | None
    eval_loss: float | None
    training: Key = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    made: Sequence[str] = ()


def seal(
    folder: Path,
    base: BaseModel,
    *,
    step: int | None,
    loss: float | None,
    eval_loss: float | None,
    epoch: float | None,
    provenance: Mapping[str, Any],
    training: Key | None = None,
    made: Sequence[str] = (),
) -> None:
    """Mark ``folder`` as complete: flush its files to disk, then write the manifest with their hashes.

    ``training`` is the content key of the training, ``made`` names its checkpoints when ``folder`` is what it ended in.
    """
    found = (path.name for path in folder.iterdir() if path.is_file() and not path.is_symlink())
    names = sorted(name for name in found if name not in _NO_PART and not name.startswith("."))
    for name in names:
        with (folder / name).open("rb") as handle:
            os.fsync(handle.fileno())
    sync_folder(folder)
    sync_folder(folder.parent)
    manifest = {
        "training": dict(training or {}),
        "checkpoints": list(made),
        "base_model": base.name,
        "base_sha256": base.fingerprint,
        "step": step,
        "epoch": epoch,
        "loss": loss,
        "eval_loss": eval_loss,
        "files": {
            name: {"sha256": file_hash(folder / name), "bytes": (folder / name).stat().st_size} for name in names
        },
    }
    write_json(folder / MANIFEST, "checkpoint_manifest", manifest, provenance)


def load_adapter(folder: Path) -> Adapter:
    """Read an adapter folder of ours or of plain PEFT.

    Raises UserError when the folder is missing, is no LoRA adapter, or a file differs from its manifest.
    """
    folder = follow_best(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such adapter folder; check the path, or train one with scripts/finetune_ainl.py")
    for name in ("adapter_config.json", WEIGHTS):
        if not (folder / name).is_file():
            raise UserError(
                f"{folder}: has no {name}, so it is no PEFT adapter in safetensors form; name another folder"
            )
    if not (folder / MANIFEST).is_file():
        return Adapter(folder, _peft_base(folder), None, None, None)
    manifest = read_json(folder / MANIFEST, "checkpoint_manifest")
    for name, entry in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != entry["bytes"] or file_hash(path) != entry["sha256"]:
            raise UserError(f"{path}: is missing or differs from {MANIFEST}; train again or restore the folder")
    return Adapter(
        folder,
        manifest["base_model"],
        manifest.get("base_sha256"),
        manifest.get("step"),
        manifest.get("eval_loss"),
        manifest.get("training", {}),
        {name: entry["sha256"] for name, entry in manifest["files"].items()},
        manifest.get("checkpoints", ()),
    )


def _peft_base(folder: Path) -> str:
    config = parse_json(folder / "adapter_config.json")
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise UserError(f"{folder / 'adapter_config.json'}: field 'peft_type' is not LORA; name a LoRA adapter")
    return str(config.get("base_model_name_or_path"))


def check_base(adapter: Adapter, base: BaseModel) -> None:
    """Raise UserError when ``adapter`` was trained on another base model than ``base``, or its weights fit none."""
    if adapter.base_fingerprint:
        why = None if adapter.base_fingerprint == base.fingerprint else "its manifest names other weights"
    else:
        with loading(adapter.folder, "weights"):
            why = _misfit(adapter, base)
    if why is not None:
        raise UserError(
            f"{adapter.folder}: was trained on base model '{adapter.base_model}', not on '{base.name}' ({why}); "
            f"use --base-model {adapter.base_model} or another adapter"
        )


def _misfit(adapter: Adapter, base: BaseModel) -> str | None:
    """Why a foreign adapter's matrices do not fit the base, or None; UserError when they are no pairs of LoRA."""
    from safetensors import safe_open

    shapes: dict[str, list[int]] = {}
    for path in base.folder.glob("*.safetensors"):
        with loading(base.folder, "weights"), safe_open(path, framework="numpy") as weights:
            shapes.update({name: weights.get_slice(name).get_shape() for name in weights.keys()})  # noqa: SIM118
    with safe_open(adapter.folder / WEIGHTS, framework="numpy") as weights:
        found = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    for name, shape in found.items():
        side = next((side for side in _SIDES if name.endswith(f".{side}.weight")), None)
        if side is None:
            raise UserError(f"{adapter.folder}: holds {name}, and only plain LoRA is read; save it as plain LoRA")
        other, axis = _SIDES[side]
        pair = found.get(name.replace(f".{side}.", f".{other}."))
        if pair is None or len(shape) != 2 or pair[axis] != shape[1 - axis]:
            raise UserError(f"{adapter.folder}: {name} has no {other} that goes with it; save or fetch it again")
        layer = name.removeprefix("base_model.model.").removesuffix(f".{side}.weight")
        target = shapes.get(f"{layer}.weight")
        if target is None:
            return f"which has no layer {layer}"
        if len(target) != 2 or target[axis] != shape[axis]:
            return f"whose {layer} is {' x '.join(map(str, target))}, not what {side} was made for"
    return None if found else "it holds no matrices"


def checkpoints(root: Path) -> list[Adapter]:
    """The complete checkpoints under an adapter root, by step; half-written ones are left out.

    Raises UserError when the root is missing or holds none.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such adapter folder; train one with scripts/finetune_ainl.py")
    found = [folder for folder in checkpoint_folders(root) if (folder / MANIFEST).is_file()]
    if not found:
        raise UserError(f"{root}: holds no complete checkpoint-*; train with scripts/finetune_ainl.py first")
    return [load_adapter(folder) for folder in found]


def checkpoint_folders(root: Path) -> list[Path]:
    """Every ``checkpoint-*`` under a root, complete or not, by step."""
    steps = [(int(match[1]), path) for path in root.glob("checkpoint-*") if (match := _CHECKPOINT.fullmatch(path.name))]
    return [path for _, path in sorted(steps)]


def discard(folder: Path) -> None:
    """Remove an adapter folder; its manifest goes first, so that what a kill leaves of it counts for nothing."""
    manifest = folder / MANIFEST
    if manifest.exists():
        manifest.unlink()
        sync_folder(folder)
    shutil.rmtree(folder, ignore_errors=True)


def discard_incomplete(root: Path) -> None:
    """Remove checkpoints that a kill or a full disk left half-written."""
    for folder in checkpoint_folders(root):
        if not (folder / MANIFEST).is_file():
            shutil.rmtree(folder, ignore_errors=True)


def promote(root: Path, folder: Path) -> Path:
    """Point ``best_by_strict_ainl`` under ``root`` at ``folder``; returns the link.

    Where symbolic links are impossible the link is a text file that holds the folder's name.
    """
    link = root / BEST_LINK
    scratch = temporary_name(link)
    scratch.unlink(missing_ok=True)
    try:
        scratch.symlink_to(folder.name, target_is_directory=True)
    except OSError:
        scratch.write_text(folder.name + "\n", encoding="utf-8")
    scratch.replace(link)
    sync_folder(root)
    return link


def follow_best(path: Path) -> Path:
    """Follow a best link that is a pointer file; other paths are returned as they are."""
    if path.name == BEST_LINK and path.is_file() and not path.is_symlink():
        return path.parent / path.read_text(encoding="utf-8").strip()
    return path


def promoted(root: Path) -> Path | None:
    """The checkpoint that was promoted under an adapter root, or None."""
    link = root / BEST_LINK
    if not link.exists():
        return None
    return follow_best(link).resolve()
