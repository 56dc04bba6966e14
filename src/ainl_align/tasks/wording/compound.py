"""Conditions beyond one value against one constant. Slots: ``x`` and ``y`` what is compared, ``w`` a word."""

from ainl_align.tasks.wording.pool import Pool

ANY_ROWS = Pool(
    train=(
        "there are any",
        "any such rows were found",
        "at least one such row exists",
        "there is something to report",
        "{x} is not empty",
        "any rows match",
        "there are such rows",
        "the query found any rows",
    ),
    held=(
        "one or more rows came up",
        "{x} holds anything",
        "rows of that kind exist at all",
        "there is at least one of them",
        "the search turned up anything",
    ),
)
NO_ROWS = Pool(
    train=("there are none", "no such rows were found", "{x} is empty", "no rows match", "nothing was found"),
    held=("not one row came up", "rows of that kind do not exist", "the search turned up nothing"),
)
BOTH = Pool(
    train=("{x} and {y}", "{x} and at the same time {y}", "both {x} and {y}", "{x} while {y}"),
    held=("{x} and also {y}", "it is true that {x} and that {y}", "{x} and, besides, {y}"),
)
EITHER = Pool(
    train=("{x} or {y}", "either {x} or {y}", "{x} or else {y}", "{x} or {y} (or both)"),
    held=("at least one of these is true: {x}; {y}", "{x}, or {y}, or both", "it is true that {x} or that {y}"),
)
COMPARE: dict[str, Pool] = {
    "GT": Pool(
        train=(
            "{x} is above {y}",
            "{x} is more than {y}",
            "{x} is greater than {y}",
            "{x} is over {y}",
            "{x} > {y}",
            "{x} beats {y}",
            "{x} is larger than {y}",
        ),
        held=(
            "{x} is the greater one, above {y}",
            "{x} surpasses what {y} is",
            "{x} comes out above {y}",
            "there is more of {x} than of {y}",
        ),
    ),
    "GTE": Pool(
        train=(
            "{x} is at least {y}",
            "{x} is not less than {y}",
            "{x} covers {y}",
            "{x} is {y} or more",
            "{x} >= {y}",
            "{x} reaches {y}",
            "{x} equals or beats {y}",
        ),
        held=(
            "{x} is no lower than {y}",
            "{x} is as high as {y} or higher",
            "{x} is not below {y}",
            "{x} is enough for {y}",
        ),
    ),
    "LT": Pool(
        train=(
            "{x} is below {y}",
            "{x} is less than {y}",
            "{x} is under {y}",
            "{x} is smaller than {y}",
            "{x} < {y}",
            "{x} stays below {y}",
        ),
        held=(
            "{x} does not come up to {y}",
            "{x} is the smaller one, below {y}",
            "{x} comes out below {y}",
            "there is less of {x} than of {y}",
        ),
    ),
    "EQ": Pool(
        ("{x} equals {y}", "{x} is the same as {y}", "{x} and {y} are equal", "{x} matches {y}"),
        ("{x} is identical to {y}", "{x} and {y} agree", "there is no difference between {x} and {y}"),
    ),
    "NEQ": Pool(
        train=(
            "{x} differs from {y}",
            "{x} is not the same as {y}",
            "{x} is not equal to {y}",
            "{x} is different from {y}",
            "{x} is no longer {y}",
            "{x} has another value than {y}",
        ),
        held=(
            "{x} and {y} do not agree",
            "{x} does not match {y}",
            "{x} deviates from {y}",
            "{x} is something else than {y}",
        ),
    ),
}
FOLDED: dict[str, Pool] = {
    "equals": Pool(
        (
            '{x} is "{w}" in any mix of upper and lower case',
            '{x} is "{w}", ignoring case',
            '{x} equals "{w}" regardless of case',
            '{x} (lower-cased) is "{w}"',
            '{x} in lower case equals "{w}"',
        ),
        (
            '{x} reads "{w}", whatever the capitals',
            '{x}, with case left out of account, is "{w}"',
            '{x} is "{w}" when case does not count',
        ),
    ),
    "contains": Pool(
        (
            '{x} contains "{w}" in upper or lower case',
            '{x} contains "{w}", ignoring case',
            '{x} mentions "{w}" regardless of case',
            '{x} (lower-cased) has "{w}" in it',
            '{x} in lower case contains "{w}"',
        ),
        (
            '{x} includes "{w}", whatever the capitals',
            '{x} has "{w}" somewhere when case does not count',
            'the word "{w}" is found in {x}, case left out of account',
        ),
    ),
    "starts": Pool(
        (
            '{x} starts with "{w}", ignoring case',
            '{x} begins with "{w}" regardless of case',
            '{x} in lower case starts with "{w}"',
            '{x} (lower-cased) begins with "{w}"',
        ),
        ('{x} opens with "{w}", whatever the capitals', '{x} has "{w}" at its start when case does not count'),
    ),
    "ends": Pool(
        (
            '{x} ends with "{w}", ignoring case',
            '{x} ends in "{w}" regardless of case',
            '{x} in lower case ends with "{w}"',
            '{x} (lower-cased) ends in "{w}"',
        ),
        ('{x} closes with "{w}", whatever the capitals', '{x} has "{w}" at its end when case does not count'),
    ),
}
TRIMMED = Pool(
    train=(
        '{x} without the blanks around it is "{w}"',
        '{x}, stripped of surrounding blanks, is "{w}"',
        '{x} is "{w}" once leading and trailing blanks are removed',
        '{x} equals "{w}" apart from blanks around it',
        'the stripped form of {x} is "{w}"',
    ),
    held=(
        '{x} reads "{w}" when the blanks at both ends are cut off',
        '{x}, blanks at either end left aside, is "{w}"',
        '{x} is "{w}" save for blanks before or after it',
    ),
)
CLEANED = Pool(
    train=(
        '{x} is "{w}", ignoring case and surrounding blanks',
        '{x}, stripped and lower-cased, is "{w}"',
        '{x} equals "{w}" when case and blanks around it are ignored',
        '{x} without surrounding blanks and in lower case is "{w}"',
    ),
    held=(
        '{x} reads "{w}", whatever the capitals and the blanks at its ends',
        '{x} is "{w}" when neither case nor blanks at the ends count',
        '{x}, cut of blanks at both ends and put in lower case, is "{w}"',
    ),
)
