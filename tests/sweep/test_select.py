"""Ranking: the contract's keys, then task success, then what is likelier, then fewer steps."""

from typing import Any

from ainl_align.sweep.select import rank


def row(step: int, *, ok: bool = True, **rates: float) -> dict[str, Any]:
    names = ("strict_ainl", "runtime_compile", "nonempty", "task_success", "canonical")
    values = {f"{name}_rate": rates.get(name, 1.0) if ok else None for name in names}
    return {"adapter_path": f"checkpoint-{step}", "step": step, "ok": ok, **values}


def order(*rows: dict[str, Any]) -> list[int]:
    return [item["step"] for item in rank(rows)]


def test_strict_comes_before_task_success() -> None:
    assert order(row(1, strict_ainl=0.9, task_success=1.0), row(2, strict_ainl=1.0, task_success=0.1)) == [2, 1]


def test_the_contracts_keys_in_order() -> None:
    assert order(
        row(1, runtime_compile=0.9, nonempty=1.0), row(2, runtime_compile=1.0, nonempty=0.8), row(3, strict_ainl=0.5)
    ) == [2, 1, 3]


def test_task_success_breaks_ties_and_fewer_steps_the_rest() -> None:
    assert order(row(1, task_success=0.2), row(30, task_success=0.6), row(4, task_success=0.6)) == [4, 30, 1]


def test_between_equals_the_likelier_of_known_programs() -> None:
    nats = {1: 5.5, 2: 5.4, 3: 5.6}
    assert order(*({**row(step), "known_program_nats": found} for step, found in nats.items())) == [2, 1, 3]


def test_failed_evaluations_come_last() -> None:
    assert order(row(1, ok=False), row(2, strict_ainl=0.0)) == [2, 1]


def test_unmeasured_task_success_is_below_zero() -> None:
    unmeasured = {**row(1), "task_success_rate": None}
    assert order(unmeasured, row(2, task_success=0.0)) == [2, 1]
