"""The scenarios of a flow: worlds that reach every end, the edges of every step, and every way that a call fails."""

from collections.abc import Iterator, Mapping
from typing import Any

from ainl_align.tasks.parts.base import Ctx, Scene, Step
from ainl_align.tasks.parts.flow import Flow

_MOST = 7
"""Scenarios of a task, unless more are needed to reach everything."""

_TRIES = 4

World = dict[str, Any]


def played_scenes(flow: Flow, ctx: Ctx) -> list[Scene]:
    """Scenes with what a right program does in them; each of their names occurs once."""
    steps = list(flow.every_step())
    base = _draw(steps, ctx)
    makers = {item.key: step for step in steps for item in step.gives}
    worlds = _worlds(flow, base, makers) or [{}]
    scenes = [_play(flow, base | given) for given in _distinct(worlds)]
    needed = _first_of_each_path(scenes)
    needed += [
        _play(flow, _visiting(scenes, step).given | given, name) for step in steps for name, given in step.edges()
    ]
    for inner in flow.every_flow():
        needed += _failing(flow, inner, scenes)
    # Those of the outermost question come last and are taken first: below it, paths already stand at boundaries.
    extra = [scene for scene in reversed(scenes) if scene not in needed]
    found = needed + extra[: max(0, _MOST - len(needed))]
    if len(found) == 1:
        found += _other_values(flow, ctx, base)
    return _with_names(found)


def _draw(steps: list[Step], ctx: Ctx) -> World:
    return {key: value for step in steps for key, value in (step.draw(ctx) | dict(step.examples)).items()}


def _other_values(flow: Flow, ctx: Ctx, base: World) -> list[Scene]:
    """A second world for a task with one path, so that no program passes that knows the values of the first."""
    for _ in range(_TRIES):
        other = _draw(list(flow.every_step()), ctx)
        if other != base:
            return [_play(flow, other, "other values")]
    return []


def _first_of_each_path(scenes: list[Scene]) -> list[Scene]:
    found: dict[tuple[bool, ...], Scene] = {}
    for scene in scenes:
        found.setdefault(tuple(scene.path), scene)
    return list(found.values())


def _failing(flow: Flow, inner: Flow, scenes: list[Scene]) -> Iterator[Scene]:
    guard = inner.guard
    if guard is None:
        return
    steps = inner.guarded_steps()
    for number, step in enumerate(steps, 1):
        given = _visiting(scenes, step).given
        if guard.retries:
            yield _play(flow, given, "last attempt succeeds", step, guard.retries)
        name = "every attempt fails" if len(steps) == 1 else f"call {number} fails"
        yield _play(flow, given, name, step, guard.retries + 1)


def _play(flow: Flow, given: World, name: str = "", failing: Step | None = None, failures: int = 0) -> Scene:
    scene = Scene(name, given, failing, failures)
    flow.prepare(scene)
    scene.seal_world()
    flow.play(scene)
    if not name:
        scene.name = ", ".join("yes" if answer else "no" for answer in scene.path) or "usual"
    return scene


def _visiting(scenes: list[Scene], step: Step) -> Scene:
    """The first scene that comes by ``step``; one in which a handler runs when no other does."""
    return next((scene for scene in scenes if any(other is step for other in scene.visited)), scenes[0])


def _worlds(flow: Flow, base: World, makers: Mapping[str, Step]) -> list[World]:
    """World values that lead to each end of a flow and to both sides of every boundary; none when there is one end."""
    found = [_solve(values, makers, base) for step in flow.steps for values in step.worlds(base)]
    if flow.check is None:
        return found
    main = found[0] if found else {}
    outer: list[World] = []
    below = {True: _worlds(flow.check.yes, base, makers), False: _worlds(flow.check.no, base, makers)}
    for values in flow.check.condition.worlds(base):
        given = main | _solve(values, makers, base)
        inner = below[flow.check.condition.test(base | values)]
        found += [given | deeper for deeper in inner]
        outer.append(given)
    return found + outer


def _solve(values: World, makers: Mapping[str, Step], base: World) -> World:
    """World values from values of items, back through the steps that make them."""
    found: World = {}
    for key, value in values.items():
        back = makers[key].solve(key, value, base)
        found |= {key: value} if key in back else _solve(back, makers, base)
    return found


def _distinct(worlds: list[World]) -> list[World]:
    found: list[World] = []
    for world in worlds:
        if world not in found:
            found.append(world)
    return found


def _with_names(scenes: list[Scene]) -> list[Scene]:
    seen: dict[str, int] = {}
    for scene in scenes:
        seen[scene.name] = seen.get(scene.name, 0) + 1
        if seen[scene.name] > 1:
            scene.name = f"{scene.name} {seen[scene.name]}"
    return scenes
