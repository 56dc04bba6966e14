"""The adapter that comes with the package: usable without training, and a start for one."""

from pathlib import Path

from ainl_align.errors import UserError
from ainl_align.training.checkpoints import MANIFEST, promoted

SHELF = Path(__file__).parents[1] / "adapters"
"""One folder, NAME-vN, in the form of a checkpoint: its manifest holds the hash of each file, checked at every load."""
LARGEST_BYTES = 25_000_000


def shipped() -> Path | None:
    """The folder of the adapter that comes with the package; None where it was left out."""
    found = sorted(SHELF.glob(f"*/{MANIFEST}"))
    return found[-1].parent if found else None


def shipped_or_stop(wish: str) -> Path:
    """The same; UserError, naming the ``wish`` that needs it, where there is none."""
    folder = shipped()
    if folder is None:
        raise UserError(f"{wish}: no adapter comes with this installation ({SHELF}); install the package anew")
    return folder


def adapter_at_hand(root: Path) -> Path:
    """What a training under ``root`` promoted, else the adapter that comes with the package; UserError for neither."""
    folder = promoted(root) or shipped()
    if folder is None:
        raise UserError(
            f"no adapter has been promoted under {root}, and none comes with this installation; run "
            "scripts/run_alignment_cycle.sh, name one with --adapter, or use --no-adapter"
        )
    return folder
