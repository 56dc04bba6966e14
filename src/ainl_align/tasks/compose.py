"""From a trigger and a flow to a task: gold program, prompt, scenarios, cluster."""

import hashlib
import re

from ainl_align.tasks.parts.base import Ctx, Scene
from ainl_align.tasks.parts.flow import Flow, cases
from ainl_align.tasks.parts.layout import prompt
from ainl_align.tasks.parts.triggers import Start
from ainl_align.tasks.program import Var
from ainl_align.tasks.task_model import Scenario, Task

_MAX_SCENARIOS = 7


def gold(start: Start, flow: Flow) -> str:
    """The program, in the one style that every family uses."""
    program = start.program()
    main = program.block("main")
    if start.trigger.kind != "endpoint":
        flow.emit(main, {})
        return program.render()
    known = {"body": main.set_var("body", "$body")} if start.trigger.method in ("POST", "PUT") else {}
    if flow.check or flow.guard:
        work = main.child("work")
        main.end(main.call(work))
        flow.emit(work, known)
    else:
        flow.emit(main, known, Var("out"))
    return program.render()


def scenarios(ctx: Ctx, flow: Flow) -> tuple[Scenario, ...]:
    """One to seven worlds with what a right program does in them."""
    found = []
    for name, given, failures in cases(flow, ctx, ctx.rng)[:_MAX_SCENARIOS]:
        scene = Scene(name, given, failures)
        flow.prepare(scene)
        scene.seal_world()
        flow.play(scene)
        found.append(scene.scenario())
    return tuple(found)


def compose(ctx: Ctx, family: str, tier: str, start: Start, flow: Flow) -> Task:
    """The task. Its id is a hash of family, split and prompt, so equal requests have equal ids."""
    text = prompt(ctx, start, flow)
    digest = hashlib.blake2s(f"{family}|{ctx.split}|{text}".encode(), digest_size=5).hexdigest()
    return Task.model_validate(
        {
            "id": f"{family}-{digest}",
            "prompt": text,
            "family": family,
            "tier": tier,
            "cluster": f"{family}:{start.signature}:{flow.signature}",
            "split": ctx.split,
            "trigger": start.trigger,
            "gold": gold(start, flow),
            "scenarios": scenarios(ctx, flow),
        }
    )


def held_out(cluster: str) -> bool:
    """Whether training never sees this composition: a fixed fifth of all compositions."""
    return hashlib.blake2s(cluster.encode(), digest_size=4).digest()[0] % 5 == 0


def normalised(text: str) -> str:
    """A prompt without case, punctuation and spacing, for comparisons between splits."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))
