"""The must-analysis held against the real runtime: in a canonical program no unset variable is ever read."""

import random
from typing import Any

from runtime.adapters.base import AdapterError, AdapterRegistry, RuntimeAdapter
from runtime.engine import RuntimeEngine

from ainl_align.language.semantics import verdict

_VARIABLES = ("x", "y", "z")
_LABELS = ("L_a", "L_b", "L_c", "L_d")


class _Http(RuntimeAdapter):  # type: ignore[misc]
    """Fails at random and keeps every operand that it is given."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.seen: list[Any] = []

    def call(self, target: str, args: list[Any], context: dict[str, Any]) -> Any:
        self.seen += args
        if self.rng.random() < 0.3:
            raise AdapterError("down")
        return self.rng.choice([0, 1, "text"])


def _label(rng: random.Random, place: int) -> list[str]:
    """Steps that lead to later labels only; reads are drawn with no care for what is set."""
    later = _LABELS[place + 1 :]
    steps = [f"Set {rng.choice(_VARIABLES)} 1" for _ in range(rng.randint(1, 3))] if place == 0 else []
    for _ in range(rng.randint(0, 4)):
        value = rng.choice([*_VARIABLES, "1"])
        kind = rng.choice(["Set", "R", "R", "R", "Call"] if later else ["Set", "R"])
        out = rng.choice(_VARIABLES)
        if kind == "Set":
            steps.append(f"Set {out} {value}")
        elif kind == "Call":
            steps.append(f"Call {rng.choice(later)} ->{out}")
        else:
            steps.append(f"R http.GET {value} ->{out}")
            node = len(steps)
            if rng.random() < 0.2:
                steps.append(f"Retry @n{node} 1 0")
            if later and rng.random() < 0.4:
                steps.append(f"Err @n{node} ->{rng.choice(later)}")
    if later and rng.random() < 0.6:
        steps.append(f"If {rng.choice(_VARIABLES)} ->{rng.choice(later)} ->{rng.choice(later)}")
    else:
        steps.append(f"J {rng.choice([*_VARIABLES, '1'])}")
    return steps


def _reachable_only(program: list[list[str]]) -> list[tuple[str, list[str]]]:
    """The labels that some step of a kept label names, in order: the rest would be a reason of its own."""
    kept = {_LABELS[0]}
    for name, steps in zip(_LABELS, program, strict=True):
        if name in kept:
            kept |= {word.removeprefix("->") for step in steps for word in step.split() if "L_" in word}
    return [(name, steps) for name, steps in zip(_LABELS, program, strict=True) if name in kept]


def test_canonical_programs_never_read_an_unset_variable() -> None:
    rng = random.Random(7)
    canonical = unset = 0
    for _ in range(350):
        labels = _reachable_only([_label(rng, place) for place in range(len(_LABELS))])
        body = "".join(f"{name}:\n" + "".join(f"  {step}\n" for step in steps) for name, steps in labels)
        source = "S app core noop\n" + body
        found = verdict(source)
        undefined = [reason for reason in found.reasons if reason.code in ("undefined", "operand")]
        if not found.canonical and not (found.strict_ainl and undefined):
            continue
        http = _Http(rng)
        registry = AdapterRegistry(allowed=["http", "core"])
        registry.register("http", http)
        engine = RuntimeEngine.from_code(
            source, strict=True, adapters=registry, limits={"max_steps": 500}, host_adapter_allowlist=["http", "core"]
        )
        results: list[Any] = []
        failures: list[str] = []
        for _run in range(3):
            try:
                results.append(engine.run_label("L_a", {}))
            except Exception as error:  # an uncaught failure ends the run; its type depends on the engine's path
                failures.append(str(error))
        # After a retry the engine names an uncaught failure wrongly (facts, section H).
        assert all("down" in failure or "cannot access local variable" in failure for failure in failures), source
        leaked = [value for value in [*http.seen, *results] if value in _VARIABLES]
        if found.canonical:
            canonical += 1
            assert not leaked, source
        else:
            unset += bool(leaked)
    # Both sides must be there for the test to mean anything.
    assert canonical > 50
    assert unset > 10
