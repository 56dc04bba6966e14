"""tasks: show, count, validate and export what the models are asked for."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ainl_align.cli.boundary import guarded
from ainl_align.cli.output import print_json, print_table
from ainl_align.errors import ExitCode, UserError

app = typer.Typer(
    help="Show, count, validate or export the tasks.", no_args_is_help=True, pretty_exceptions_enable=False
)


class Which(StrEnum):
    """Task sets by name."""

    train = "train"
    dev = "dev"
    test = "test"
    regression = "regression"


Suite = Annotated[Which, typer.Argument(help="a suite, or generated training tasks")]
PerFamily = Annotated[int, typer.Option(min=1, help="training tasks of each family")]
Seed = Annotated[int, typer.Option(min=0, help="seed of the training tasks")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


def show(
    which: Suite = Which.regression,
    per_family: PerFamily = 1,
    seed: Seed = 42,
    family: Annotated[list[str] | None, typer.Option(help="only this family (may be repeated)")] = None,
    as_json: AsJson = False,
) -> int:
    """Print tasks: prompt, gold program, and what each scenario expects."""
    from ainl_align.tasks import commands

    if as_json:
        tasks = commands.select(which.value, per_family=per_family, seed=seed, families=family)
        print_json([task.model_dump(mode="json") for task in tasks])
        return ExitCode.OK
    texts = commands.show(which.value, per_family=per_family, seed=seed, families=family)
    if not texts:
        raise UserError(
            f"--family {', '.join(family or ())}: {which.value} has no such task; see ainl-align tasks stats"
        )
    for text in texts:
        print(text, end="\n\n")
    return ExitCode.OK


def stats(per_family: PerFamily = 20, seed: Seed = 42, as_json: AsJson = False) -> int:
    """Print families, tiers and splits, the share of unseen compositions, and the number of sentence skeletons."""
    from ainl_align.tasks import commands

    found = commands.stats(per_family=per_family, seed=seed)
    if as_json:
        print_json(found)
        return ExitCode.OK
    for rows in (found.families, found.tiers):
        table = Table(*rows[0], box=None)
        for row in rows:
            table.add_row(*map(str, row.values()))
        print_table(table)
        print()
    total = found.tiers[-1]
    for name in ("dev", "test"):
        unseen, size = total[f"{name}_unseen"], total[name]
        print(f"{name}: {unseen} of {size} tasks ({unseen / size:.1%}) are of compositions that training never sees")
    train, held = (sum(pair[side] for pair in found.skeletons.values()) for side in (0, 1))
    print(f"sentence skeletons: {train} for training, {held} for dev and test, in {len(found.skeletons)} pools")
    return ExitCode.OK


def validate(
    which: Suite = Which.regression,
    per_family: PerFamily = 3,
    seed: Seed = 42,
    mutants_per_task: Annotated[int | None, typer.Option(min=1, help="mutants of each gold; default: all")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="only so many tasks, spread over tiers and families")] = None,
    prompt_set: Annotated[Path | None, typer.Option(help="the tasks of this file instead of a suite")] = None,
    as_json: AsJson = False,
) -> int:
    """Judge every gold, its mutants and trivial programs; exit 10 when a gold fails or too many mutants live."""
    from ainl_align.tasks import commands
    from ainl_align.tasks.validate import KILL_RATE

    report = commands.validate(
        which.value,
        per_family=per_family,
        seed=seed,
        mutants_per_task=mutants_per_task,
        limit=limit,
        prompt_set=prompt_set,
    )
    if as_json:
        plain = {name: getattr(report, name) for name in ("ok", "kill_rate", "tasks", "broken", "trivial_passes")}
        counts = {name: dict(getattr(report, name)) for name in ("killed", "survived", "equivalent", "trivial")}
        print_json({**plain, **counts, "survivors": [asdict(survivor) for survivor in report.survivors]})
        return ExitCode.OK if report.ok else ExitCode.GATE_FAIL
    table = Table("mutant", "killed", "survived", "equivalent", "kill rate", box=None)
    for row in report.table():
        table.add_row(*map(str, row))
    print_table(table)
    for name, count in report.trivial.items():
        passes = sum(found == name for _, found in report.trivial_passes)
        print(f"trivial program '{name}': passes {passes} of {count}")
    for task, reason in report.broken:
        print(f"gold fails: {task}: {reason}")
    for task, program in report.trivial_passes:
        print(f"trivial program passes: {task}: {program}")
    for survivor in report.survivors:
        if not survivor.equivalent:
            print(
                f"survives: {survivor.task}, line {survivor.line}: {survivor.kind}: {survivor.text}: {survivor.reason}"
            )
    for (kind, reason), count in report.equivalences().items():
        print(f"equivalent: {count} of kind '{kind}': {reason}")
    print(f"{report.tasks} tasks, at least {KILL_RATE:.0%} must be killed: {'ok' if report.ok else 'NOT ok'}")
    return ExitCode.OK if report.ok else ExitCode.GATE_FAIL


def export(
    which: Suite,
    path: Annotated[Path, typer.Argument(help="where to write the prompt set (JSON lines)")],
    per_family: PerFamily = 3,
    seed: Seed = 42,
    as_json: AsJson = False,
) -> int:
    """Write tasks as a prompt set with golds and scenarios."""
    from ainl_align.tasks import commands

    count = commands.export(which.value, path, per_family=per_family, seed=seed)
    if as_json:
        print_json({"tasks": count, "path": str(path)})
    else:
        print(f"{count} tasks in {path}")
    return ExitCode.OK


for command in (show, stats, validate, export):
    app.command(command.__name__)(guarded(command))
