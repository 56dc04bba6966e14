"""SQL tables. Slots: ``table``; ``column`` and ``label`` are columns; ``state``, ``old``, ``new``, ``key`` texts."""

from ainl_align.tasks.wording.pool import Pool

COUNT = Pool(
    train=(
        "count the rows of table {table} whose status is '{state}'",
        "count how many {table} in the database have status '{state}'",
        "find out how many rows in table {table} have the status '{state}'",
        "count the {table} rows (SQLite) where status = '{state}'",
        "see how many entries of the {table} table are '{state}' by status",
        "count '{state}' rows in table {table} (column status)",
        "count {table} with status '{state}'",
        "get a count of the rows in {table} with status '{state}'",
        "query the database for the number of {table} with status '{state}'",
        "count all rows in table {table} that have status '{state}'",
        "SELECT the count of {table} rows with status '{state}'",
        "in table {table}, count the rows with status '{state}'",
        "count in the table {table} how many have '{state}' as status",
        "have the database count the {table} with status '{state}'",
        "run a count on table {table} for status '{state}'",
        "check how many {table} rows are '{state}' (status)",
        "ask SQLite how many rows of {table} have status = '{state}'",
        "count, in SQLite, the rows of {table} where status is '{state}'",
        "get the row count of {table} for status '{state}'",
        "do a count of status '{state}' in table {table}",
    ),
    held=(
        "work out the number of rows with status '{state}' in the {table} table",
        "get the number of {table} rows that are in status '{state}'",
        "tell how many of the rows in {table} carry the status '{state}'",
        "determine the quantity of {table} rows having status '{state}'",
        "from the database table {table} take the number of '{state}' ones (column status)",
        "establish how often status is '{state}' in the table {table}",
        "tally the rows of {table} marked '{state}' in their status column",
        "look up how many records of table {table} are at status '{state}'",
        "find the amount of rows where {table}.status equals '{state}'",
        "number the rows in {table} which show '{state}' under status",
        "obtain from SQLite the row count of {table} for the status '{state}'",
        "figure out how many {table} are stored with the status '{state}'",
        "calculate how many table {table} rows the status '{state}' applies to",
    ),
)

# ``word``: total, highest, lowest; ``name``: sum, maximum, minimum.
AGGREGATE = Pool(
    train=(
        "get the {word} {column} over all rows of table {table}",
        "compute the {name} of column {column} in table {table}",
        "query the {word} {column} in table {table}",
        "read the {word} {column} from table {table}",
        "take the {name} of {column} over all {table} in the database",
        "ask the database for the {word} {column} in {table}",
        "SELECT the {name} of {column} from table {table}",
        "in table {table}, get the {name} of the column {column}",
        "calculate the {word} {column} of all {table} rows",
        "get from SQLite the {name} of {column} in {table}",
        "find the {word} value of column {column} in table {table}",
        "run a query for the {name} of {table}.{column}",
        "have the {word} {column} of table {table} computed",
        "look up the {word} {column} in the {table} table",
        "from table {table} take the {word} {column}",
        "get {name} of {column}, table {table}",
    ),
    held=(
        "find the {name} of {column} across the whole {table} table",
        "work out the {word} {column} that table {table} has",
        "determine the {name} over {column} for every row in {table}",
        "obtain the {word} {column} among the rows of {table} (SQLite)",
        "figure out which {word} {column} the rows of table {table} give",
        "let the database tell the {name} of {column}, taken over table {table}",
        "establish the {word} {column} within table {table}",
        "draw the {name} of the {column} values out of {table}, a table",
        "pull the {word} {column} out of table {table}",
        "see what the {name} of {column} is in the {table} table",
        "with SQL, derive the {name} of all {column} in {table}",
    ),
)

TOP = Pool(
    train=(
        "find the {label} of the row with the highest {column} in table {table}",
        "look in table {table} for the row whose {column} is largest and take its {label}",
        "get the {label} of the {table} row with the largest {column}",
        "in table {table}, take the {label} where {column} is highest",
        "query table {table} for the {label} with the highest {column}",
        "sort table {table} by {column} descending and take the {label} of the first row",
        "read the {label} of the row in {table} that has the most {column}",
        "get {label} from {table} order by {column} desc, first row only",
        "from table {table} get the {label} that has the maximum {column}",
        "find which {label} in table {table} has the biggest {column}",
        "ask the database which {label} has the highest {column} in {table}",
        "SELECT the {label} of the row of {table} with maximal {column}",
    ),
    held=(
        "take the {label} of whichever row of table {table} has the greatest {column}",
        "work out which {label} has the greatest {column} in the {table} table",
        "determine the {label} at the top of {table} when ranked by {column}, largest first",
        "obtain the {label} belonging to the peak {column} of table {table}",
        "pick from {table} the row that leads in {column} and keep its {label}",
        "look up the {label} to which the highest {column} in table {table} belongs",
        "of all rows in {table}, single out the one highest in {column} for its {label}",
        "establish which row of the table {table} tops the {column} column, we want its {label}",
    ),
)

CELL = Pool(
    train=(
        "read {column} from the row of table {table} whose {label} is '{key}'",
        "look up {column} in table {table} where {label} is '{key}'",
        "get the {column} of the {table} row with {label} '{key}'",
        "query {column} from {table} where {label} = '{key}'",
        "find the row with {label} '{key}' in table {table} and read its {column}",
        "in table {table}, read the {column} for {label} '{key}'",
        "SELECT {column} from table {table} for {label} = '{key}'",
        "take the {column} out of table {table}, row with {label} '{key}'",
        "get {column} for {label} '{key}' from the database table {table}",
        "from table {table} take {column} where {label} equals '{key}'",
        "fetch the {column} stored in {table} for the {label} '{key}'",
        "ask the database for the {column} of '{key}' ({label}) in {table}",
    ),
    held=(
        "get the {column} that table {table} holds for {label} '{key}'",
        "consult table {table} for the {column} at {label} '{key}'",
        "obtain the {column} that goes with the {label} '{key}' in {table}, a SQL table",
        "search {table} by {label} '{key}' and note the {column}",
        "see which {column} the row labelled '{key}' (column {label}) has in table {table}",
        "pull up {column} in the database: table {table}, {label} '{key}'",
        "determine the {column} of the record in {table} having '{key}' as its {label}",
        "pick the {column} of the one row in {table} that carries {label} '{key}'",
    ),
)

# ``mark`` stands between the values.
NAMES = Pool(
    train=(
        "list the {column} of every row in table {table} with status '{state}', in id order, joined with \"{mark}\"",
        "take the {column} column of the {table} rows whose status is '{state}', ordered by id, "
        'and join the values with "{mark}"',
        "join the {column} of all {table} rows with status '{state}' by \"{mark}\", sorted by id",
        "get every {column} from table {table} where status = '{state}', by id, as one text with \"{mark}\" between",
        "read the {column} values of the '{state}' rows (status) in {table}, id order, separated by \"{mark}\"",
        "make one text of the {column} of each '{state}' row by status in table {table}, in order of id, "
        'with "{mark}" as separator',
        "query table {table} for status '{state}', order by id, and join the {column} values with \"{mark}\"",
        "in table {table}, collect {column} where status is '{state}', ordered by id, \"{mark}\" between the values",
        "build a \"{mark}\"-separated list of {column} from the {table} rows with status '{state}', by id",
    ),
    held=(
        "join the {column} values of all '{state}' rows (column status) of table {table} "
        'by id with "{mark}" between them',
        "string together the {column} of those {table} rows that have status '{state}', lowest id first, "
        'using "{mark}"',
        "gather {column} from the rows in {table} at status '{state}', following the ids upwards, "
        'and glue them with "{mark}"',
        "chain the {column} entries of table {table} for status '{state}' with \"{mark}\" in ascending id order",
        'produce a list, parted by "{mark}" and sorted on id, of the {column} in {table} rows '
        "that carry status '{state}'",
        "compile the {column} of all records in {table} having '{state}' as status, by rising id, "
        'with "{mark}" from one to the next',
    ),
)

OLDEST = Pool(
    train=(
        "take the row with the lowest id in table {table} whose status is '{state}'",
        "find the '{state}' row (column status) with the smallest id in table {table}",
        "get the row of {table} with status '{state}' and the lowest id",
        "query table {table} for the row with status '{state}' that has the smallest id",
        "pick the lowest-id row with status '{state}' from table {table}",
        "from table {table} take the first row by id with status '{state}'",
        "in table {table}, find the first row with status '{state}', ordered by id",
        "read one row from {table} where status = '{state}', lowest id first",
        "select the row with the minimum id among the '{state}' rows (status) of {table}",
        "fetch the next '{state}' row by status from table {table}, smallest id first",
    ),
    held=(
        "look in table {table} for the first row by id that has status '{state}'",
        "search {table} for its earliest row, going by id, at status '{state}'",
        "among the rows of table {table} whose status says '{state}', choose the one with the least id",
        "obtain from {table} the record that has status '{state}' and comes first by id",
        "grab whichever row of table {table} is '{state}' in status with the lowest of ids",
        "determine the row in {table} standing at status '{state}' with the smallest of all such ids",
    ),
)

MARK = Pool(
    train=(
        "set the status of that row to '{state}'",
        "mark that row as '{state}' in column status",
        "update that row to status '{state}'",
        "set its status to '{state}'",
        "change that row's status to '{state}'",
        "write '{state}' to the status of that row",
        "give that row the status '{state}'",
        "put that row in status '{state}'",
        "make the status of this row '{state}'",
        "UPDATE that row, status = '{state}'",
    ),
    held=(
        "change its status to '{state}'",
        "switch the row over to status '{state}'",
        "have its status column say '{state}'",
        "turn the status of the row found into '{state}'",
        "move the row on to the status '{state}'",
        "flag the row '{state}' in its status column",
    ),
)

CSV = Pool(
    train=(
        "turn table {table} into CSV lines id,{column} (no header, in id order, newlines between)",
        "export id and {column} of every row in table {table} as comma-separated lines by id, "
        "without header or final newline",
        "get table {table} as CSV text of id,{column}, ordered by id, no header, no newline at the end",
        "read all rows of {table} as lines id,{column} sorted by id, joined by newlines, with no header line",
        "make CSV of id and {column} from table {table}: one line a row, by id, no header, newline between lines",
        "query {table} in id order and write each row as id,{column} on its own line, without a header",
        "build a CSV text (id,{column}) from all {table} rows, lowest id first, no header, lines joined by a newline",
        "dump the columns id and {column} of table {table} as CSV without header, ordered by id, newlines between",
    ),
    held=(
        "make one line id,{column} of each row in table {table}, sorted by id, joined by newlines and with no header",
        "convert the {table} table to headerless CSV holding id,{column}, ascending by id, a newline between any two "
        "lines",
        "list the rows of {table} as id,{column} each, following the id, separated by newlines and headed by nothing",
        "form a headless CSV from {table}, a line being id,{column}, ids rising, parted by newlines",
        "render table {table} to lines that read id,{column}, smallest id on top, newline-separated, header left out",
        "put every record of {table} on a line id,{column}, with increasing id, newlines in between, "
        "leaving off any header",
    ),
)

# ``what``: the values; ``columns``: their columns, with ``s`` as plural ending.
INSERT_VALUES = Pool(
    train=(
        "insert {what} into the column{s} {columns} of table {table}",
        "add a row to table {table} with {what} in column{s} {columns}",
        "insert a row into {table} ({columns}) with {what}",
        "write {what} to table {table}, column{s} {columns}",
        "save {what} in a new row of table {table} (column{s} {columns})",
        "insert {what} into {table} as {columns}",
        "put {what} in the {columns} column{s} of a new {table} row",
        "INSERT {what} as {columns} in table {table}",
        "in table {table}, insert a row with {columns} set to {what}",
        "store a row in the table {table} with {what} for {columns}",
        "have {what} inserted as {columns} into the {table} table",
        "make a new row in {table} and fill column{s} {columns} with {what}",
        "add {what} to the database, table {table}, column{s} {columns}",
        "append a row to {table}, where column{s} {columns} get {what}",
    ),
    held=(
        "store {what} as column{s} {columns} of a new row in table {table}",
        "create one record in table {table} holding {what} under {columns}",
        "record {what} in table {table} as the new row's {columns}",
        "give table {table} another row whose {columns} hold {what}",
        "keep {what} in the database as {columns} of a fresh row in {table}",
        "file {what} under {columns} in table {table} as one more row",
        "enter {what} as a row of the {table} table, the column{s} being {columns}",
        "let table {table} have an extra row, {what} going to {columns}",
        "register {what} in {columns} of an additional {table} row",
    ),
)
# ``pairs``: "name = the value" and so on, for all columns.
INSERT_PAIRS = Pool(
    train=(
        "insert a row into table {table} with {pairs}",
        "add a row ({pairs}) to table {table}",
        "add to table {table} a row with {pairs}",
        "insert into {table}: {pairs}",
        "write a new row to the table {table} with {pairs}",
        "put a row with {pairs} in table {table}",
        "make a row in {table} that has {pairs}",
        "INSERT a row in table {table}, {pairs}",
        "save a row with {pairs} to the database table {table}",
        "in table {table}, add a row with {pairs}",
        "store {pairs} as a new row of table {table}",
        "have a row with {pairs} inserted into the {table} table",
        "append a row to {table} that holds {pairs}",
        "do an insert of {pairs} into table {table}",
    ),
    held=(
        "create a row in table {table} having {pairs}",
        "create a {table} record in the database, {pairs}",
        "give the table {table} one more row: {pairs}",
        "record a fresh row of the {table} table with {pairs}",
        "enter one row into {table} with its {pairs}",
        "extend table {table} by a row holding {pairs}",
        "file a new record ({pairs}) under table {table}",
        "let table {table} have an additional row, {pairs}",
        "register a {table} row that has {pairs}",
    ),
)
PAIR = Pool(train=("{name} = {value}",), held=("{name} set to {value}",))

UPDATE = Pool(
    train=(
        "set status to '{new}' on all rows of table {table} whose status is '{old}'",
        "change the status of every '{old}' row in table {table} to '{new}'",
        "update table {table}: status '{old}' becomes '{new}'",
        "set the status of all '{old}' {table} in the database to '{new}'",
        "in table {table}, change status '{old}' to '{new}'",
        "update {table} set status = '{new}' where status = '{old}'",
        "change every status '{old}' in table {table} into '{new}'",
        "turn status '{old}' into '{new}' on every row of {table}",
        "replace the status '{old}' by '{new}' in all rows of table {table}",
        "give all rows in {table} with status '{old}' the status '{new}'",
        "write '{new}' to the status of each {table} row that has status '{old}'",
        "for all rows of table {table} with status '{old}', set status to '{new}'",
        "run an update on {table} that sets status '{new}' where it is '{old}'",
        "make all '{old}' rows (status) of table {table} '{new}'",
    ),
    held=(
        "mark all rows of table {table} that have status '{old}' as '{new}' in that column",
        "move the {table} rows at status '{old}' over to status '{new}'",
        "switch the status column of {table} from '{old}' to '{new}' wherever it applies",
        "let whatever is '{old}' in table {table} by its status be '{new}' instead",
        "flag as '{new}' (column status) any row in {table} now standing at '{old}'",
        "promote table {table} rows whose status reads '{old}' to the status '{new}'",
        "wherever {table} has '{old}' as a row's status, have it say '{new}'",
        "convert each '{old}' of the {table} status column to a '{new}'",
        "see that rows in {table} with the status '{old}' end up with '{new}'",
    ),
)
DELETE = Pool(
    train=(
        "delete every row of table {table} whose status is '{old}'",
        "remove all rows with status '{old}' from table {table}",
        "delete the {table} rows where status = '{old}'",
        "delete from table {table} all rows with status '{old}'",
        "remove from {table} each row that has status '{old}'",
        "DELETE rows in table {table} with status '{old}'",
        "in table {table}, delete everything with status '{old}'",
        "clean table {table} of all rows with status '{old}'",
        "delete all '{old}' {table} (column status) from the database",
        "take out every {table} row whose status is '{old}' by a delete",
        "run a delete on {table} for status '{old}'",
        "have all rows of table {table} deleted that have the status '{old}'",
        "remove '{old}' rows (status) of the {table} table",
        "erase the rows of {table} with the status '{old}'",
    ),
    held=(
        "drop the '{old}' rows (column status) from table {table}",
        "purge table {table} of any row at status '{old}'",
        "get rid of all {table} records having '{old}' as status",
        "clear out of {table}, a SQL table, what has status '{old}'",
        "throw the rows marked '{old}' in the status column out of table {table}",
        "wipe whatever {table} holds with the status '{old}'",
        "see that no row with status '{old}' stays in table {table}",
        "discard each record of table {table} that sits at status '{old}'",
        "strip {table} of its '{old}' rows, going by the column status",
    ),
)
