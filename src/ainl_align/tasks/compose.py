"""From a trigger and a flow to a task: gold program, prompt, scenarios, cluster."""

import hashlib
import re
import unicodedata

from ainl_align.language.world import describe
from ainl_align.tasks.noise import noisy
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.cases import played_scenes
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.layout import prompt
from ainl_align.tasks.parts.triggers import Start
from ainl_align.tasks.program import Block, Var
from ainl_align.tasks.task_model import Scenario, Task
from ainl_align.tasks.wording.jobs import TWO

Job = tuple[Start, Flow]
"""A trigger and what it starts."""


def gold(*jobs: Job) -> str:
    """The program, in the one style that every family uses; a second job starts at ``L_main2``."""
    program = jobs[0][0].program()
    for number, (start, flow) in enumerate(jobs):
        main = program.block("main")
        if number:
            lines = start.program().declarations[1:]
            program.declarations += [re.sub(r"\bL_main\b", main.name, line) for line in lines]
        _write(main, start, flow)
    return program.render()


def _write(main: Block, start: Start, flow: Flow) -> None:
    if start.trigger.kind != "endpoint":
        flow.emit(main, {})
        return
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


def scenarios(ctx: Ctx, *jobs: Job) -> tuple[Scenario, ...]:
    """The worlds with what a right program does in them; where there are two triggers, each names its own."""
    found: list[Scenario] = []
    for start, flow in jobs:
        made = [scene.scenario() for scene in played_scenes(flow, ctx)]
        if len(jobs) > 1:
            name = describe(start.trigger)
            made = [one.model_copy(update={"name": f"{name}: {one.name}", "trigger": start.trigger}) for one in made]
        found += made
    return tuple(found)


def compose(ctx: Ctx, family: str, tier: str, *jobs: Job) -> Task:
    """The task. Its id is a hash of family, split and prompt, so equal requests have equal ids."""
    program = gold(*jobs)
    texts = [prompt(ctx, start, flow) for start, flow in jobs]
    text = texts[0] if len(texts) == 1 else ctx.phrase(TWO, a=texts[0], b=texts[1])
    text = noisy(text, names_in(program), ctx.split, ctx.rng)
    digest = hashlib.blake2s(f"{family}|{ctx.split}|{text}".encode(), digest_size=5).hexdigest()
    return Task.model_validate(
        {
            "id": f"{family}-{digest}",
            "prompt": text,
            "family": family,
            "tier": tier,
            "cluster": f"{family}:{'+'.join(f'{start.signature}:{flow.signature}' for start, flow in jobs)}",
            "split": ctx.split,
            "trigger": jobs[0][0].trigger,
            "gold": program,
            "scenarios": scenarios(ctx, *jobs),
        }
    )


def names_in(program: str) -> frozenset[str]:
    """Every word that a program contains, names of resources and fields among them."""
    return frozenset(re.findall(r"[A-Za-z]+", program))


def held_out(cluster: str) -> bool:
    """Whether training never sees this composition: a fixed fifth of all compositions."""
    return hashlib.blake2s(cluster.encode(), digest_size=4).digest()[0] % 5 == 0


def normalised(text: str) -> str:
    """Letters and digits in lower case with single blanks: what is left when typography is taken away."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))
