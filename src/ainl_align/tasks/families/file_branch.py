"""The text of a file decides between two outcomes."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.conditions import TextTest
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import FileText
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    source = FileText(ctx)
    yes, no = choose.two_outcomes(ctx, source.gives[0])
    return plain(), Flow([source], check=Check(TextTest(ctx, source.gives[0]), yes, no))


FAMILY = Family("file_branch", "T2", _recipe)
