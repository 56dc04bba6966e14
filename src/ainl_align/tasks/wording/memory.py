"""The memory store. Slots: ``space`` (a namespace), ``kind``, ``id``; ``what`` names fields or a payload."""

from ainl_align.tasks.wording.pool import Pool

FIELDS = Pool(
    train=(
        "read {what} from the memory record {id} (namespace {space}, kind {kind})",
        "in the memory store, namespace {space}, kind {kind}, id {id}, read {what}",
        "get {what} of the memory record {kind} {id} in namespace {space}",
        "look up {what} in memory: namespace {space}, kind {kind}, id {id}",
        "take {what} from memory, namespace {space}, kind {kind}, id {id}",
        "memory get {space} {kind} {id}, take {what}",
        "recall {what} from the memory record with namespace {space}, kind {kind} and id {id}",
        "load the memory record {id} of kind {kind} in namespace {space} and read {what}",
        "use {what} of the {kind} record {id} in memory namespace {space}",
    ),
    held=(
        "find {what} in the memory namespace {space} under kind {kind}, id {id}",
        "consult memory (namespace {space}, kind {kind}, id {id}) for {what}",
        "pull {what} out of the {space} memory, kind {kind}, id {id}",
        "let the memory store tell {what}: namespace {space}, kind {kind}, id {id}",
        "obtain {what} from {kind} record {id} of the {space} namespace in memory",
    ),
)
RECORD = Pool(
    train=(
        "look for the memory record {id} (namespace {space}, kind {kind})",
        "get the memory record with namespace {space}, kind {kind} and id {id}",
        "read the {kind} record {id} from memory namespace {space}",
        "look in the memory store at namespace {space}, kind {kind}, id {id}",
        "memory get {space} {kind} {id}",
        "load the memory record {kind} {id} of namespace {space}",
        "look up namespace {space}, kind {kind}, id {id} in memory",
        "fetch record {id} of kind {kind} from the memory namespace {space}",
    ),
    held=(
        "search the {space} memory for kind {kind}, id {id}",
        "consult memory under namespace {space}, kind {kind}, id {id}",
        "see what memory namespace {space} has for {kind} {id}",
        "ask the memory store for kind {kind}, id {id} of namespace {space}",
        "pull record {id}, kind {kind}, from the namespace {space} of memory",
    ),
)
COUNT = Pool(
    train=(
        "count the memory records of kind {kind} in namespace {space}",
        "list the {kind} records in memory namespace {space} and count them",
        "count how many {kind} records memory has in namespace {space}",
        "get the number of memory records in namespace {space} with kind {kind}",
        "see how many records of kind {kind} are in the memory namespace {space}",
        "memory list {space} {kind}, count the items",
        "find out how many {kind} records the memory namespace {space} holds",
        "count the records in the memory store, namespace {space}, kind {kind}",
    ),
    held=(
        "work out the number of {kind} records kept in memory under {space}",
        "tell how many memory records namespace {space} has for kind {kind}",
        "take a tally of kind {kind} in the {space} memory",
        "determine how many {kind} entries the memory namespace {space} has",
        "do a count of the memory records, kind {kind}, namespace {space}",
    ),
)
PUT = Pool(
    train=(
        "store {what} in memory, namespace {space}, kind {kind}, id {id}",
        "put {what} into the memory store under namespace {space}, kind {kind}, id {id}",
        "save {what} as the memory record {id} (namespace {space}, kind {kind})",
        "remember {what} in memory: namespace {space}, kind {kind}, id {id}",
        "write {what} to memory namespace {space}, kind {kind}, id {id}",
        "memory put {space} {kind} {id}: {what}",
        "keep {what} in memory as record {id} of kind {kind} in namespace {space}",
        "set the memory record with namespace {space}, kind {kind} and id {id} to {what}",
        "in the memory store, namespace {space}, kind {kind}, id {id}, save {what}",
    ),
    held=(
        "place {what} in the {space} memory under kind {kind}, id {id}",
        "let memory keep {what} at namespace {space}, kind {kind}, id {id}",
        "make {what} the {kind} record {id} of memory namespace {space}",
        "have {what} remembered, namespace {space}, kind {kind}, id {id} of the memory store",
        "deposit {what} in memory with namespace {space}, kind {kind}, id {id}",
    ),
)
# The record that was read before.
PUT_THERE = Pool(
    train=(
        "store {what} in that memory record",
        "save {what} back to the same memory record",
        "put {what} in memory there",
        "set that memory record to {what}",
        "remember {what} under the same id",
        "write {what} to that memory record",
    ),
    held=(
        "make {what} the new content of this memory record",
        "keep {what} in that place of the memory",
        "let the memory record be {what} from now on",
    ),
)
TTL = Pool(
    train=(" with a time to live of {n} seconds", ", expiring after {n} seconds", " for {n} seconds"),
    held=(", valid for {n} seconds", " with {n} seconds to live"),
)
APPEND = Pool(
    train=(
        "append {what} to the memory record {id} (namespace {space}, kind {kind})",
        "append {what} in memory to namespace {space}, kind {kind}, id {id}",
        "add {what} as an entry to memory record {id} of kind {kind} in namespace {space}",
        "memory append {space} {kind} {id}: {what}",
        "append {what} to the {kind} record {id} in memory namespace {space}",
        "in the memory store, namespace {space}, kind {kind}, id {id}, append {what}",
        "append an entry to memory namespace {space}, kind {kind}, id {id}: {what}",
        "log {what} by appending it to memory, namespace {space}, kind {kind}, id {id}",
    ),
    held=(
        "add one more entry {what} to the {space} memory record of kind {kind}, id {id}",
        "extend the memory record {id} (kind {kind}, namespace {space}) by the entry {what}",
        "attach {what} at the end of memory record {kind} {id} in namespace {space}",
        "let memory namespace {space}, kind {kind}, id {id} gain the entry {what}",
        "put {what} after the entries of memory record {id}, kind {kind}, namespace {space}",
    ),
)
DELETE = Pool(
    train=(
        "delete the memory record {id} (namespace {space}, kind {kind})",
        "delete namespace {space}, kind {kind}, id {id} from memory",
        "remove the {kind} record {id} from memory namespace {space}",
        "memory delete {space} {kind} {id}",
        "forget the memory record with namespace {space}, kind {kind} and id {id}",
        "in the memory store, delete namespace {space}, kind {kind}, id {id}",
        "remove record {id} of kind {kind} from the memory namespace {space}",
        "drop the memory record {kind} {id} of namespace {space}",
    ),
    held=(
        "erase kind {kind}, id {id} from the {space} memory",
        "get rid of the memory record {id}, kind {kind}, namespace {space}",
        "wipe {kind} {id} out of memory namespace {space}",
        "let memory forget namespace {space}, kind {kind}, id {id}",
        "purge record {id} of kind {kind} in the namespace {space} of memory",
    ),
)
DELETE_IT = Pool(
    train=("delete that record", "delete it from memory", "remove that memory record", "forget that record"),
    held=("erase the record just read", "let memory drop this record"),
)
PRUNE = Pool(
    train=(
        "prune the memory namespace {space}",
        "remove the expired records from memory namespace {space}",
        "prune namespace {space} of the memory store",
        "memory prune {space}",
        "delete what has expired in the memory namespace {space}",
        "clean expired records out of memory namespace {space}",
        "prune expired memory records in namespace {space}",
        "run a memory prune on namespace {space}",
    ),
    held=(
        "purge whatever is expired in memory namespace {space}",
        "rid the {space} memory of its expired records",
        "sweep the memory namespace {space} for expired records",
        "let the memory store prune its namespace {space}",
        "throw out all expired entries of the namespace {space} in memory",
    ),
)
FIELD = Pool(
    train=("{name}", "the {name}", "the remembered {name}", "the stored {name}", "that {name}"),
    held=("the {name} value", "the {name} in memory", "this {name}"),
)
REMEMBERED = Pool(
    train=("the remembered {name}", "the stored {name}", "the {name} from memory"),
    held=("the {name} that memory has", "the {name} kept in memory"),
)
FOUND = Pool(
    train=("such a record", "a record like that", "such a memory record"),
    held=("a matching record", "a record of this kind"),
)
NUMBER = Pool(
    train=("the count", "that count", "the number of records", "that number"),
    held=("this count", "the number found", "the tally"),
)
PRUNED = Pool(
    train=("the number of pruned records", "how many were pruned", "the pruned count"),
    held=("the number of records removed", "how many it removed"),
)
