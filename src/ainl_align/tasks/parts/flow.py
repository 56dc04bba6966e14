"""The control shape of a task: steps in order, one of them guarded, then an end or a two-way branch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ainl_align.tasks.parts.actions import Action
from ainl_align.tasks.parts.base import Failed, Scene, Step
from ainl_align.tasks.parts.conditions import Condition
from ainl_align.tasks.parts.payloads import Payload
from ainl_align.tasks.parts.sources import Source
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
    """Steps, then ``check`` or the returned ``ret`` (None: any value).

    ``guard`` watches the steps from ``guarded`` to ``through`` (by index, ``guarded`` alone unless given).
    """

    steps: list[Step] = field(default_factory=list)
    ret: Payload | None = None
    check: Check | None = None
    guard: Guard | None = None
    guarded: int = 0
    through: int | None = None

    @property
    def signature(self) -> str:
        """The composition without its resource names."""
        parts = [step.signature for step in self.steps]
        if self.guard:
            parts.insert(self._last_guarded + 1, f"({self.guard.signature})")
        if self.check:
            check = self.check
            parts.append(f"{check.condition.signature}?[{check.yes.signature}|{check.no.signature}]")
        elif self.ret:
            parts.append(f"ret_{self.ret.signature}")
        return ".".join(parts)

    @property
    def _last_guarded(self) -> int:
        return self.guarded if self.through is None else self.through

    def guarded_steps(self) -> list[Step]:
        """The steps that the guard watches; none without a guard."""
        return self.steps[self.guarded : self._last_guarded + 1] if self.guard else []

    def every_flow(self) -> Iterator["Flow"]:
        """This flow and all below it, handlers included."""
        yield self
        for inner in (step.inner for step in self.steps if step.inner is not None):
            yield from inner.every_flow()
        if self.check:
            yield from self.check.yes.every_flow()
            yield from self.check.no.every_flow()
        if self.guard and self.guard.handler:
            yield from self.guard.handler.every_flow()

    def own_kinds(self) -> frozenset[str]:
        """Effect kinds of the label that this flow starts in."""
        kinds = frozenset[str]().union(*(step.kinds for step in self.steps))
        if self.ret:
            kinds |= self.ret.kinds
        return kinds | ({"control", "compute"} if self.check else frozenset())

    def every_step(self) -> Iterator[Step]:
        """All steps of the tree."""
        for flow in self.every_flow():
            yield from flow.steps

    def emit(self, block: Block, known: dict[str, Var], out: Var | None = None) -> None:
        """Write the flow into ``block``; ``out`` is the variable that an endpoint must return."""
        rest = self.steps
        if self.guard:
            rest = self.steps[self._last_guarded + 1 :]
            for step in self.steps[: self.guarded]:
                step.emit(block, known)
            block = self._emit_guarded(block, known)
        for step in rest:
            step.emit(block, known)
        if self.check:
            yes, no = self.check.condition.fork(block, known)
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
        """Write the guarded steps; returns the block in which the flow goes on."""
        guard = self.guard
        assert guard is not None
        handler = guard.handler
        split = handler is not None and not handler.own_kinds() <= self.own_kinds()
        before = dict(known)
        fail: Block | None = None

        def write(at: int) -> None:
            nonlocal fail
            if guard.retries:
                block.retry(at, guard.retries, guard.wait_ms, guard.strategy)
            if handler is not None:
                if fail is not None:
                    block.on_error(at, fail)
                    return
                fail = block.child("fail")
                block.on_error(at, fail)
                if split:
                    # A handler may use only effects of the label that holds Err, a Call is one that both can have.
                    note = fail.child("note")
                    fail.end(fail.call(note))
                    handler.emit(note, before)
                else:
                    handler.emit(fail, before)

        for step in self.guarded_steps():
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
        if scene.failing is not None:
            assert isinstance(scene.failing, Source | Action), scene.failing.signature
            scene.failing.fault(scene, scene.failures)

    def play(self, scene: Scene) -> None:
        """What a right program does in ``scene``."""
        try:
            for step in self.steps:
                scene.visited.append(step)
                if step is scene.failing:
                    self._play_failures(step, scene)
                step.play(scene)
                if step is scene.failing:
                    self._count_attempts(step, scene)
        except Failed:
            if self.guard is not None and self.guard.handler is not None:
                self.guard.handler.play(scene)
            else:
                scene.error = True
            return
        if self.check:
            answer = self.check.condition.test(scene.values)
            scene.path.append(answer)
            (self.check.yes if answer else self.check.no).play(scene)
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
