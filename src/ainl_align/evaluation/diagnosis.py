"""What the constraint did to the meaning of answers: endings that it chose, and copied literals."""

from collections.abc import Iterable
from typing import Any

from ainl_align.decoding.grounding import copied_literals, copying_errors
from ainl_align.evaluation.answer import Scored


def meaning(side: Scored) -> dict[str, Any]:
    """Three keys of the diagnostics.

    ``closed_by_budget`` and ``closed_by_loop``: the answers whose ending the constraint chose, for that reason, and how
    many of them succeed. ``copying``: literals that must be copied from the request (addresses, names of resources),
    those of them that do not stand in it, and how many answers with such an error succeed.
    """
    answers = side.answers.answers
    good = [score.metrics["task_success"] is True for score in side.final]
    budget = [item.generations[-1].closed_by_budget for item in answers]
    loop = [item.generations[-1].closed_by_loop for item in answers]
    errors = [
        len(copying_errors(item.program, row.prompt)) for item, row in zip(answers, side.answers.rows, strict=True)
    ]
    return {
        "closed_by_budget": {"answers": sum(budget), "task_success": _both(budget, good)},
        "closed_by_loop": {"answers": sum(loop), "task_success": _both(loop, good)},
        "copying": {
            "literals": sum(len(list(copied_literals(item.program))) for item in answers),
            "errors": sum(errors),
            "answers": sum(map(bool, errors)),
            "task_success": _both(map(bool, errors), good),
        },
    }


def _both(first: Iterable[bool], second: Iterable[bool]) -> int:
    return sum(one and other for one, other in zip(first, second, strict=True))
