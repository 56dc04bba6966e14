"""Reads and calls that depend on an earlier value. Slots: ``u`` a URL that ends in "/", ``x`` the value, ``f`` a field,
``t`` a table, ``c`` a column, ``k`` the key column, ``what`` a payload, ``m`` a method."""

from ainl_align.tasks.wording.pool import Pool

QUERY = Pool(
    train=(
        "read {f} from the query string",
        "take {f} from the query",
        "get the query parameter {f}",
        "use {f} of the query parameters",
        "look at ?{f}= in the query",
        "read the parameter {f} of the URL query",
        "fetch {f} from the query parameters",
    ),
    held=(
        "pick {f} out of the query parameters",
        "note what the query says for {f}",
        "find {f} among the parameters of the query",
        "learn {f} from the query",
    ),
)
ROW = Pool(
    train=(
        "look up {c} in table {t} where {k} is {x}",
        "read {c} from the row of table {t} whose {k} is {x}",
        "find the {c} that table {t} has for {k} = {x}",
        "query table {t} for {c} where {k} equals {x}",
        "get {c} of the {t} row with {x} as its {k}",
        "select {c} from {t} where its {k} is {x}",
    ),
    held=(
        "ask table {t} for the {c} that belongs to {x} (column {k})",
        "retrieve {c} out of the {t} row identified by {k} = {x}",
        "obtain the {c} stored in {t} next to {x} in column {k}",
    ),
)
LINKED = Pool(
    train=(
        "fetch {u} followed by {x} and read {f} of its JSON",
        "GET {u}<{x}> and take {f} from the JSON",
        "call {u} with {x} appended and read {f} from the reply",
        "read {f} from the JSON at {u} + {x}",
        "append {x} to {u}, GET that URL and take {f}",
        "query {u}{{{x}}} for {f}",
        "do a GET on {u} with {x} at the end and take {f} from the JSON",
    ),
    held=(
        "ask for the JSON at {u} plus {x} and note its {f}",
        "put {x} after {u}, request the result and keep {f}",
        "obtain {f} from the JSON that {u} extended by {x} serves",
        "let {u} plus {x} be the URL of a GET and keep {f} of its JSON",
    ),
)
LINKED_CALL = Pool(
    train=(
        "{m} {what} to {u} followed by {x}",
        "send {what} with {m} to {u}<{x}>",
        "{m} {what} to {u} + {x}",
        "append {x} to {u} and {m} {what} there",
        "make a {m} request with {what} to {u}{{{x}}}",
        "use {m} to send {what} to {u} with {x} at the end",
    ),
    held=(
        "do a {m} of {what} to {u} plus {x}",
        "put {x} after {u} and pass {what} to that URL by {m}",
        "address {u} extended by {x} with a {m} of {what}",
        "let {u} plus {x} be the URL of a {m} with {what}",
    ),
)
LINKED_DELETE = Pool(
    train=(
        "send a DELETE to {u} followed by {x}",
        "DELETE {u}<{x}>",
        "DELETE {u} + {x}",
        "append {x} to {u} and send a DELETE there",
        "make a DELETE request to {u}{{{x}}}",
        "DELETE the URL {u} with {x} at the end",
    ),
    held=(
        "do a DELETE on {u} plus {x}",
        "put {x} after {u} and request that URL with DELETE",
        "address {u} extended by {x} with a DELETE",
        "let {u} plus {x} be the URL of a DELETE",
    ),
)
GIVEN = Pool(
    train=(
        "the given {f}",
        "the {f} that came in",
        "the received {f}",
        "the incoming {f}",
    ),
    held=(
        "the {f} from the request",
        "the {f} of the request",
    ),
)
NOUN = Pool(("the {f}", "that {f}", "{f}"), ("this {f}", "the {f} in question"))
IN_ORDER: dict[str, Pool] = {
    "queue": Pool(
        (
            "put {x} and then {y} on the queue {t}",
            "queue {x} on {t}, and {y} after it on the same queue",
            "push first {x}, then {y} to queue {t}",
            "send two messages to the {t} queue: {x}, then {y}",
            "enqueue on {t}: {x} first and {y} second",
        ),
        (
            "place {x} in queue {t} and {y} behind it",
            "hand two things to the queue {t}, in this order: {x}, {y}",
            "have {t} (a queue) receive {x} and, next, {y}",
        ),
    ),
    "mail": Pool(
        (
            "email {x} and then, in a second email, {y} to {t}",
            "send {t} two emails: first {x}, then {y}",
            "mail {x} to {t}, and {y} in another mail after it",
            "write two emails to {t}, one with {x} and a later one with {y}",
        ),
        (
            "have {t} get an email with {x} followed by one more with {y}",
            "deliver two mails to {t} in this order: {x}, {y}",
        ),
    ),
}
