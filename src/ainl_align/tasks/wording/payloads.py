"""What is handed over, as noun phrases."""

from ainl_align.tasks.wording.pool import Pool

# A fixed text, where it does not simply stand in quotes.
FIXED = Pool(
    train=('the text "{text}"', 'the words "{text}"', 'the message "{text}"'),
    held=('the string "{text}"', 'the phrase "{text}"'),
)

# Two texts or values in a row.
PAIR = Pool(
    train=(
        "{first} followed by {second}",
        "{first} plus {second}",
        "{first} + {second}",
        "{first} and then {second} as one text",
        "a text of {first} and {second}",
        "{first} and {second} joined to one text",
        "a message that says {first} + {second}",
        "{first} & {second}",
    ),
    held=(
        "{first} with {second} after it",
        "one text of {first} and {second}",
        "{first} with {second} appended",
        "{first} ahead of {second} in one text",
        "a line composed of {first} and {second}",
    ),
)
# More of them; ``listed`` is "a, b and c", ``added`` is "a + b + c".
SERIES = Pool(
    train=(
        "the text made of {listed}",
        "{added} as one text",
        "the text {added}",
        "a message of {listed}",
        "{listed} joined to one text",
        "{listed}, one after the other,",
    ),
    held=("one text of {listed}", "{listed} strung together", "a line composed of {listed}", "{added} in a row"),
)
# The same as one text in quotes with a value in its place.
PLACE = Pool(train=("{{{noun}}}",), held=("<{noun}>",))

# A JSON object; ``listed`` and ``pairs`` are its fields, with and without an "and".
JSON_PAIR = Pool(
    train=("{name} = {value}", "{name}: {value}", '"{name}": {value}'),
    held=("{name} set to {value}", "{name} being {value}"),
)
JSON = Pool(
    train=(
        "a JSON object with {listed}",
        "JSON with {listed}",
        "the JSON {{{pairs}}}",
        "the JSON object {{{pairs}}}",
        "JSON ({pairs})",
        "JSON {{{pairs}}}",
        "an object with {listed} as JSON",
    ),
    held=(
        "an object ({pairs}) as JSON",
        "a JSON document holding {listed}",
        "JSON made of {listed}",
        "JSON which has {listed}",
        "a JSON record ({pairs})",
    ),
)
