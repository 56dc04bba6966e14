"""One of several training processes, started by finetune.py with two files: the settings, and where to write."""

import json
import sys
from pathlib import Path

from ainl_align.errors import UserError
from ainl_align.progress import Progress
from ainl_align.training import finetune, processes


def main(order: Path, answer: Path) -> int:
    """Train as the settings file says; the leading process shows progress and writes losses and fallbacks."""
    progress = Progress()
    try:
        result = finetune.run(finetune.Settings.model_validate_json(order.read_text(encoding="utf-8")), progress)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    if processes.world().leads:
        content = {"losses": result.losses, "fallbacks": progress.fallbacks}
        answer.write_text(json.dumps(content), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
