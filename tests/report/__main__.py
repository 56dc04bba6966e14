"""The two prepared failing runs and their pages: ``python -m tests.report FOLDER``.

Prints, for each, the reasons that its report gives, and where the page is.
"""

import sys
from pathlib import Path

from ainl_align.report.outputs import page_path, write_run
from ainl_align.report.reasons import headline, reasons
from ainl_align.report.run_files import load
from tests.report import runs


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.report FOLDER")
    for name, make in (("regressed", runs.regressed), ("leaked", runs.leaked)):
        run = load(make(Path(sys.argv[1]) / name / "corpus"))
        page = page_path(run.path, run)
        write_run(run, page)
        print(f"{name}: {headline(run)}")
        for reason in reasons(run):
            print("\n".join((f"  {reason.text}", *(f"    {line}" for line in reason.where))))
        print(f"  {page}")


if __name__ == "__main__":
    main()
