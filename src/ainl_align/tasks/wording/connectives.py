"""Small joints between clauses: what is returned, doing nothing, one step after another. Slot: ``what``."""

from ainl_align.tasks.wording.pool import Pool

RETURN = Pool(
    train=(
        "return {what}",
        "give back {what}",
        "hand back {what}",
        "return {what} as the result",
        "end by returning {what}",
        "finish with {what} as the result",
        "make {what} the result",
        "let {what} be the return value",
        "stop with {what} as the return value",
    ),
    held=(
        "output {what}",
        "give {what} as the outcome",
        "yield {what}",
        "have {what} as the return value",
        "conclude with {what} as the result",
        "let the result be {what}",
    ),
)

ANSWER = Pool(
    train=(
        "answer with {what}",
        "reply with {what}",
        "respond with {what}",
        "return {what}",
        "send {what} as the response",
        "return {what} to the caller",
        "give {what} as the answer",
        "reply {what}",
    ),
    held=(
        "send back {what}",
        "answer {what}",
        "let the answer be {what}",
        "make {what} the reply",
        "tell the caller {what}",
        "use {what} as the response",
    ),
)

NOTHING = Pool(
    train=(
        "do nothing",
        "do nothing at all",
        "just stop",
        "nothing needs to be done",
        "there is nothing to do",
        "simply end",
        "leave it",
        "nothing happens",
        "nothing else is to be done",
    ),
    held=(
        "take no action",
        "nothing has to happen",
        "let it be",
        "end without any action",
        "no action is needed",
        "there is no need to act",
    ),
)

THEN = Pool(
    train=(", then ", " and ", " and then ", ", and then ", "; then ", ", after that "),
    held=(" and after that ", "; next ", " and next ", ", following which "),
)

THEN_APART = Pool(
    train=(", then ", "; then ", ", after that ", ", and then ", "; afterwards "),
    held=("; next ", "; after that ", "; following that, "),
)
"""For two clauses of which one has an ``and`` of its own."""

LASTLY = Pool(
    train=("then ", "finally ", "lastly ", "after that "),
    held=("at the end ", "as the last thing ", "to finish "),
)

NEXT = Pool(
    train=("then ", "next, ", "after that, ", "afterwards, ", "when this is done, ", "and then ", ""),
    held=("following that, ", "with that done, ", "as the next step, "),
)
