"""The input fuzz as a whole: ``make fuzz-input``, or ``python -m tests.fuzz_input [--cases 5000] [--only TEXT]``.

Prints, for each command and kind of file, how many damaged inputs were tried and the exit codes that they ended in.
Exit 1 when any ended otherwise than documented, left a traceback, or touched a file that was not its output.
"""

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests.fuzz_input import fuzz
from tests.fuzz_input.kit import make
from tests.fuzz_input.targets import TARGETS, stage_options


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=5500, help="cases in all, spread over the targets")
    parser.add_argument("--only", default="", metavar="TEXT", help="targets whose name holds this")
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each target")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    started = time.monotonic()
    targets = (*TARGETS, *stage_options())
    shares = sum(target.share for target in targets)
    chosen = [target for target in targets if options.only in target.name]
    wrong: list[str] = []
    total = 0
    print("| input | cases | 0 | 2, refused | 10, 11 | 1 | accepted, not run | wrong | s |")
    print("|" + " --- |" * 9)
    with tempfile.TemporaryDirectory() as folder:
        kit = make(Path(folder) / "kit", with_models=any(target.models for target in chosen))
        for target in chosen:
            begin = time.monotonic()
            count = -(-options.cases * target.share // shares)
            tally = fuzz.run(kit, target, count, Path(folder) / "cases", first=options.first)
            codes = tally.codes
            cells = (codes["0"], codes["2"], codes["10"] + codes["11"], codes["1"], codes["accepted"], len(tally.wrong))
            spent = time.monotonic() - begin
            print(f"| {tally.name} | {tally.cases} | {' | '.join(map(str, cells))} | {spent:.0f} |", flush=True)
            wrong += tally.wrong
            total += tally.cases
    for text in wrong:
        print(f"WRONG: {text}")
    print(f"{total} damaged inputs in {time.monotonic() - started:.0f} s, {len(wrong)} ended wrongly")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
