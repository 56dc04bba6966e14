"""From a trigger and a flow to a task: gold program, prompt, scenarios, cluster."""

import hashlib
import re

from ainl_align.tasks.noise import noisy
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.cases import played_scenes
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.layout import prompt
from ainl_align.tasks.parts.triggers import Start
from ainl_align.tasks.program import Var
from ainl_align.tasks.task_model import Scenario, Task


def gold(start: Start, flow: Flow) -> str:
    """The program, in the one style that every family uses."""
    program = start.program()
    main = program.block("main")
    if start.trigger.kind != "endpoint":
        flow.emit(main, {})
        return program.render()
    inputs = {step.input for step in flow.every_step()} - {""}
    if start.trigger.method in ("POST", "PUT"):
        inputs.add("body")
    known = {name: main.set_var(name, f"${name}") for name in sorted(inputs)}
    if flow.check or flow.guard:
        work = main.child("work")
        main.end(main.call(work))
        flow.emit(work, known)
    else:
        flow.emit(main, known, Var("out"))
    return program.render()


def scenarios(ctx: Ctx, flow: Flow) -> tuple[Scenario, ...]:
    """The worlds with what a right program does in them."""
    return tuple(scene.scenario() for scene in played_scenes(flow, ctx))


def compose(ctx: Ctx, family: str, tier: str, start: Start, flow: Flow) -> Task:
    """The task. Its id is a hash of family, split and prompt, so equal requests have equal ids."""
    program = gold(start, flow)
    text = noisy(prompt(ctx, start, flow), names_in(program), ctx.split, ctx.rng)
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
            "gold": program,
            "scenarios": scenarios(ctx, flow),
        }
    )


def names_in(program: str) -> frozenset[str]:
    """Every word that a program contains, names of resources and fields among them."""
    return frozenset(re.findall(r"[A-Za-z]+", program))


def held_out(cluster: str) -> bool:
    """Whether training never sees this composition: a fixed fifth of all compositions."""
    return hashlib.blake2s(cluster.encode(), digest_size=4).digest()[0] % 5 == 0


def normalised(text: str) -> str:
    """A prompt without case, punctuation and spacing, for comparisons between splits."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))
