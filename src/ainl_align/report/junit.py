"""JUnit XML for CI systems: a case for each stage, floor, regression and family; it fails where the run does."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ainl_align.artifacts import atomic_open
from ainl_align.report.rates import REFERENCES, group_rows
from ainl_align.report.run_files import RunFiles

# What XML 1.0 cannot hold; messages may quote a prompt or a program.
_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CHECK_TAGS = {"fail": "failure", "inconclusive": "error", "not_compared": "skipped"}


def write_junit(run: RunFiles, path: Path) -> Path:
    """Write the cases of a run and return ``path``; raises what ``artifacts.atomic_open`` raises."""
    with atomic_open(path) as handle:
        handle.write(junit(run))
    return path


def junit(run: RunFiles) -> str:
    """The XML text."""
    root = ElementTree.Element("testsuites", name="ainl-align")
    for name, cases in (("stages", _stages(run)), ("gate", _checks(run)), ("families", _families(run))):
        suite = ElementTree.SubElement(root, "testsuite", name=name, timestamp=run.health["provenance"]["created"])
        counts = {"failure": 0, "error": 0, "skipped": 0}
        total = 0
        for case, tag, message, seconds in cases:
            total += 1
            node = ElementTree.SubElement(
                suite, "testcase", classname=f"ainl_align.{name}", name=_legal(case), time=f"{seconds:.3f}"
            )
            if tag in counts:
                counts[tag] += 1
                ElementTree.SubElement(node, tag, message=_legal(message))
            elif message:
                ElementTree.SubElement(node, "system-out").text = _legal(message)
        suite.set("tests", str(total))
        for tag, plural in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            suite.set(plural, str(counts[tag]))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


_Case = tuple[str, str, str, float]
"""Name, tag of the outcome ("" when passed), message, seconds."""


def _stages(run: RunFiles) -> Iterator[_Case]:
    for row in run.health["stages"]:
        tag = {"failed": "error", "off": "skipped", "not_run": "skipped"}.get(row["status"], "")
        yield row["name"], tag, row.get("error") or row.get("note") or row["status"], row["seconds"]


def _checks(run: RunFiles) -> Iterator[_Case]:
    gate = run.health["gate"]
    said = set()
    for check in (gate or {}).get("checks", ()):
        said.add(check["message"])
        parts = [check["kind"], check["metric"]]
        if check.get("scope", "all") != "all":
            parts.append(check["scope"])
        if check.get("against"):
            parts.append(f"against {check['against']}")
        yield " ".join(parts), _CHECK_TAGS.get(check["status"], ""), check["message"], 0.0
    for number, line in enumerate((gate or {}).get("failures", ()), 1):
        if line not in said:
            yield f"reports {number}", "failure", line, 0.0


def _families(run: RunFiles) -> Iterator[_Case]:
    """A family fails where a threshold of its own does; its rate and its losses stand in every case's text."""
    if run.evaluation is None:
        return
    failing = {
        check["scope"].removeprefix("family:"): check
        for check in (run.health["gate"] or {}).get("checks", ())
        if check.get("scope", "").startswith("family:") and check["status"] in ("fail", "inconclusive")
    }
    reference: Mapping[str, Any] | None = next(
        (run.references[role] for role in REFERENCES if role in run.references), None
    )
    for row in sorted(group_rows(run.evaluation, "family", reference), key=lambda row: row["name"]):
        text = f"{row['metric']} {row['count']} of {row['n']}"
        if row["change"] is not None:
            text += f"; {len(row['change'].lost)} lost, {len(row['change'].gained)} gained"
        check = failing.get(row["name"])
        if check is None:
            yield row["name"], "", text, 0.0
        else:
            yield row["name"], _CHECK_TAGS[check["status"]], f"{check['message']} ({text})", 0.0


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)
