"""Values and lists out of filtered rows. Slots: ``t`` the table, ``w`` which rows, ``c`` a column, ``o`` an order,
``k`` a number of rows, ``m`` the mark between values."""

from ainl_align.tasks.wording.pool import Pool

COUNT = Pool(
    train=(
        "count the rows of table {t} {w}",
        "find how many rows of table {t} there are {w}",
        "in table {t}, count the rows {w}",
        "get the number of {t} rows {w}",
        "run a count over the {t} rows {w}",
        "count entries of the SQLite table {t} {w}",
        "see how many {t} the database has, only rows {w}",
        "tally the rows in {t} {w}",
    ),
    held=(
        "determine the number of rows in {t} {w}",
        "work out how many rows of {t} there are {w}",
        "ask SQLite for the number of {t} rows {w}",
        "make a count of all rows of the table {t} {w}",
        "establish how many entries table {t} holds {w}",
    ),
)
SUM = Pool(
    train=(
        "sum {c} over the rows of table {t} {w}",
        "add up {c} of all rows in table {t} {w}",
        "get the total {c} of the {t} rows {w}",
        "total the column {c} of table {t}, rows {w}",
        "in table {t}, take the sum of {c} for rows {w}",
        "compute SUM({c}) on {t} for the rows {w}",
        "work out the total of {c} in {t} across rows {w}",
        "find the summed {c} of the {t} rows {w}",
    ),
    held=(
        "determine the total {c} for rows of {t} {w}",
        "let SQLite add {c} up for the {t} rows {w}",
        "calculate how much {c} the rows of {t} have in all, counting those {w}",
        "obtain the sum of column {c} from table {t}, only rows {w}",
        "sum up what the rows of {t} {w} have as {c}",
    ),
)
MAX = Pool(
    train=(
        "get the highest {c} among the rows of table {t} {w}",
        "find the maximum {c} in table {t} for rows {w}",
        "in table {t}, take the largest {c} of the rows {w}",
        "look up the biggest {c} of the {t} rows {w}",
        "compute MAX({c}) on {t} for the rows {w}",
        "read the top {c} of all {t} rows {w}",
    ),
    held=(
        "determine the greatest {c} that rows of {t} have, counting those {w}",
        "ask SQLite for the peak {c} of the {t} rows {w}",
        "obtain the maximum of column {c} from table {t}, only rows {w}",
    ),
)
MIN = Pool(
    train=(
        "get the lowest {c} among the rows of table {t} {w}",
        "find the minimum {c} in table {t} for rows {w}",
        "in table {t}, take the smallest {c} of the rows {w}",
        "look up the least {c} of the {t} rows {w}",
        "compute MIN({c}) on {t} for the rows {w}",
    ),
    held=(
        "determine the smallest {c} that rows of {t} have, counting those {w}",
        "ask SQLite for the bottom {c} of the {t} rows {w}",
        "obtain the minimum of column {c} from table {t}, only rows {w}",
    ),
)
DISTINCT = Pool(
    train=(
        "count the distinct {c} values in the rows of table {t} {w}",
        "find how many different {c} there are in table {t} among rows {w}",
        "in table {t}, count each {c} once for the rows {w}",
        "get the number of unique {c} values of the {t} rows {w}",
        "compute COUNT(DISTINCT {c}) on {t} for the rows {w}",
    ),
    held=(
        "determine how many separate {c} values the rows of {t} show, only those {w}",
        "work out the number of non-repeating {c} entries in {t}, rows {w}",
        "ask SQLite how many unlike {c} values {t} has in rows {w}",
    ),
)
FIGURES = {"count": COUNT, "sum": SUM, "max": MAX, "min": MIN, "distinct": DISTINCT}
FIGURE_NOUN: dict[str, Pool] = {
    "count": Pool(("the count", "that number"), ("this count", "the number counted")),
    "sum": Pool(("the sum", "the total"), ("this sum", "the amount in all")),
    "max": Pool(("the maximum", "that value"), ("this maximum", "the greatest value")),
    "min": Pool(("the minimum", "that value"), ("this minimum", "the smallest value")),
    "distinct": Pool(("the count", "that number"), ("this count", "the number found")),
}
LIST = Pool(
    train=(
        'list the {c} of the rows in table {t} {w}, {o}, joined with "{m}"',
        'take {c} from the {t} rows {w}, {o}, and join the values with "{m}"',
        'get the {c} values of table {t} for rows {w}, {o}, with "{m}" between them',
        'collect {c} of all {t} rows {w} ({o}) into one text, separated by "{m}"',
        'from table {t} read {c} of the rows {w}, {o}, as one text with "{m}" in between',
        'build a text of the {c} of every {t} row {w}: {o}, "{m}" between two',
        'query {t} for the {c} of rows {w}, {o}, and put "{m}" between the values',
        'make one line of {c} out of the {t} rows {w}, {o}, glued with "{m}"',
    ),
    held=(
        'string the {c} of the rows of {t} {w} together, {o}, "{m}" between each two',
        'gather {c} from rows of {t} {w}, {o}, set apart by "{m}"',
        'have SQLite concatenate {c} of the {t} rows {w}, {o}, using "{m}"',
        'write the {c} entries of {t} (rows {w}) one after the other, {o}, divided by "{m}"',
        'form a single text from {c} in {t}, rows {w}, {o}, the separator is "{m}"',
    ),
)
ORDER: dict[str, Pool] = {
    "id": Pool(
        ("in id order", "lowest id first", "sorted by id", "ordered by id", "by ascending id"),
        ("id upwards", "starting from the smallest id", "going up by id"),
    ),
    "desc": Pool(
        ("highest {c} first", "sorted by {c} descending", "from the largest {c} down", "in descending order of {c}"),
        ("starting with the biggest {c}", "{c} downwards", "going down by {c}"),
    ),
    "asc": Pool(
        ("lowest {c} first", "sorted by {c} ascending", "from the smallest {c} up", "in ascending order of {c}"),
        ("starting with the least {c}", "{c} upwards", "going up by {c}"),
    ),
    "name": Pool(
        ("sorted by {c}", "in alphabetical order", "alphabetically", "A to Z"),
        ("ordered by the alphabet", "from A on to Z"),
    ),
}
LIMIT = Pool(
    ("{o}, only the first {k}", "{o}, the first {k} of them", "{o}, {k} at most"),
    ("{o}, no more than {k}", "{o}, stopping after {k}"),
)
LIST_NOUN = Pool(("the list", "that list", "the joined text"), ("this list", "the text so made"))
LINES = Pool(
    train=(
        'make one line "id,{c}" for each row of table {t} {w} (lowest id first, newlines between, no header)',
        "turn the rows of table {t} {w} into CSV lines id,{c}, in id order, without a header",
        "export id and {c} of the {t} rows {w} as CSV (by id, no header line)",
        "write the rows of {t} {w} as lines id,{c}, sorted by id, no header, joined by newlines",
        "build a CSV text with id,{c} of the rows in {t} {w}, ascending ids, no header",
        "take the rows of table {t} {w} and format each as id,{c} on its own line, in order of id",
    ),
    held=(
        "render rows of {t} {w} as comma-separated id,{c}, one a line, id upwards, headerless",
        "produce headerless CSV (id,{c}) from the {t} rows {w}, going up by id",
        "set out the rows of {t} {w} as lines of id, a comma and {c}, starting from the smallest id",
    ),
)
LINES_NOUN = Pool(("those lines", "the lines", "the CSV text"), ("these lines", "the CSV so made"))
MARK = Pool(
    train=(
        "set the status of those rows to '{s}'",
        "mark these rows as '{s}' in column status",
        "change the status of all of them to '{s}'",
        "update those rows to status '{s}'",
        "give the same rows the status '{s}'",
    ),
    held=("let those rows read '{s}' under status", "move these same rows over to status '{s}'"),
)
