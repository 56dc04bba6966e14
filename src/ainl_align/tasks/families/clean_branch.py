"""A text decides in whatever case it is written, or with blanks around it."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.compound import CleanTest
from ainl_align.tasks.parts.flow import Check, Flow
from ainl_align.tasks.parts.sources import BodyFields, CacheEntry, FileText, HttpFields, Source
from ainl_align.tasks.parts.triggers import Start, endpoint, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("file", "file", "http", "http", "cache", "body"))
    source: Source
    if shape == "body":
        source = BodyFields(ctx, ("text",))
        yes, no = choose.outcome(ctx), choose.outcome(ctx)
        yes.ret, no.ret = choose.word(ctx), choose.word(ctx)
        start = endpoint(ctx)
    else:
        if shape == "file":
            source = FileText(ctx)
        else:
            source = HttpFields(ctx, ("text",)) if shape == "http" else CacheEntry(ctx, "text")
        yes, no = choose.two_outcomes(ctx, source.gives[0])
        start = plain()
    return start, Flow([source], check=Check(CleanTest(ctx, source.gives[0]), yes, no))


FAMILY = Family("clean_branch", "T2", _recipe)
