"""A text read, put in another form, returned or stored."""

from ainl_align.tasks.families.base import Family
from ainl_align.tasks.parts import choose
from ainl_align.tasks.parts.base import Ctx
from ainl_align.tasks.parts.flow import Flow
from ainl_align.tasks.parts.payloads import Value
from ainl_align.tasks.parts.sources import FileText, HttpBody, HttpFields, Source
from ainl_align.tasks.parts.transforms import Recase
from ainl_align.tasks.parts.triggers import Start, plain


def _recipe(ctx: Ctx) -> tuple[Start, Flow]:
    shape = ctx.pick(("file", "body", "field"))
    source: Source
    if shape == "file":
        source = FileText(ctx)
    else:
        source = HttpBody(ctx, "text") if shape == "body" else HttpFields(ctx, ("text",))
    change = Recase(ctx, source.gives[0])
    source.examples = {source.gives[0].key: change.example()}
    if ctx.rng.random() < 0.5:
        return plain(), Flow([source, change], ret=Value(change.gives[0]))
    return plain(), Flow(
        [source, change, choose.sink(ctx, Value(change.gives[0]), ("queue", "mail", "write", "cache"))]
    )


FAMILY = Family("reshape_text", "T1", _recipe)
