"""Computing with values. Slots: ``noun`` (what is changed), ``n`` (the other number), ``old``, ``new``, ``mark``."""

from ainl_align.tasks.wording.pool import Pool

ARITHMETIC = {
    "add": Pool(
        train=(
            "add {n} to {noun}",
            "take {noun} + {n}",
            "compute {noun} plus {n}",
            "add up {noun} and {n}",
            "sum {noun} and {n}",
            "calculate {noun} + {n}",
            "to {noun}, add {n}",
            "make {noun} bigger by {n}",
            "use {noun} plus {n}",
        ),
        held=(
            "increase {noun} by {n}",
            "raise {noun} by {n}",
            "put {n} on top of {noun}",
            "let {noun} grow by {n}",
            "work out what {noun} and {n} make together",
            "bump {noun} up by {n}",
        ),
    ),
    "sub": Pool(
        train=(
            "subtract {n} from {noun}",
            "compute {noun} minus {n}",
            "take {noun} - {n}",
            "calculate {noun} - {n}",
            "make {noun} smaller by {n}",
            "from {noun}, subtract {n}",
            "take {noun} less {n}",
            "use {noun} minus {n}",
        ),
        held=(
            "take {n} away from {noun}",
            "reduce {noun} by {n}",
            "lower {noun} by {n}",
            "deduct {n} from {noun}",
            "let {noun} shrink by {n}",
            "work out what is left of {noun} without {n}",
        ),
    ),
    "mul": Pool(
        train=(
            "multiply {noun} by {n}",
            "calculate {noun} * {n}",
            "take {noun} times {n}",
            "take {n} times {noun}",
            "use {noun} multiplied by {n}",
            "multiply {noun} and {n}",
            "make the product of {noun} and {n}",
            "do {noun} * {n}",
        ),
        held=(
            "compute {noun} times {n}",
            "scale {noun} by the factor {n}",
            "work out {n} times {noun}",
            "form the product {noun} x {n}",
            "blow {noun} up by a factor of {n}",
            "calculate {n} times as much as {noun}",
        ),
    ),
}

# ``mode``: upper or lower.
RECASE = Pool(
    train=(
        "turn {noun} into {mode} case",
        "convert {noun} to {mode} case",
        "make {noun} {mode} case",
        "change {noun} to {mode} case",
        "{mode}-case {noun}",
        "write {noun} in all {mode} case",
        "take {noun} in {mode} case",
        "set {noun} to {mode} case",
        "transform {noun} to {mode} case letters",
        "get {noun} in {mode}-case form",
    ),
    held=(
        "put {noun} in {mode} case",
        "render {noun} in {mode} case",
        "bring {noun} to {mode}-case letters",
        "have {noun} entirely in {mode} case",
        "switch all letters of {noun} to {mode} case",
        "rewrite {noun} with {mode}-case letters only",
        "let {noun} be in {mode} case throughout",
    ),
)
STRIP = Pool(
    train=(
        "strip leading and trailing blanks from {noun}",
        "trim {noun}",
        "strip {noun}",
        "trim the blanks at both ends of {noun}",
        "strip the spaces at the start and end of {noun}",
        "remove leading and trailing spaces of {noun}",
        "trim {noun} on both sides",
        "take {noun} without leading and trailing blanks",
        "delete the blanks before and after {noun}",
    ),
    held=(
        "remove the blanks around {noun}",
        "cut the spaces off both ends of {noun}",
        "clean {noun} of surrounding blanks",
        "drop the outer spaces of {noun}",
        "get rid of the spaces at the edges of {noun}",
        "tidy {noun} so that no blank leads or trails",
    ),
)
REPLACE = Pool(
    train=(
        'replace every "{old}" in {noun} with "{new}"',
        'replace "{old}" by "{new}" in {noun}',
        'change all "{old}" in {noun} to "{new}"',
        'in {noun}, replace "{old}" with "{new}"',
        'turn each "{old}" in {noun} into "{new}"',
        'replace "{old}" -> "{new}" everywhere in {noun}',
        'put "{new}" for every "{old}" in {noun}',
        'have "{old}" replaced with "{new}" in {noun}',
        'change {noun}: all "{old}" become "{new}"',
        'write "{new}" instead of "{old}" in all of {noun}',
    ),
    held=(
        'swap each "{old}" in {noun} for "{new}"',
        'exchange "{old}" for "{new}" throughout {noun}',
        'substitute "{new}" for any "{old}" that {noun} has',
        'let every "{old}" of {noun} be "{new}" instead',
        'rewrite {noun} with "{new}" wherever it says "{old}"',
        'wherever {noun} has "{old}", make it "{new}"',
        'convert occurrences of "{old}" to "{new}" inside {noun}',
    ),
)

COUNT_ENTRIES = Pool(
    train=(
        "count the entries of {noun}",
        "get the length of {noun}",
        "count {noun}",
        "count how many entries {noun} has",
        "take the number of entries in {noun}",
        "compute the length of {noun}",
        "find out how many items are in {noun}",
        "count the elements in {noun}",
        "get the size of {noun}",
        "measure how long {noun} is (number of entries)",
    ),
    held=(
        "see how many entries {noun} has",
        "work out how many elements {noun} holds",
        "determine the size of {noun}",
        "tally the entries in {noun}",
        "establish the number of items of {noun}",
        "look at how many things {noun} is made of",
        "figure out the length of {noun}",
    ),
)
JOIN = Pool(
    train=(
        'join the entries of {noun} with "{mark}"',
        'join {noun} with "{mark}"',
        'make one text of {noun} with "{mark}" between the entries',
        'turn {noun} into text, separated by "{mark}"',
        'join {noun} to one text, separator "{mark}"',
        'write the entries of {noun} one after the other with "{mark}" between',
        'combine {noun} into one string with "{mark}" as separator',
        'concatenate the entries of {noun}, separated with "{mark}"',
        'use "{mark}" to join all entries of {noun}',
        'build a "{mark}"-separated text from {noun}',
    ),
    held=(
        'put the entries of {noun} in one line with "{mark}" between them',
        'string the entries in {noun} together using "{mark}"',
        'glue {noun} into a single text by "{mark}"',
        'merge what {noun} holds to one line, parted by "{mark}"',
        'chain all elements of {noun} with "{mark}" from one to the next',
        'flatten {noun} to a line where "{mark}" stands between neighbours',
        'link up the items of {noun}, each followed by "{mark}" except the last',
    ),
)
