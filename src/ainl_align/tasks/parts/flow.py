"""The control shape of a task: steps in order, one of them guarded, then an end or a two-way branch."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.base import Ctx, Failed, Scene, Step
from ainl_align.tasks.parts.conditions import Condition
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.parts.sources import Source
from ainl_align.tasks.parts.transforms import Arithmetic
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import CallSpec


@dataclass
class Guard:
    """What happens when the guarded step fails: further attempts, then a handler."""

    retries: int = 0
    wait_ms: int = 0
    strategy: str = "fixed"
    handler: "Flow | None" = None

    @property
    def signature(self) -> str:
        """``retry_fixed``, ``handler`` and the like."""
        parts = [f"retry_{self.strategy}"] if self.retries else []
        return "_".join(parts + (["handler", self.handler.signature] if self.handler else []))

    def delays(self, failures: int) -> tuple[float, ...]:
        """The waits in milliseconds before each further attempt, when the first ``failures`` attempts fail."""
        count = min(failures, self.retries)
        factor = 2 if self.strategy == "exponential" else 1
        return tuple(float(min(self.wait_ms * factor**n, 30_000)) for n in range(count))


@dataclass
class Check:
    """A two-way branch."""

    condition: Condition
    yes: "Flow"
    no: "Flow"


@dataclass
class Flow:
    """Steps, then ``check`` or the returned ``ret`` (None: any value). ``guarded`` is the index of the guarded step."""

    steps: list[Step] = field(default_factory=list)
    ret: Payload | None = None
    check: Check | None = None
    guard: Guard | None = None
    guarded: int = 0

    @property
    def signature(self) -> str:
        """The composition without its resource names."""
        parts = [step.signature for step in self.steps]
        if self.guard:
            parts.insert(self.guarded + 1, f"({self.guard.signature})")
        if self.check:
            check = self.check
            parts.append(f"{check.condition.signature}?[{check.yes.signature}|{check.no.signature}]")
        elif self.ret:
            parts.append(f"ret_{self.ret.signature}")
        return ".".join(parts)

    def own_kinds(self) -> frozenset[str]:
        """Effect kinds of the label that this flow starts in."""
        kinds = frozenset[str]().union(*(step.kinds for step in self.steps))
        if self.ret:
            kinds |= self.ret.kinds
        return kinds | ({"control", "compute"} if self.check else frozenset())

    def every_step(self) -> Iterator[Step]:
        """All steps of the tree, handlers last."""
        yield from self.steps
        if self.check:
            yield from self.check.yes.every_step()
            yield from self.check.no.every_step()
        if self.guard and self.guard.handler:
            yield from self.guard.handler.every_step()

    def emit(self, block: Block, known: dict[str, Var], out: Var | None = None) -> None:
        """Write the flow into ``block``; ``out`` is the variable that an endpoint must return."""
        rest = self.steps
        if self.guard:
            rest = self.steps[self.guarded + 1 :]
            for step in self.steps[: self.guarded]:
                step.emit(block, known)
            block = self._emit_guarded(block, known)
        for step in rest:
            step.emit(block, known)
        if self.check:
            condition = self.check.condition.emit(block, known)
            yes, no = block.child("yes"), block.child("no")
            block.branch(condition, yes, no)
            self.check.yes.emit(yes, dict(known))
            self.check.no.emit(no, dict(known))
            return
        if out is not None and self.ret is None:
            block.set_var(out, '"ok"')
            block.end(out)
            return
        value = self.ret.emit(block, known) if self.ret else self._any_value()
        if out is not None:
            block.set_var(out, str(value) if isinstance(value, Var) else f'"{value}"')
            value = out
        block.end(value)

    def _any_value(self) -> Any:
        return Var("res") if any(isinstance(step, Action) for step in self.steps) else False

    def _emit_guarded(self, block: Block, known: dict[str, Var]) -> Block:
        """Write the guarded step; returns the block in which the flow goes on."""
        guard, step = self.guard, self.steps[self.guarded]
        assert guard is not None
        handler = guard.handler
        split = handler is not None and not handler.own_kinds() <= self.own_kinds()
        before = dict(known)

        def write(at: int) -> None:
            if guard.retries:
                block.retry(at, guard.retries, guard.wait_ms, guard.strategy)
            if handler is not None:
                fail = block.child("fail")
                block.on_error(at, fail)
                if split:
                    # A handler may use only effects of the label that holds Err, a Call is one that both can have.
                    note = fail.child("note")
                    fail.end(fail.call(note))
                    handler.emit(note, before)
                else:
                    handler.emit(fail, before)

        step.emit(block, known, write)
        if not split:
            return block
        work = block.child("work")
        block.end(block.call(work))
        return work

    def prepare(self, scene: Scene) -> None:
        """Put what the whole tree may meet into the world of ``scene``."""
        for step in self.every_step():
            step.prepare(scene)
        self._prepare_failures(scene)

    def _prepare_failures(self, scene: Scene) -> None:
        if self.guard and scene.failures:
            step = self.steps[self.guarded]
            assert isinstance(step, Source | Action), step.signature
            step.fault(scene, scene.failures)
        if self.check:
            self.check.yes._prepare_failures(scene)
            self.check.no._prepare_failures(scene)

    def find_guard(self) -> Guard | None:
        """The one guard of the tree; one below a check must stand in its first yes branch."""
        return self.guard or (self.check.yes.find_guard() if self.check else None)

    def play(self, scene: Scene) -> None:
        """What a right program does in ``scene``."""
        try:
            for number, step in enumerate(self.steps):
                if self.guard and number == self.guarded and scene.failures:
                    self._play_failures(step, scene)
                step.play(scene)
                if self.guard and number == self.guarded and scene.failures:
                    self._count_attempts(step, scene)
        except Failed:
            if self.guard is not None and self.guard.handler is not None:
                self.guard.handler.play(scene)
            else:
                scene.error = True
            return
        if self.check:
            value = scene.values[self.check.condition.item.key]
            (self.check.yes if self.check.condition.holds(value) else self.check.no).play(scene)
        elif self.ret:
            scene.returned, scene.check_returned = self.ret.value(scene), True

    def _play_failures(self, step: Step, scene: Scene) -> None:
        guard = self.guard
        assert guard is not None
        scene.delays = guard.delays(scene.failures)
        if scene.failures <= guard.retries:
            return
        if isinstance(step, Source):
            scene.reads.append(step.spec(guard.retries + 1))
        elif isinstance(step, Action) and step.call != "sqlite.EXECUTE":
            scene.writes.append(CallSpec(name=step.call, args=step.arguments(scene), times=guard.retries + 1))
        raise Failed

    def _count_attempts(self, step: Step, scene: Scene) -> None:
        attempts = scene.failures + 1
        if isinstance(step, Source):
            scene.reads[-1] = scene.reads[-1].model_copy(update={"times": attempts})
        elif isinstance(step, Action) and step.call != "sqlite.EXECUTE":
            scene.writes[-1] = scene.writes[-1].model_copy(update={"times": attempts})


def cases(flow: Flow, ctx: Ctx, rng: random.Random) -> list[tuple[str, dict[str, Any], int]]:
    """(name, world values by item key, failures of the guarded call) of two to five scenarios that reach every end."""
    base = {key: value for step in flow.every_step() for key, value in (step.draw(ctx) | dict(step.examples)).items()}
    found = [(name, {**base, **given}, 0) for name, given in _paths(flow, base, _inverses(flow))]
    guard = flow.find_guard()
    if guard and guard.retries:
        found.append(("last attempt succeeds", found[0][1], guard.retries))
    if guard:
        found.append(("every attempt fails", found[0][1], guard.retries + 1))
    return found


def _inverses(flow: Flow) -> dict[str, Arithmetic]:
    return {step.gives[0].key: step for step in flow.every_step() if isinstance(step, Arithmetic)}


def _paths(flow: Flow, base: dict[str, Any], inverses: dict[str, Arithmetic]) -> list[tuple[str, dict[str, Any]]]:
    if flow.check is None:
        return [("usual", {})]
    condition = flow.check.condition
    key = condition.item.key
    found: list[tuple[str, dict[str, Any]]] = []
    seen: set[bool] = set()
    for value in condition.cases():
        given = {key: value}
        if key in inverses:
            given = {inverses[key].left.key: inverses[key].invert(value)}
        answer = condition.holds(value)
        below = flow.check.yes if answer else flow.check.no
        deeper = _paths(below, base, inverses)
        # A nested check on the same value chooses it; the first visit of a branch explores it fully.
        chosen = deeper if answer not in seen else deeper[:1]
        if any(key in inner for _, inner in deeper):
            chosen = [("edge", {}), *chosen]
        seen.add(answer)
        for name, inner in chosen:
            merged = {**given, **inner}
            if condition.holds(_value(merged, key, inverses)) != answer:
                continue
            label = "yes" if answer else "no"
            found.append((label if name == "usual" else f"{label}, {name}", merged))
    names: dict[str, int] = {}
    distinct: list[tuple[str, dict[str, Any]]] = []
    for name, given in found:
        if given in [other for _, other in distinct]:
            continue
        names[name] = names.get(name, 0) + 1
        distinct.append((f"{name} {names[name]}" if names[name] > 1 else name, given))
    return distinct


def _value(given: dict[str, Any], key: str, inverses: dict[str, Arithmetic]) -> Any:
    if key not in inverses:
        return given[key]
    step = inverses[key]
    return step.apply(given[step.left.key], step.right)
