"""Failures in words: how a call fails, and what is done then.

Slots: ``outcome`` (what to do), ``fail`` (a clause), ``thing`` (what is tried). A phrase of a ``LAST`` pool says that
nothing follows; one of an ``ONE`` pool is for a single clause, as its scope would not be plain for more.
"""

from ainl_align.tasks.wording.pool import Pool

FAILS: dict[str, Pool] = {
    "http.GET": Pool(
        ("the request fails", "the GET fails", "the fetch fails", "the URL cannot be fetched"),
        ("the GET does not succeed", "fetching goes wrong", "the HTTP request breaks", "the URL gives an error"),
    ),
    "http.POST": Pool(
        ("the POST fails", "the POST request fails", "posting fails", "the POST does not go through"),
        ("the POST does not succeed", "the POST call goes wrong", "the POST gives an error"),
    ),
    "http.PUT": Pool(
        ("the PUT fails", "the PUT request fails", "the PUT does not go through"),
        ("the PUT does not succeed", "the PUT call goes wrong", "the PUT gives an error"),
    ),
    "http.DELETE": Pool(
        ("the DELETE fails", "the DELETE request fails", "the DELETE does not go through"),
        ("the DELETE does not succeed", "the DELETE call goes wrong", "the DELETE gives an error"),
    ),
    "fs.READ": Pool(
        ("the file cannot be read", "reading the file fails", "the read fails", "the file is not readable"),
        ("reading it is not possible", "the file refuses to be read", "the read does not succeed"),
    ),
    "fs.WRITE": Pool(
        ("the file cannot be written", "writing the file fails", "the write fails", "saving fails"),
        ("writing it is not possible", "saving the file goes wrong", "the write does not succeed"),
    ),
    "fs.DELETE": Pool(
        ("the file cannot be deleted", "deleting the file fails", "the deletion fails"),
        ("deleting it is not possible", "the deletion does not succeed"),
    ),
    "sqlite.QUERY": Pool(
        ("the query fails", "the database query fails", "the database cannot be read", "the SQL query fails"),
        ("the query does not succeed", "querying goes wrong", "the SELECT gives an error"),
    ),
    "sqlite.EXECUTE": Pool(
        ("the database write fails", "the SQL statement fails", "the database cannot be changed"),
        ("the SQL statement does not succeed", "the change in the database goes wrong"),
    ),
    "queue.PUT": Pool(
        ("the queue call fails", "queueing fails", "the queue put fails", "it cannot be queued"),
        ("queueing does not succeed", "the queue gives an error", "handing it over goes wrong"),
    ),
    "cache.SET": Pool(
        ("the cache write fails", "caching fails", "the cache cannot be written"),
        ("the cache write does not succeed", "storing it in the cache goes wrong"),
    ),
    "cache.GET": Pool(
        ("the cache read fails", "the cache cannot be read"),
        ("the cache read does not succeed", "reading the cache goes wrong"),
    ),
    "db.G": Pool(
        ("the db read fails", "the db cannot be read", "reading from the db fails", "the db is not reachable"),
        ("the db read does not succeed", "the db gives an error", "the look into the db breaks"),
    ),
    "db.F": Pool(
        ("the db read fails", "the db cannot be read", "reading from the db fails", "the db is not reachable"),
        ("the db read does not succeed", "the db gives an error", "the look into the db breaks"),
    ),
    "db.C": Pool(
        (
            "the db write fails",
            "creating the record fails",
            "the record cannot be created",
            "the db does not take the record",
        ),
        ("the db write does not succeed", "the new record gives an error", "creating it goes wrong"),
    ),
    "api.G": Pool(
        ("the api call fails", "the api read fails", "the api cannot be reached", "the api does not answer"),
        ("the api read does not succeed", "the api gives an error", "asking the api goes wrong"),
    ),
    "api.P": Pool(
        ("the api call fails", "the api post fails", "the post to the api fails", "the api does not take it"),
        ("the api post does not succeed", "the api gives an error", "posting to the api goes wrong"),
    ),
    "ext.EXEC": Pool(
        (
            "the command cannot be started",
            "starting the command fails",
            "the command does not start",
            "the command is not there to run",
        ),
        (
            "the command will not start",
            "no start of the command is possible",
            "the start of the command gives an error",
        ),
    ),
    "ext.OP": Pool(
        ("the ext operation fails", "the operation fails", "that ext operation cannot be called", "the ext call fails"),
        ("the ext operation does not succeed", "the ext operation gives an error", "the operation goes wrong"),
    ),
    "memory.GET": Pool(
        (
            "the memory read fails",
            "memory cannot be read",
            "reading from memory fails",
            "the memory store is not reachable",
        ),
        ("the memory read does not succeed", "the memory store gives an error", "the look into memory breaks"),
    ),
    "memory.LIST": Pool(
        (
            "the memory read fails",
            "memory cannot be read",
            "reading from memory fails",
            "the memory store is not reachable",
        ),
        ("the memory read does not succeed", "the memory store gives an error", "the look into memory breaks"),
    ),
    "memory.PUT": Pool(
        (
            "the memory write fails",
            "memory cannot be written",
            "storing it in memory fails",
            "the memory store does not take it",
        ),
        ("the memory write does not succeed", "writing to memory gives an error", "keeping it in memory goes wrong"),
    ),
    "memory.APPEND": Pool(
        (
            "the memory append fails",
            "appending to memory fails",
            "the entry cannot be appended",
            "the memory write fails",
        ),
        ("the memory append does not succeed", "appending gives an error", "the append to memory goes wrong"),
    ),
    "other": Pool(
        ("the call fails", "that call fails", "this step fails", "the step goes wrong"),
        ("that does not succeed", "the call gives an error", "this does not work out"),
    ),
    "several": Pool(
        ("one of these calls fails", "any of these steps fails", "any of these calls fails", "one of them fails"),
        ("any one of these goes wrong", "one or the other of these steps gives an error"),
    ),
    "last": Pool(
        ("that last step fails", "this last call fails", "the last of these steps fails"),
        ("the last thing does not succeed", "the step named last gives an error"),
    ),
}

THINGS: dict[str, Pool] = {
    "http.GET": Pool(("the request", "the fetch", "the GET"), ("the GET request", "the download")),
    "http.POST": Pool(("the POST", "the POST request"), ("the POST call",)),
    "http.PUT": Pool(("the PUT", "the PUT request"), ("the PUT call",)),
    "http.DELETE": Pool(("the DELETE", "the DELETE request"), ("the DELETE call",)),
    "fs.READ": Pool(("the file read", "reading the file"), ("the read",)),
    "fs.WRITE": Pool(("the file write", "writing the file"), ("the write",)),
    "fs.DELETE": Pool(("the deletion", "deleting the file"), ("the file deletion",)),
    "sqlite.QUERY": Pool(("the query", "the database query"), ("the SELECT",)),
    "sqlite.EXECUTE": Pool(("the database write", "the SQL statement"), ("the change in the database",)),
    "queue.PUT": Pool(("the queue call", "the queue put"), ("the handover to the queue",)),
    "cache.SET": Pool(("the cache write",), ("the storing in the cache",)),
    "cache.GET": Pool(("the cache read",), ("the look into the cache",)),
    "db.G": Pool(("the db read", "reading the db"), ("the look into the db",)),
    "db.F": Pool(("the db read", "reading the db"), ("the look into the db",)),
    "db.C": Pool(("the db write", "creating the record"), ("the creation of the record",)),
    "api.G": Pool(("the api call", "the api read"), ("the request to the api",)),
    "api.P": Pool(("the api post", "the api call"), ("the post to the api",)),
    "ext.EXEC": Pool(("starting the command", "the start of the command"), ("getting the command started",)),
    "ext.OP": Pool(("the ext operation", "the operation"), ("the call of the ext operation",)),
    "memory.GET": Pool(("the memory read", "reading memory"), ("the look into memory",)),
    "memory.LIST": Pool(("the memory read", "reading memory"), ("the look into memory",)),
    "memory.PUT": Pool(("the memory write", "writing to memory"), ("the storing in memory",)),
    "memory.APPEND": Pool(("the memory append", "the append"), ("appending to memory",)),
    "other": Pool(("the call", "that call", "this step"), ("that step", "this call")),
    "several": Pool(("any of these calls", "any of these steps"), ("any one call among these",)),
    "last": Pool(("that last step", "the last of these steps"), ("the step named last",)),
}

HANDLER = Pool(
    train=(
        "if {fail}, {outcome} instead",
        "if {fail}, only {outcome}",
        "on failure, {outcome} instead",
        "on error, just {outcome}",
        "should it fail, {outcome} instead",
        "in case {fail}, {outcome} instead",
        "if {fail}, do this instead: {outcome}",
        "{fail}? then {outcome} instead",
        "catch errors of {thing}: {outcome} instead",
        "if {fail}, do not crash, {outcome} instead",
        "if anything goes wrong with {thing}, {outcome} instead",
        "a failure of {thing} must not stop the program with an error: {outcome} instead",
        "fallback if {fail}: {outcome}",
        "if there is an error, {outcome} in place of that",
    ),
    held=(
        "when {fail}, {outcome} rather than that",
        "plan B when {fail}: {outcome}",
        "when {fail}, the one thing to do is: {outcome}",
        "should {thing} break, simply {outcome}",
        "handle an error of {thing} like so: {outcome}",
        "in the event that {fail}, {outcome} as a substitute",
        "when an error comes up, {outcome} as the way out",
        "as a fallback for when {fail}: {outcome}",
    ),
)

HANDLER_ONE = Pool(
    train=("{outcome} instead if {fail}", "{outcome} if {fail}", "{outcome} on failure", "{outcome} in case {fail}"),
    held=("{outcome} whenever {fail}", "{outcome} when {thing} breaks", "{outcome} as a fallback when {fail}"),
)

HANDLER_LAST = Pool(
    train=(
        "if {fail}, {outcome} and stop",
        "if {fail}, skip everything else and {outcome}",
        "if {fail}, {outcome} and go no further",
        "on failure, {outcome} and stop there",
        "should it fail, {outcome} and end",
        "in case {fail}, {outcome} and do nothing more",
        "if {fail}, skip the rest and only {outcome}",
        "on error: {outcome}, then stop",
        "{fail}? then {outcome} and stop",
        "error handling: if {fail}, {outcome} and end the run",
        "if there is an error, {outcome} and skip what follows",
    ),
    held=(
        "when {fail}, {outcome} and stop",
        "when {fail}, leave out the rest and {outcome}",
        "should {thing} break, {outcome} and finish there",
        "in the event that {fail}, {outcome} and be done",
        "handle an error of {thing} like so: {outcome}, then end",
        "when an error comes up, {outcome} and leave it at that",
        "when {fail}, {outcome} instead of going on",
    ),
)

EXHAUSTED = Pool(
    train=(
        "if it still fails after that, {outcome}",
        "if all attempts fail, {outcome}",
        "if every retry fails too, {outcome}",
        "if none of the attempts work, {outcome}",
        "if that does not help, {outcome}",
        "after the last failed retry, {outcome}",
        "if it keeps failing, {outcome} instead",
        "once the retries are used up, {outcome}",
        "if the last retry fails as well, {outcome} instead",
        "still no success? then {outcome}",
        "when the retries run out, {outcome}",
        "if it is not working even then, {outcome} instead",
        "if there is no success in the end, {outcome}",
        "on final failure, {outcome}",
        "if it fails for good, {outcome}",
    ),
    held=(
        "when no attempt works, {outcome}",
        "when even the last try is in vain, {outcome}",
        "with all retries exhausted, {outcome}",
        "should it never succeed, {outcome}",
        "when all of the tries went wrong, {outcome} instead",
        "after running out of attempts, {outcome}",
        "when it ultimately fails, {outcome}",
        "in the end still an error? then {outcome}",
        "when nothing of this helps, {outcome}",
    ),
)

EXHAUSTED_LAST = Pool(
    train=(
        "if it still fails after that, {outcome} and stop",
        "if all attempts fail, {outcome} and stop there",
        "if every retry fails too, {outcome} and end",
        "if none of the attempts work, skip the rest and {outcome}",
        "if it keeps failing, {outcome} and go no further",
        "once the retries are used up, {outcome} and stop",
        "on final failure, {outcome} and do nothing more",
        "if it fails for good, skip everything else and {outcome}",
        "still no success? then {outcome} and stop",
    ),
    held=(
        "when no attempt works, {outcome} and stop",
        "with all retries exhausted, {outcome} and finish there",
        "should it never succeed, {outcome} and leave it at that",
        "when even the last try is in vain, leave out the rest and {outcome}",
        "when it ultimately fails, {outcome} and be done",
        "after running out of attempts, {outcome} instead of going on",
    ),
)

SUCCESS = Pool(
    train=(
        "after a success, ",
        "on success, ",
        "when it worked, ",
        "if it works, ",
        "once that has worked, ",
        "if all goes well, ",
        "when it goes through, ",
        "if there is no error, ",
        "on a good run, ",
    ),
    held=(
        "once it succeeds, ",
        "given success, ",
        "if nothing fails, ",
        "in case of success, ",
        "provided that it worked, ",
        "with that done without error, ",
    ),
)
