"""Labels as a graph, and which variables are set for certain: the must-analysis that strict mode does not make.

Strict mode asks whether a variable may be set; at run time an unset one silently becomes its own name. Here every
read must be preceded by an assignment on every path: an If or Call edge carries what is set before it, an Err edge
what is set before the step that fails (plus ``_error``), a Call gives back its result only.
"""

from ainl_align.language.compiler import Diagnostic
from ainl_align.language.forms import Label, Program, Step
from ainl_align.language.outline import Word
from ainl_align.language.values import INPUTS, RESERVED, condition_name, condition_problem, operand_problem

Names = frozenset[str]


def check_flow(program: Program) -> list[Diagnostic]:
    """Endings, targets, cycles, reachability, operands and reads of a program whose lines are all well formed."""
    problems = _targets(program) + [p for label in program.labels.values() for p in _label_problems(label)]
    variables = frozenset(step.out for step in _steps(program) if step.out is not None)
    protected = variables | program.returns | (INPUTS if program.endpoints else frozenset())
    for step in _steps(program):
        problems += _operands(step, variables, protected, inputs=bool(program.endpoints))
    if any(problem.code == "missing-label" for problem in problems):
        return problems
    entries = _entries(program)
    order, cycle = _order(program, entries)
    if cycle is not None:
        return [*problems, Diagnostic(cycle.line, "cycle", f"{cycle.op} leads back to a label it came from; no loops")]
    for label in program.labels.values():
        if label.name not in order:
            problems.append(Diagnostic(label.line, "unreachable", f"label {label.name} is never reached; remove it"))
    return problems + _must(program, entries, order)


def _steps(program: Program) -> list[Step]:
    return [step for label in program.labels.values() for step in label.steps]


def _entries(program: Program) -> dict[str, Names]:
    """The labels that a trigger starts, with what is set there; the first label when nothing else is declared."""
    entries: dict[str, Names] = {}
    for name, _line in program.endpoints:
        entries[name] = frozenset(f"${word}" for word in INPUTS)
    for name, _line in program.crons:
        entries[name] = frozenset()
    return entries or dict.fromkeys(list(program.labels)[:1], frozenset())


def _targets(program: Program) -> list[Diagnostic]:
    named = [*program.crons, *program.endpoints]
    named += [(target, step.line) for step in _steps(program) for target in step.targets]
    return [
        Diagnostic(line, "missing-label", f"label {name} does not exist; add it or fix the name")
        for name, line in named
        if name not in program.labels
    ]


def _label_problems(label: Label) -> list[Diagnostic]:
    if not label.steps:
        return [Diagnostic(label.line, "empty-label", f"label {label.name} is empty; end it in J or If")]
    problems = []
    if label.steps[-1].op not in ("J", "If"):
        problems.append(Diagnostic(label.steps[-1].line, "label-ending", f"label {label.name} must end in J or If"))
    marked: set[tuple[str, int]] = set()
    for step in label.steps:
        if step.op in ("J", "If") and step is not label.steps[-1]:
            problems.append(Diagnostic(step.line, "after-end", f"nothing may follow {step.op} in label {label.name}"))
        if step.at is not None:
            named = label.steps[step.at - 1].op
            if named != "R" and (step.op, named) != ("Retry", "Call"):
                mend = "Err must name an R step" if step.op == "Err" else "Retry must name an R or Call step"
                problems.append(Diagnostic(step.line, "node-reference", f"@n{step.at} is {named}; {mend}"))
            if (step.op, step.at) in marked:
                problems.append(
                    Diagnostic(step.line, "swallowed", f"@n{step.at} has one {step.op} already; remove this")
                )
            marked.add((step.op, step.at))
    return problems


def _operands(step: Step, variables: Names, protected: Names, *, inputs: bool) -> list[Diagnostic]:
    problems = []
    for word in step.reads:
        if step.op == "If":
            problem = condition_problem(word, variables, protected)
        elif inputs and step.op == "Set" and not word.quoted and word.text == f"${step.out}" and step.out in INPUTS:
            problem = None
        else:
            # A quoted text must differ from the inputs too; a bare word is a variable only when something sets it.
            problem = operand_problem(word, protected if word.quoted else variables, paths=step.op == "R")
        if problem is not None:
            problems.append(Diagnostic(step.line, "operand", problem))
    if step.out in RESERVED:
        problems.append(Diagnostic(step.line, "reserved", f"{step.out} belongs to the runtime; use another name"))
    return problems


def _order(program: Program, entries: dict[str, Names]) -> tuple[list[str], Step | None]:
    """Reachable labels, each before the labels it leads to; or the step that closes a cycle (reachable or not)."""
    finished: list[str] = []
    seen: set[str] = set()
    for root in entries:
        closing = _visit(root, program, seen, finished)
        if closing is not None:
            return [], closing
    reachable = finished[::-1]
    for root in program.labels:
        closing = _visit(root, program, seen, finished)
        if closing is not None:
            return [], closing
    return reachable, None


def _visit(root: str, program: Program, seen: set[str], finished: list[str]) -> Step | None:
    """Depth first without recursion; appends labels as they finish, returns the step of a back edge."""
    if root in seen:
        return None
    seen.add(root)
    on_path = {root}
    path = [(root, _edges(program.labels[root]))]
    while path:
        name, edges = path[-1]
        if not edges:
            path.pop()
            on_path.discard(name)
            finished.append(name)
            continue
        step, target = edges.pop()
        if target in on_path:
            return step
        if target not in seen:
            seen.add(target)
            on_path.add(target)
            path.append((target, _edges(program.labels[target])))
    return None


def _edges(label: Label) -> list[tuple[Step, str]]:
    return [(step, target) for step in label.steps for target in step.targets]


def _must(program: Program, entries: dict[str, Names], order: list[str]) -> list[Diagnostic]:
    at_entry: dict[str, Names] = dict(entries)
    problems: list[Diagnostic] = []
    assigned = {step.out for step in _steps(program)} | {"_error", *(f"${word}" for word in INPUTS)}

    def arrive(target: str, names: Names) -> None:
        at_entry[target] = at_entry[target] & names if target in at_entry else names

    for label in order:
        defined = at_entry[label]
        before: list[Names] = []
        for step in program.labels[label].steps:
            before.append(defined)
            for word in step.reads:
                name = _name_read(step, word)
                # A name that nothing assigns is a bare word, told as such among the operands.
                if name is not None and name in assigned and name not in defined:
                    problems.append(Diagnostic(step.line, "undefined", _unset(name)))
            if step.op == "Err" and step.at is not None:
                arrive(step.targets[0], before[step.at - 1] | {"_error"})
            else:
                for target in step.targets:
                    arrive(target, defined)
            if step.out is not None:
                defined = defined | {step.out}
    return problems


def _name_read(step: Step, word: Word) -> str | None:
    if step.op == "If":
        return condition_name(word)
    return None if word.quoted else word.text


def _unset(name: str) -> str:
    if name.startswith("$"):
        return f"{name} is read where no endpoint starts; only endpoints have inputs"
    if name == "_error":
        return "_error is set only in an Err handler"
    return f"{name[:32]!r} is not set on every path here; set it before on each path"
