"""Changes of a table. Slots: ``t`` the table, ``w`` which rows, ``s`` a status, ``x`` and ``y`` values, ``c`` a column,
``k`` the column that names the row, ``list`` the entries, ``cols`` columns."""

from ainl_align.tasks.wording.pool import Pool

DELETE = Pool(
    train=(
        "delete the rows of table {t} {w}",
        "remove all rows from table {t} {w}",
        "purge {t} rows {w}",
        "clean up table {t}: delete the rows {w}",
        "drop every row of {t} {w}",
        "throw out the {t} rows {w}",
        "from table {t} delete the rows {w}",
        "get rid of the rows in {t} {w}",
    ),
    held=(
        "clear the table {t} of rows {w}",
        "erase what table {t} has in rows {w}",
        "have SQLite delete those {t} rows {w}",
        "take the rows {w} out of table {t}",
        "discard the rows of {t} {w}",
    ),
)
UPDATE = Pool(
    train=(
        "set status to '{s}' on the rows of table {t} {w}",
        "change the status of all {t} rows {w} to '{s}'",
        "mark the rows of table {t} {w} as '{s}' in column status",
        "update table {t}: status becomes '{s}' for the rows {w}",
        "in table {t}, give the rows {w} the status '{s}'",
        "put the {t} rows {w} into status '{s}'",
        "set the status column of {t} rows {w} to '{s}'",
    ),
    held=(
        "let the status read '{s}' on every row of {t} {w}",
        "move the rows of {t} {w} over to status '{s}'",
        "turn the status of those {t} rows {w} into '{s}'",
        "have table {t} show '{s}' as status on the rows {w}",
    ),
)
SET_BY_KEY = Pool(
    train=(
        "set {c} to {x} in the row of table {t} whose {k} is {y}",
        "update table {t}: {c} becomes {x} where {k} is {y}",
        "in table {t}, change {c} to {x} for the row with {k} equal to {y}",
        "write {x} into {c} of the {t} row with that {k} ({y})",
        "put {x} in column {c} of table {t} where {k} = {y}",
        "update {c} of the row in {t} that has {y} as {k} to {x}",
    ),
    held=(
        "let {c} be {x} in the row of {t} that carries {y} as its {k}",
        "overwrite {c} with {x} for the {t} row identified by {k} = {y}",
        "store {x} as the {c} of the row in table {t} with {y} under {k}",
    ),
)
DELETE_BY_KEY = Pool(
    train=(
        "delete the row of table {t} whose {k} is {y}",
        "remove from table {t} the row with {k} equal to {y}",
        "in table {t}, delete the row where {k} = {y}",
        "drop the {t} row that has {y} as {k}",
        "delete from {t} where {k} is {y}",
    ),
    held=(
        "erase the row of {t} that carries {y} as its {k}",
        "take the row identified by {k} = {y} out of table {t}",
        "discard the row in table {t} with {y} under {k}",
    ),
)
IMPORT: dict[str, Pool] = {
    "ignore": Pool(
        (
            "save the new ones in table {t} ({cols}; {k} is the primary key), skipping those already there",
            "insert each entry into table {t} ({cols}), ignoring entries whose {k} exists already (primary key)",
            "add them to table {t}, columns {cols}; {k} is the primary key, leave out duplicates",
            "store all entries not yet known in table {t} ({cols}, unique by the primary key {k})",
            "insert or ignore every entry into {t} ({cols}), where {k} is the primary key",
            "put the entries into table {t} with columns {cols}; a {k} that is there already stays as it is "
            "({k} is the primary key)",
        ),
        (
            "keep those unknown so far as rows of {t} ({cols}, primary key {k}) and pass over the others",
            "fill table {t} ({cols}) with the entries, but never twice the same {k}, the primary key",
            "record every entry in {t} ({cols}) unless its {k}, which is the primary key, is on file",
        ),
    ),
    "replace": Pool(
        train=(
            "insert each entry into table {t} ({cols}; {k} is the primary key), replacing rows with the same {k}",
            "upsert every entry into table {t} ({cols}) by the primary key {k}",
            "store all entries in table {t} ({cols}); one whose {k} exists replaces the old row (primary key {k})",
            "insert or replace the entries in {t} ({cols}), where {k} is the primary key",
            "save every entry to table {t} ({cols}), overwriting the row of the same {k} (primary key)",
        ),
        held=(
            "bring table {t} ({cols}, primary key {k}) up to date with the entries, overwriting equal {k}",
            "record every entry in {t} ({cols}); a known {k}, the primary key, is overwritten",
            "let the entries displace rows with equal {k} (primary key) in table {t} ({cols}), others are added",
        ),
    ),
    "all": Pool(
        train=(
            "insert one row for each entry into table {t} ({cols})",
            "add every entry as a row of table {t}, columns {cols}",
            "store all entries in table {t} ({cols})",
            "append the entries to table {t}, one row each with {cols}",
            "turn every entry into a new row of {t} ({cols})",
            "put all entries into table {t}, columns {cols}",
        ),
        held=(
            "write each entry as a new row of {t} with {cols}",
            "let every entry become a row in table {t} ({cols})",
            "give table {t} one more row ({cols}) for each entry",
        ),
    ),
}
FEED = Pool(
    train=(
        "fetch {u}, whose JSON has a list {l} of objects with {cols}",
        "GET {u}: its JSON holds the list {l}, each entry with {cols}",
        "read the list {l} from the JSON at {u} (entries have {cols})",
        "load {u} and take its list {l}, where every entry has {cols}",
        "download the JSON of {u} with its {l}, objects having {cols}",
        "poll {u} for the list {l} (each with {cols})",
        "take the objects ({cols}) from the list {l} in the JSON of {u}",
        "call {u}, the reply is JSON and its {l} lists objects with {cols}",
    ),
    held=(
        "ask {u} for its JSON; {l} in it is a list of objects with {cols}",
        "obtain the {l} list out of the JSON that {u} serves, entries carrying {cols}",
        "pull {l} from {u}, an array of objects that have {cols}",
        "go to {u} for {l}, a JSON list of objects holding {cols}",
        "have {u} deliver its list {l}, each object with {cols}",
    ),
)
FEED_TOP = Pool(
    train=(
        "fetch {u}, which returns a JSON list of objects with {cols}",
        "GET the JSON array at {u}, each entry with {cols}",
        "load the list that {u} returns (entries have {cols})",
        "download the JSON list of {u}, objects having {cols}",
        "read the JSON array that {u} gives (objects with {cols})",
        "call {u}: the reply is a JSON list, each object with {cols}",
    ),
    held=(
        "ask {u} for its JSON array of objects with {cols}",
        "obtain what {u} serves, a JSON list whose entries carry {cols}",
        "go to {u} for a JSON list of objects holding {cols}",
        "have {u} deliver its JSON array, each object with {cols}",
    ),
)
POSTED = Pool(
    train=(
        "take the list {l} from the posted JSON (objects with {cols})",
        "read the list {l} in the body, each entry with {cols}",
        "the body has a list {l} of objects with {cols}: use it",
        "get {l} out of the posted JSON, a list of objects with {cols}",
        "use the list {l} of the request body, whose objects have {cols}",
    ),
    held=(
        "find the array {l} in the payload, its objects carry {cols}",
        "go through {l} in the submitted data, a list of objects holding {cols}",
    ),
)
FEED_NOUN = Pool(("the list", "the entries"), ("this list", "the objects"))
COUNT_ALL = Pool(
    train=(
        "count the rows that {t} has now",
        "count all rows of {t}",
        "see how many rows table {t} has now",
        "get the new number of rows in {t}",
    ),
    held=("find out how many rows {t} holds now", "determine the present row count of {t}"),
)
ROWS_NOUN = Pool(("the row count", "that count"), ("this row count", "the number of rows so found"))
