"""Records of the db. Slots: ``entity``, ``id``; ``what`` names fields (``s`` their plural ending) or a payload."""

from ainl_align.tasks.wording.pool import Pool

FIELDS = Pool(
    train=(
        "read {what} from the {entity} record with id {id} in the db",
        "get {entity} {id} from the db and take its {what}",
        "look up {what} of the db record {entity} {id}",
        "take the db record {entity} number {id} and read {what}",
        "db: get {entity} {id}, field{s} {what}",
        "load the {entity} with id {id} from the db and use its {what}",
        "find {what} in the {entity} record {id} of the db",
        "fetch the {entity} record {id} (db) and read {what}",
        "in the db, get the {entity} with id {id} and read {what}",
        "from the db record {entity} with id {id} take {what}",
    ),
    held=(
        "consult the db for {entity} {id} and note its {what}",
        "pull {what} out of the db's {entity} record number {id}",
        "let the db give you the {entity} whose id is {id}, and use {what}",
        "obtain {what} of {entity} number {id} out of the db",
        "open record {id} of {entity} in the db and keep its {what}",
        "retrieve {what} for {entity} {id} (a db record)",
    ),
)
RECORD = Pool(
    train=(
        "get the {entity} record with id {id} from the db",
        "look up {entity} {id} in the db",
        "read the db record {entity} {id}",
        "load the {entity} with id {id} from the db",
        "fetch {entity} number {id} from the db",
        "db: get {entity} {id}",
        "find the {entity} whose id is {id} in the db",
        "in the db, look for {entity} {id}",
    ),
    held=(
        "ask the db for {entity} number {id}",
        "search the db for the {entity} record {id}",
        "pull the record {entity} {id} out of the db",
        "see what the db has as {entity} {id}",
        "retrieve {entity} {id} (a db record)",
    ),
)
ALL = Pool(
    train=(
        "list all {entity} records in the db",
        "find all {entity} records of the db",
        "read every {entity} record from the db",
        "get all records of the db entity {entity}",
        "load the {entity} records from the db",
        "db: find all {entity}",
        "fetch all the {entity} entries of the db",
        "take all {entity} records out of the db",
    ),
    held=(
        "ask the db for every {entity} record",
        "pull each {entity} record from the db",
        "retrieve the whole set of {entity} records in the db",
        "collect what the db holds for entity {entity}",
        "have the db return its {entity} records, all of them",
    ),
)
COUNT = Pool(
    train=(
        "count the {entity} records in the db",
        "count how many {entity} records the db has",
        "find all {entity} records in the db and count them",
        "get the number of {entity} records in the db",
        "see how many {entity} records are in the db",
        "db: count {entity}",
        "count all records of the db entity {entity}",
        "find out how many {entity} records there are in the db",
    ),
    held=(
        "work out the number of {entity} records held in the db",
        "tell how many records the db keeps for entity {entity}",
        "take a tally of the db's {entity} records",
        "determine how many {entity} entries exist in the db",
        "do a count over every {entity} record of the db",
    ),
)
CREATE = Pool(
    train=(
        "create a {entity} record in the db from {what}",
        "add {what} to the db as a new {entity}",
        "save {what} as a new {entity} record in the db",
        "create a new db record {entity} with {what}",
        "store {what} in the db as a {entity} record",
        "db: create {entity} from {what}",
        "put {what} into the db as a new {entity} record",
        "in the db, create a {entity} record out of {what}",
        "make a new {entity} in the db with {what}",
    ),
    held=(
        "let the db have a new {entity} made of {what}",
        "record {what} as one more {entity} of the db",
        "open a fresh {entity} record in the db holding {what}",
        "insert {what} into the db under entity {entity}",
        "extend the db by a {entity} record from {what}",
    ),
)
UPDATE = Pool(
    train=(
        "update the first {entity} record in the db with {what}",
        "change the first {entity} of the db with {what}",
        "merge {what} into the first {entity} record of the db",
        "apply {what} to the first db record of entity {entity}",
        "db: update the first {entity} with {what}",
        "write {what} into the first {entity} record in the db",
        "patch the first {entity} record of the db with {what}",
        "in the db, update the first {entity} record with {what}",
    ),
    held=(
        "bring the db's first {entity} record up to date with {what}",
        "overlay the first {entity} in the db with {what}",
        "let {what} overwrite fields of the first {entity} record in the db",
        "modify the db's first {entity} by {what}",
        "use {what} to revise the first {entity} record of the db",
    ),
)
DELETE = Pool(
    train=(
        "delete the {entity} record with id {id} from the db",
        "delete {entity} {id} from the db",
        "remove the db record {entity} {id}",
        "remove {entity} number {id} from the db",
        "db: delete {entity} {id}",
        "drop the {entity} with id {id} from the db",
        "in the db, delete the {entity} record {id}",
        "take {entity} {id} out of the db for good",
    ),
    held=(
        "erase the db's {entity} record number {id}",
        "get rid of {entity} {id} in the db",
        "wipe record {id} of entity {entity} from the db",
        "let {entity} {id} disappear from the db",
        "purge the {entity} whose id is {id} from the db",
    ),
)
DELETE_IT = Pool(
    train=(
        "delete that record",
        "delete the record",
        "remove this record from the db",
        "delete it from the db",
        "remove that record",
    ),
    held=("erase the record just read", "get rid of that record", "let the db drop this record"),
)

FIELD = Pool(train=("{name}", "the {name}", "its {name}", "that {name}"), held=("the {name} value", "this {name}"))
FOUND = Pool(
    train=("such a record", "a record like that", "such a db record"),
    held=("a matching record", "a record of this kind"),
)
WHOLE = Pool(train=("the record", "that record", "the whole record"), held=("the record found", "this record"))
RECORDS = Pool(
    train=("the records", "those records", "the list of records", "all of them"),
    held=("the records found", "the resulting list", "these records"),
)
NUMBER = Pool(
    train=("the count", "that count", "the number of records", "that number"),
    held=("this count", "the number found", "the tally"),
)
NEW_ID = Pool(
    train=("the id of the new record", "the new record's id", "its new id"),
    held=("the id that it got", "the id of the record just created"),
)
