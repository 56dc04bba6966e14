"""Judge programs against tasks: canonical, the right trigger, and the right behaviour in every scenario."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ainl_align.language.sandbox import Sandbox, SandboxFailure
from ainl_align.language.semantics import verdict
from ainl_align.language.world import Trace, Trigger, declared_triggers, describe, matches, run_program
from ainl_align.tasks.compare import read_reasons, same, show, table_reasons, write_reasons
from ainl_align.tasks.prompts import PromptRow, load_prompt_set, write_prompt_set
from ainl_align.tasks.task_model import ANY, CallSpec, Expect, Scenario, Task

__all__ = [
    "ANY",
    "CallSpec",
    "Expect",
    "Outcome",
    "PromptRow",
    "Scenario",
    "Task",
    "judge",
    "judge_all",
    "load_prompt_set",
    "write_prompt_set",
]

ITEM_TIMEOUT_S: Final = 20.0
"""Wall time after which a worker that judges one program is killed; a normal one takes some milliseconds."""


@dataclass(frozen=True)
class Outcome:
    """Whether a program does what its task asks, and why not."""

    success: bool
    reasons: tuple[str, ...]
    scenarios: tuple[tuple[str, bool, str], ...]
    """(name, passed, what went wrong) of every scenario that was run."""


def judge(program: str, task: Task) -> Outcome:
    """Judge one program in this process: for golds and other trusted programs; ``judge_all`` is for all others."""
    opinion = verdict(program)
    if not opinion.canonical:
        return Outcome(False, tuple(str(reason) for reason in opinion.reasons) or ("is not canonical",), ())
    reasons = _trigger_reasons(program, task)
    if reasons:
        return Outcome(False, reasons, ())
    results = []
    for scenario in task.scenarios:
        trace = run_program(
            program,
            scenario.world,
            trigger=scenario.trigger or task.trigger,
            body=scenario.body,
            query=scenario.query,
        )
        found = _scenario_reasons(trace, scenario)
        results.append((scenario.name, not found, "; ".join(found)))
        if _hit_limit(trace):
            break  # it would only cost the same time again
    failed = tuple(f"scenario '{name}': {detail}" for name, passed, detail in results if not passed)
    return Outcome(not failed, failed, tuple(results))


def judge_all(pairs: Sequence[tuple[str, Task]], *, workers: int = 2) -> list[Outcome]:
    """Judge untrusted programs in killable processes; outcomes in the order of the pairs.

    A program that hangs, crashes its process or fills its memory fails with that as its reason; none stops the others.
    """
    if not pairs:
        return []
    with Sandbox(workers=min(workers, len(pairs)), preload=[__name__]) as sandbox:
        return [
            Outcome(False, (f"the run was stopped: {result}",), ()) if isinstance(result, SandboxFailure) else result
            for result in sandbox.map(judge_pair, pairs, ITEM_TIMEOUT_S)
        ]


def judge_pair(pair: tuple[str, Task]) -> Outcome:
    """``judge`` for a sandbox's ``map``."""
    return judge(*pair)


def _trigger_reasons(program: str, task: Task) -> tuple[str, ...]:
    wanted: list[Trigger] = []
    for trigger in (task.trigger, *(scenario.trigger for scenario in task.scenarios)):
        if trigger is not None and not any(matches(trigger, other) for other in wanted):
            wanted.append(trigger)
    declared = declared_triggers(program)
    complete = all(any(matches(found, trigger) for found in declared) for trigger in wanted)
    if complete and len(declared) == len(wanted):
        return ()
    return (f"trigger: expected {_list(wanted)}, the program has {_list(declared)}",)


def _list(triggers: Sequence[Trigger]) -> str:
    return " and ".join(describe(trigger) for trigger in triggers)


def _hit_limit(trace: Trace) -> bool:
    return trace.error is not None and trace.error.startswith("limit: ")


def _scenario_reasons(trace: Trace, scenario: Scenario) -> list[str]:
    """What a run did otherwise than expected; empty when nothing."""
    expect = scenario.expect
    reasons = []
    if trace.error is not None and (not expect.error or _hit_limit(trace)):
        reasons.append(f"the run failed: {trace.error}")
    elif trace.error is None and expect.error:
        reasons.append(f"expected the run to fail, it returned {show(trace.returned)}")
    reasons += write_reasons(trace.calls, expect)
    reasons += table_reasons(trace, scenario)
    reasons += read_reasons(trace.calls, expect)
    if expect.delays_ms is not None and not same(trace.delays_ms, expect.delays_ms):
        reasons.append(f"expected retry delays {show(expect.delays_ms)} ms, saw {show(trace.delays_ms)}")
    if expect.check_returned and trace.error is None and not same(trace.returned, expect.returned):
        reasons.append(f"expected the result {show(expect.returned)}, got {show(trace.returned)}")
    return reasons
