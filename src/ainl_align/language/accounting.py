"""The every-line-accounted check: what the compiler kept, written out again, must be what the source says.

The compiler drops, overwrites and moves words without a sound (facts, section F); a program is canonical only when
nothing of that happened to it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ainl_align.language.canonical import DECLARATIONS, STEPS
from ainl_align.language.compiler import Compiled, Diagnostic
from ainl_align.language.outline import Line

_STEPS_END_IN_ARROW = frozenset({"R", "If", "Call", "Err"})


def account(source: str, compiled: Compiled, lines: Sequence[Line]) -> list[Diagnostic]:
    """Everything in the source that the IR does not hold, and everything in the IR that the source does not say."""
    ir = compiled.ir
    if ir is None:
        return list(compiled.errors)
    if ir["source"]["text"] != source:
        return [
            Diagnostic(1, "compact-syntax", "a first line 'name:' switches to another syntax; write the S line first")
        ]
    problems = list(compiled.warnings)
    problems += [Diagnostic(entry["lineno"], "ignored-line", "the compiler ignores this line") for entry in ir["meta"]]
    if "_anon" in ir["labels"]:
        first = next((line.number for line in lines if line.op.text in STEPS and line.label is None), None)
        problems.append(Diagnostic(first, "outside-label", "steps before the first label never run"))
    problems += _labels(ir, lines)
    problems += _steps(ir, lines)
    problems += _declarations(ir, lines)
    return problems


def _labels(ir: dict[str, Any], lines: Sequence[Line]) -> list[Diagnostic]:
    written = Counter(line.op.text[1:-1] for line in lines if line.is_label)
    kept = Counter(name for name in ir["labels"] if name != "_anon")
    lost = (written - kept) or (kept - written)
    if not lost:
        return []
    name = next(iter(lost))
    line = next((line.number for line in lines if line.is_label and line.op.text[1:-1] == name), None)
    return [Diagnostic(line, "labels", f"label L{name[:24]} is not what the compiler keeps")]


def _steps(ir: dict[str, Any], lines: Sequence[Line]) -> list[Diagnostic]:
    kept: dict[int, list[tuple[str, Mapping[str, Any]]]] = {}
    for label, body in ir["labels"].items():
        for step in (body.get("legacy") or {}).get("steps") or ():
            kept.setdefault(step.get("lineno") or 0, []).append((f"L{label}", step))
    problems = []
    for line in lines:
        if line.op.text not in STEPS:
            continue
        found = kept.pop(line.number, [])
        if len(found) != 1 or found[0][0] != line.label or found[0][1]["op"] != line.op.text:
            problems.append(Diagnostic(line.number, "lost-step", "the compiler drops or moves this step"))
        elif _written(found[0][1]) != line.texts or (
            line.op.text in _STEPS_END_IN_ARROW and (line.op.quoted or not line.words or line.words[-1].quoted)
        ):
            kept_as = " ".join([line.op.text, *(str(word) for word in _written(found[0][1]))])
            problems.append(Diagnostic(line.number, "changed-step", f"the compiler reads this step as: {kept_as[:60]}"))
    problems += [Diagnostic(number or None, "extra-step", "the compiler reads a step in this line") for number in kept]
    return problems


def _written(step: Mapping[str, Any]) -> list[Any]:
    """The slots that a step of the IR stands for; a slot that the compiler left out is None."""
    at, out = f"@{step.get('at_node_id')}", f"->{step.get('out')}"
    match step["op"]:
        case "R":
            return [step.get("adapter"), step.get("target"), *step.get("args", ()), out]
        case "J":
            return [step.get("var")]
        case "Set":
            return [step.get("name"), step.get("ref")]
        case "If":
            return [step.get("cond"), f"->L{step.get('then')}", f"->L{step.get('else')}"]
        case "Call":
            return [f"L{step.get('label')}", out]
        case "Err":
            return [at, f"->L{step.get('handler')}"]
        case "Retry":
            strategy = step.get("backoff_strategy")
            return [at, step.get("count"), step.get("backoff_ms"), *([strategy] if strategy else [])]
        case _:
            return []


def _declarations(ir: dict[str, Any], lines: Sequence[Line]) -> list[Diagnostic]:
    problems = []
    declarations = [line for line in lines if line.op.text in DECLARATIONS]
    first: dict[tuple[str, ...], int] = {}
    times = Counter(_key(line) for line in declarations)
    crons = iter(ir["crons"])
    for line in declarations:
        key = _key(line)
        cron = next(crons, None) if line.op.text == "Cr" else None
        if first.setdefault(key, line.number) != line.number:
            message = f"{' '.join(key)[:40]} is on line {first[key]} too; keep one"
            problems.append(Diagnostic(line.number, "overwritten", message))
        elif times[key] == 1 and _declared(line, ir, cron) != line.texts:
            message = "the compiler drops words of this line; check its form"
            problems.append(Diagnostic(line.number, "changed-declaration", message))
    return problems


def _key(line: Line) -> tuple[str, ...]:
    """What the compiler files a declaration under; a second one of the same key overwrites the first."""
    words = line.texts
    if line.op.text == "Cr":
        return ("Cr", *words)
    return (line.op.text, words[0], words[1].upper()) if line.op.text == "E" else (line.op.text, *words[:1])


def _declared(line: Line, ir: dict[str, Any], cron: Mapping[str, Any] | None) -> list[Any] | None:
    """The slots of a declaration as the IR holds them, None when it is not there."""
    op, words = line.op.text, line.texts
    services = ir["services"]
    if op == "S":
        service = services.get(words[0], {})
        return [words[0], service.get("mode"), *([service["path"]] if service.get("path") else [])]
    if op == "D":
        declared = ir["types"].get(words[0], {"fields": {}})
        marks = {**dict.fromkeys(declared.get("optional", ()), "?"), **dict.fromkeys(declared.get("required", ()), "!")}
        return [words[0], *(f"{name}:{kind}{marks.get(name, '')}" for name, kind in declared["fields"].items())]
    if op == "E":
        endpoint = services.get("core", {}).get("eps", {}).get(words[0], {}).get(words[1].upper())
        if endpoint is None:
            return None
        return [words[0], endpoint["method"], f"->L{endpoint['label_id']}", f"->{endpoint['return_var']}"]
    if op == "Cr":
        return [cron["label"], cron["expr"]] if cron else None
    scrape = services.get("scrape", {}).get("defs", {}).get(words[0])
    return scrape and [words[0], scrape["url"], *(f"{key}={field}" for key, field in scrape["selectors"].items())]
