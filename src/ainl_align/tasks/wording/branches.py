"""Branches in words. ``|`` separates sentences; a line that starts with ``-`` is a row of a small table.

Slots: ``c`` (condition), ``nc`` (its opposite), ``q`` (as a question), ``then``, ``other``. A phrase of a ``ONE`` pool
is for outcomes of one clause, as it would be unclear what the condition covers otherwise.
"""

from ainl_align.tasks.wording.pool import Pool

BOTH = Pool(
    train=(
        "if {c}, {then}; otherwise {other}",
        "if {c}, {then}|otherwise, {other}",
        "if {c} then {then}, else {other}",
        "when {c}, {then}|if not, {other}",
        "in case {c}, {then}|in all other cases, {other}",
        "if {c}: {then}|if not: {other}",
        "check whether {c}|if so, {then}|if not, {other}",
        "see if {c}|if yes, {then}|if no, {other}",
        "{q}?|if so, {then}|if not, {other}",
        "{q}?|yes: {then}|no: {other}",
        "depending on whether {c}: if so, {then}, and if not, {other}",
        "decide by whether {c}:\n- yes: {then}\n- no: {other}",
        "if {c}:\n- true: {then}\n- false: {other}",
        "branch on whether {c}:\n- hit: {then}\n- otherwise: {other}",
        "two cases:\n- {c}: {then}\n- anything else: {other}",
        "unless {c}, {other}; otherwise {then}",
        "provided that {c}, {then}; otherwise {other}",
        "assuming {c}, {then}|otherwise, {other}",
        "where {c}, {then}; where not, {other}",
        "test whether {c}; when it holds, {then}, when it does not, {other}",
        "if {c}, do this: {then}|else: {other}",
        "if {c}, {then}, or else {other}",
    ),
    held=(
        "when {c}, {then}, and when it is not so, {other}",
        "should it be that {c}, {then}|in every other case, {other}",
        "whenever {c}, {then}|failing that, {other}",
        "find out whether {c}|on a yes, {then}|on a no, {other}",
        "{q}?|in that case {then}|in the other case {other}",
        "given that {c}, {then}; given that it is not so, {other}",
        "it depends: when {c}, {then}; when not, {other}",
        "look whether {c}\n- it does hold: {then}\n- it does not: {other}",
        "outcome by case\n- when {c}: {then}\n- every other case: {other}",
        "supposing {c}, {then}; in the opposite case {other}",
        "on condition that {c}, {then}|or else, {other}",
        "whether {c} decides: with a yes {then}, with a no {other}",
    ),
)

BOTH_NOT = Pool(
    train=(
        "if {nc}, {other}; otherwise {then}",
        "if {nc}, {other}|else, {then}",
        "when {nc}, {other}, otherwise {then}",
        "if {nc}: {other}|in any other case: {then}",
    ),
    held=("when {nc}, {other}|when this is not so, {then}", "should it be that {nc}, {other}; failing that, {then}"),
)

BOTH_ONE = Pool(
    train=(
        "{then} if {c}, else {other}",
        "{then} if {c}|otherwise, {other}",
        "{then} when {c}, otherwise {other}",
        "{then} in case {c}, and in any other case {other}",
        "either {then} (if {c}) or {other} (if not)",
        "{other}, unless {c}, in which case {then}",
        "{then}, provided that {c}; otherwise {other}",
    ),
    held=(
        "{then} whenever {c}|failing that, {other}",
        "{other}, except when {c}: then {then}",
        "choose: {then} given that {c}, {other} in the opposite case",
        "{then} given that {c}, or {other} given that it is not so",
    ),
)

ALONE = Pool(
    train=(
        "if {c}, {then}; otherwise do nothing",
        "only if {c}, {then}",
        "if {c}, {then}",
        "when {c}, {then}",
        "in case {c}, {then}",
        "if {c}, {then}|otherwise nothing happens",
        "check whether {c}; if so, {then}",
        "{q}?|if so, {then}|if not, there is nothing to do",
        "{q}?|if yes, {then}",
        "do nothing unless {c}; if that is the case, {then}",
        "if {c}:\n- yes: {then}\n- no: nothing",
        "provided that {c}, {then}",
        "see if {c}|if it is, {then}, else end",
        "unless {c}, stop|otherwise, {then}",
    ),
    held=(
        "do nothing unless {c}; in that case {then}",
        "should it be that {c}, {then}",
        "whenever {c}, {then}; no action in other cases",
        "find out whether {c}; on a yes, {then}",
        "given that {c}, {then}; failing that, no action",
        "on condition that {c}, {then}",
        "{q}?|in that case {then}, in the other case take no action",
        "look whether {c}\n- it does hold: {then}\n- it does not: no action",
    ),
)

ALONE_NOT = Pool(
    train=(
        "if {nc}, do nothing; otherwise {then}",
        "if {nc}, stop|otherwise, {then}",
        "if {nc}, end here|else, {then}",
    ),
    held=("when {nc}, take no action; failing that, {then}", "should it be that {nc}, let it be|else, {then}"),
)

ALONE_ONE = Pool(
    train=(
        "{then}, but only if {c}",
        "{then} when {c}, else do nothing",
        "{then} if {c}",
        "{then} only when {c}",
        "{then} if {c}, otherwise nothing",
        "{then} in case {c}",
    ),
    held=(
        "{then} in case {c}, and in no other case",
        "{then} whenever {c}",
        "{then}, given that {c}",
        "{then} on condition that {c}",
    ),
)

EXCEPT = Pool(
    train=(
        "unless {c}, {other}",
        "if {c}, do nothing; otherwise {other}",
        "if {c}, stop|otherwise, {other}",
        "if {c}, there is nothing to do|if not, {other}",
        "{q}?|if so, do nothing|if not, {other}",
        "when {c}, leave it; else {other}",
    ),
    held=(
        "except when {c}, {other}",
        "whenever {c}, take no action; failing that, {other}",
        "given that {c}, no action is needed|in every other case, {other}",
    ),
)
"""For a branch whose yes does nothing."""

EXCEPT_ONE = Pool(train=("{other} unless {c}", "{other}, but not if {c}"), held=("{other} except when {c}",))

STOP = Pool(
    train=(
        "unless {c}, {other} and stop",
        "check that {c}; if not, {other} and stop",
        "first make sure that {c}; if that is not so, {other} and end",
        "require that {c}; otherwise {other} and stop",
        "only go on if {c}; if not, {other} and stop",
        "verify that {c}, else {other} and go no further",
        "{q}?|if not, {other} and stop",
    ),
    held=(
        "check that {c}; if it is not so, {other} and end there",
        "insist that {c}; failing that, {other} and finish",
        "except when {c}, {other} and leave it at that",
        "it is a condition that {c}; when it is not met, {other} and be done",
    ),
)

STOP_NOT = Pool(
    train=(
        "if {nc}, {other} and stop",
        "if {nc}, {other} and do nothing more",
        "when {nc}, just {other} and end there",
    ),
    held=("should it be that {nc}, {other} and finish", "when {nc}, {other} and leave it at that"),
)

STOP_ONE = Pool(
    train=("{other} and stop unless {c}", "{other} and stop if it is not so that {c}"),
    held=("{other} and finish except when {c}",),
)

WENT_ON = Pool(
    train=("otherwise, ", "if it passes, ", "if so, ", "else, ", "with that given, "),
    held=("in the good case, ", "that being met, ", "with that satisfied, "),
)
"""Leads in what follows a ``STOP``."""

ENOUGH = Pool(
    train=(
        "if {c}, {then} and stop",
        "if {c}, just {then} and stop there",
        "when {c}, {then} and that is it",
        "in case {c}, {then} and end",
        "check whether {c}; if so, {then} and stop",
    ),
    held=(
        "whenever {c}, {then} and finish",
        "should it be that {c}, {then} and be done",
        "find out whether {c}; on a yes, {then} and end there",
    ),
)

ENOUGH_SHORT = Pool(
    train=("if {c}, {then}", "when {c}, {then}", "in case {c}, {then}", "if {c}: {then}", "provided that {c}, {then}"),
    held=("whenever {c}, {then}", "should it be that {c}, {then}", "given that {c}, {then}"),
)

ELSE = Pool(
    train=("otherwise, ", "if not, ", "else, ", "in any other case, "),
    held=("failing that, ", "in the other case, ", "when it is not so, "),
)

GO_ON = Pool(
    train=(
        "do nothing unless {c}",
        "only go on if {c}",
        "stop unless {c}",
        "continue only when {c}",
        "the rest applies only if {c}",
        "unless {c}, stop here",
        "go ahead only in case {c}",
    ),
    held=(
        "stop right there unless {c}",
        "carry on only when {c}",
        "everything further is for the case that {c}",
        "proceed given that {c}, and not in any other case",
    ),
)

GO_ON_NOT = Pool(
    train=("if {nc}, stop", "if {nc}, do nothing", "if {nc}, there is nothing to do and you stop", "end if {nc}"),
    held=("when {nc}, take no action", "should it be that {nc}, finish without any action"),
)

BLOCK = Pool(
    train=("if {c}:", "in case {c}:", "when {c}, do this:"),
    held=("whenever {c}:", "for the case that {c}:"),
)

BLOCK_ELSE = Pool(
    train=("otherwise:", "if not:", "else:"),
    held=("failing that:", "in every other case:"),
)

LADDER = Pool(
    train=(
        "if {c}, {first}; if not, but {c2}, {second}; otherwise {third}",
        "if {c}, {first}|else if {c2}, {second}|else, {third}",
        "three cases:\n- {c}: {first}\n- if not, but {c2}: {second}\n- neither: {third}",
        "check whether {c}; if so, {first}|otherwise, if {c2}, {second}|in all other cases, {third}",
        "when {c}, {first}; when only {c2}, {second}; when neither holds, {third}",
        "if {c} then {first}, elif {c2} then {second}, else {third}",
        "go by the first that applies:\n- {c}: {first}\n- {c2}: {second}\n- none of these: {third}",
    ),
    held=(
        "whenever {c}, {first}|failing that, whenever {c2}, {second}|failing both, {third}",
        "the first fitting line counts\n- {c}: {first}\n- {c2}: {second}\n- no line fits: {third}",
        "should it be that {c}, {first}; should it instead be that {c2}, {second}; in every other case {third}",
        "{q}?|in that case {first}|failing that, when {c2}, {second}, and else {third}",
    ),
)
