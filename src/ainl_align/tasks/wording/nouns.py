"""How a request calls the values that its steps have given. Slots: the names of fields and columns."""

from ainl_align.tasks.wording.pool import Pool

FIELD = Pool(
    train=("{name}", "{name}", "the {name}", "the {name}", "the value of {name}", "that {name}", "the fetched {name}"),
    held=("the {name} value", "the field {name}", "this {name}", "the {name} received"),
)
FLAG_FIELD = Pool(
    train=("{name}", "{name}", "the flag {name}", "the value of {name}"),
    held=("the {name} value", "the field {name}", "the {name} flag"),
)
LIST_FIELD = Pool(
    train=("the list {name}", "the {name} list", "that list of {name}"),
    held=("the array {name}", "the {name} array", "the {name} entries"),
)
POSTED = Pool(
    train=("{name}", "the {name}", "its {name}", "the posted {name}", "that {name}"),
    held=("the {name} value", "the field {name}", "the submitted {name}", "the {name} sent"),
)
REPLY = {
    "text": Pool(
        train=("the text", "that text", "the reply", "its text"), held=("the reply text", "the text received")
    ),
    "any": Pool(train=("the JSON", "that JSON", "what it returns"), held=("the JSON reply", "the JSON received")),
    "list": Pool(train=("the list", "that list"), held=("the array", "the list received")),
}
FILE = Pool(
    train=("the text", "its text", "its content", "the file's text", "that text"),
    held=("the content", "the content of the file", "what the file holds"),
)
CACHED = Pool(
    train=("the cached value", "the value", "that value", "the cache entry"),
    held=("the stored value", "the value found", "this entry"),
)
COUNT = Pool(
    train=("the count", "that number", "that count", "the number"),
    held=("this count", "the figure", "the resulting count"),
)
CELL = {
    "sum": Pool(train=("the sum", "that sum"), held=("the sum found", "this sum")),
    "max": Pool(train=("the maximum", "that maximum", "the highest {column}"), held=("the maximum found", "this peak")),
    "min": Pool(train=("the minimum", "that minimum", "the lowest {column}"), held=("the minimum found", "this low")),
    "top": Pool(train=("that {label}", "the {label}"), held=("the {label} found", "this {label}")),
    "key": Pool(train=("the {column}", "that {column}"), held=("the {column} found", "this {column}")),
}
NAMES = Pool(train=("the list", "that text", "that list"), held=("this list", "the resulting text"))
OLDEST = Pool(train=("such a row", "a row like that"), held=("a matching row", "a row of this kind"))
OLDEST_TEXT = Pool(train=("its {column}", "the {column} of that row"), held=("the row's {column}",))
CSV = Pool(train=("those lines", "the lines", "the CSV"), held=("the CSV lines", "these lines"))
CSV_ROWS = Pool(
    train=("the number of rows", "the row count", "the number of lines"),
    held=("the count of rows", "the tally of rows"),
)

ARITHMETIC = {
    "add": Pool(train=("the sum", "the result", "that result"), held=("the outcome", "the figure obtained")),
    "sub": Pool(train=("the difference", "the result", "that result"), held=("the outcome", "what is left")),
    "mul": Pool(train=("the product", "the result", "that result"), held=("the outcome", "the figure obtained")),
}
SHAPED = {
    "upper": Pool(train=("the upper-case text", "the result"), held=("the text in upper case", "the outcome")),
    "lower": Pool(train=("the lower-case text", "the result"), held=("the text in lower case", "the outcome")),
    "strip": Pool(train=("the stripped text", "the trimmed text", "the result"), held=("the cleaned text",)),
    "replace": Pool(train=("the new text", "the changed text", "the result"), held=("the altered text",)),
}
SIZE = Pool(train=("the count", "that number", "the length"), held=("the number found", "this count"))
JOINED = Pool(train=("the joined text", "that text"), held=("the combined text", "the resulting line"))
