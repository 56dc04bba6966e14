"""Defaults, fallbacks and arithmetic. Slots: ``x``, ``y``, ``z`` values, ``d`` the default, ``k`` and ``m`` numbers,
``step`` a whole clause."""

from ainl_align.tasks.wording.pool import Pool

DEFAULT = Pool(
    train=(
        "use {d} when {x} is missing",
        "take {d} if there is no {x}",
        "fall back to {d} where {x} is absent",
        "default to {d} if {x} does not exist",
        "let {d} stand in for a missing value",
        "go on with {d} if nothing is there",
        "assume {d} in case {x} is not set",
        "use {d} in its place when there is none",
    ),
    held=(
        "work with {d} should {x} not be there",
        "put {d} in its place where none exists",
        "let it be {d} when no value is present",
        "treat an absent value as {d}",
        "go by {d} if that cannot be found",
    ),
)
ZERO = Pool(
    train=(
        "treat a missing value as 0",
        "count it as 0 when it is missing",
        "start from 0 if there is none yet",
        "take 0 if there is nothing yet",
        "use 0 when it does not exist",
        "assume 0 in case it is not set",
    ),
    held=("let an absent value be 0", "begin at 0 where none exists", "go by 0 when no value is present"),
)
CAUGHT = Pool(
    train=(
        "{step} (use {d} if that fails)",
        "{step} (on an error take {d} instead)",
        "{step} (if it fails, the value is {d})",
        "{step} (in case of failure go on with {d})",
        "{step} (should this fail, continue with {d})",
        "{step} (errors count as {d})",
        "{step} (when it cannot be had, use {d})",
        "{step} (fallback on failure: {d})",
    ),
    held=(
        "{step} (let a failure yield {d})",
        "{step} (an error here simply means {d})",
        "{step} (whenever that breaks, work with {d})",
        "{step} (not available? then it is {d})",
        "{step} (if this raises an error, put {d} in its place)",
    ),
)
FORMULA: dict[str, Pool] = {
    "scaled": Pool(
        train=(
            "compute {k} times {x} plus {y}",
            "multiply {x} by {k} and add {y}",
            "calculate {x} * {k} + {y}",
            "work out {k} × {x} + {y}",
            "take {x} times {k}, then add {y}",
            "have {x} multiplied by {k}, plus {y}",
            "get {y} plus {k} times {x}",
            "score it as {x} times {k} plus {y}",
        ),
        held=(
            "form the sum of {y} and {k} times {x}",
            "let {x} count {k} times and add {y} to it",
            "weigh {x} with {k} and put {y} on top",
            "find {k}-fold {x} and {y} together",
        ),
    ),
    "scaled_less": Pool(
        train=(
            "compute {k} times {x} minus {y}",
            "multiply {x} by {k} and subtract {y}",
            "calculate {x} * {k} - {y}",
            "take {x} times {k}, then subtract {y}",
            "work out {k} × {x} - {y}",
            "get {k} times {x} less {y}",
        ),
        held=(
            "take {y} away from {k} times {x}",
            "let {x} count {k} times and deduct {y} from it",
            "weigh {x} with {k} and take {y} off it",
            "find what is left of {k}-fold {x} without {y}",
        ),
    ),
    "sum_less": Pool(
        train=(
            "add {x} and {y} and subtract {m}",
            "compute {x} + {y} - {m}",
            "take the sum of {x} and {y}, less {m}",
            "sum {x} and {y}, then take {m} off",
            "add {y} to {x}, then subtract {m}",
            "work out {x} plus {y} minus {m}",
        ),
        held=(
            "put {x} and {y} together and deduct {m}",
            "form {x} plus {y}, reduced by {m}",
            "let {x} and {y} together shrink by {m}",
            "find what {x} and {y} make without {m}",
        ),
    ),
    "sum": Pool(
        train=(
            "add {x} and {y}",
            "compute {x} + {y}",
            "take the sum of {x} and {y}",
            "sum {x} and {y}",
            "total {x} and {y}",
            "work out {x} plus {y}",
            "add {y} to {x}",
        ),
        held=(
            "put {x} and {y} together as one number",
            "form {x} plus {y}",
            "find what {x} and {y} make together",
            "let {x} grow by {y}",
        ),
    ),
    "difference": Pool(
        train=(
            "subtract {y} from {x}",
            "compute {x} - {y}",
            "take {x} minus {y}",
            "work out {x} less {y}",
            "take {y} off {x}",
            "get {x} less {y}",
        ),
        held=(
            "deduct {y} from {x}",
            "form the difference {x} minus {y}",
            "find what is left of {x} without {y}",
            "let {x} shrink by {y}",
        ),
    ),
    "three": Pool(
        train=(
            "compute {k} times {x} plus {y} minus {z}",
            "multiply {x} by {k}, add {y} and subtract {z}",
            "calculate {x} * {k} + {y} - {z}",
            "work out {k} × {x} + {y} - {z}",
            "take {x} times {k}, plus {y}, less {z}",
        ),
        held=(
            "let {x} count {k} times, add {y} to it and deduct {z}",
            "form {k} times {x}, plus {y}, minus {z}",
            "weigh {x} with {k}, put {y} on top and take {z} off",
        ),
    ),
    "line": Pool(
        train=(
            "multiply {x} by {k} and add {m}",
            "compute {x} * {k} + {m}",
            "take {k} times {x} plus {m}",
            "work out {k} × {x}, plus {m}",
            "get {x} times {k} plus {m}",
            "calculate {k} * {x} + {m}",
        ),
        held=(
            "let {x} count {k} times and put {m} on top",
            "form {k} times {x} and raise it by {m}",
            "weigh {x} with {k} and put {m} on it",
        ),
    ),
    "bracket": Pool(
        train=(
            "add {m} to {x} and multiply the sum by {k}",
            "compute ({x} + {m}) * {k}",
            "take {x} plus {m}, all of it times {k}",
            "work out {k} × ({x} + {m})",
            "first add {m} to {x}, then multiply by {k}",
        ),
        held=(
            "raise {x} by {m} first and let that count {k} times",
            "form {k} times the sum of {x} and {m}",
            "let the sum of {x} and {m} count {k} times",
        ),
    ),
    "parts": Pool(
        train=(
            "divide {x} by {k}, whole numbers only (rounded down)",
            "work out how many times {k} fits into {x} as a whole",
            "do an integer division of {x} by {k}",
            "calculate {x} // {k} (integer division)",
            "get {x} divided by {k}, rounded down to a whole number",
        ),
        held=(
            "take the whole part of {x} divided by {k}",
            "let {x} be split by {k} and keep the integer quotient",
            "find how often {k} goes into {x}, as a whole number",
        ),
    ),
}
FORK = Pool(
    train=(
        "{then} (only if {c})",
        "{then} (this step only if {c})",
        "{then} (skip this unless {c})",
        "{then} (but only when {c})",
        "{then} (if {c}; otherwise skip this step)",
    ),
    held=(
        "{then} (a step to be left out unless {c})",
        "{then} (this one only where {c})",
        "{then} (provided that {c}; the rest happens anyway)",
    ),
)
FORMULA_NOUN = Pool(
    ("the result", "the score", "that number", "the computed number"), ("the value so found", "this score")
)
