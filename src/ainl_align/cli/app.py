"""The ``ainl-align`` command and its groups."""

import sys

import typer

from ainl_align.cli import tasks
from ainl_align.cli.adapters import average, export
from ainl_align.cli.boundary import guarded
from ainl_align.cli.gate import gate
from ainl_align.cli.language import check, generate, grammar
from ainl_align.cli.machine import base, doctor
from ainl_align.cli.report import report
from ainl_align.cli.run import run
from ainl_align.cli.stages import STAGES, run_stage
from ainl_align.cli.status import status

# The stages, run and generate parse their own words: their options come from settings models.
_OWN_OPTIONS = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}

app = typer.Typer(
    help="Align a small language model to AINL, and know whether it worked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
build = typer.Typer(help="Build a training dataset: regression, distill or boost.", no_args_is_help=True)
app.add_typer(build, name="build")


def _add(group: typer.Typer, command: str, stage: str, prog: str) -> None:
    def stage_command(context: typer.Context) -> int:
        return run_stage(stage, context.args, prog)

    register = group.command(command, help=STAGES[stage].summary, context_settings=_OWN_OPTIONS, add_help_option=False)
    register(guarded(stage_command))


app.command("run", context_settings=_OWN_OPTIONS, add_help_option=False)(guarded(run))
app.command("status", context_settings=_OWN_OPTIONS, add_help_option=False)(guarded(status))
_add(build, "regression", "regression", "ainl-align build regression")
_add(build, "distill", "distill", "ainl-align build distill")
_add(build, "boost", "boost", "ainl-align build boost")
_add(app, "train", "finetune", "ainl-align train")
_add(app, "sweep", "sweep", "ainl-align sweep")
_add(app, "eval", "evaluation", "ainl-align eval")
app.command("gate", context_settings=_OWN_OPTIONS, add_help_option=False)(guarded(gate))
app.command("report")(guarded(report))
app.command("average", context_settings=_OWN_OPTIONS, add_help_option=False)(guarded(average))
app.command("export", context_settings=_OWN_OPTIONS, add_help_option=False)(guarded(export))
app.command("generate", context_settings=_OWN_OPTIONS, add_help_option=False)(guarded(generate))
app.command("check")(guarded(check))
app.command("grammar")(guarded(grammar))
app.add_typer(tasks.app, name="tasks")
app.command("base")(guarded(base))
app.command("doctor")(guarded(doctor))


def main() -> None:
    """Entry point of the installed command."""
    app(args=sys.argv[1:], prog_name="ainl-align")
