"""Where a field stands inside a JSON reply. Slots: ``f`` the field, ``a``, ``b`` and ``c`` objects or lists around it
from the outside in, ``nth`` an ordinal, ``i`` its index."""

from ainl_align.tasks.wording.pool import Pool

GROUPS2 = Pool(
    train=(
        "{f} inside {b} inside {a}",
        "{a}.{b}.{f}",
        "{f} from {b}, which is inside {a}",
        "{f} (under {a}, then {b})",
        "the {f} of {b} in {a}",
        "{a} > {b} > {f}",
        "{f} in {b} in {a}",
        "the field {a}.{b}.{f}",
    ),
    held=(
        "the {f} held by {b} within {a}",
        "{f} (path {a}, {b}, {f})",
        "{f} at {a}/{b}",
        "{f} of the object {b} that {a} holds",
        "{f}, nested as {a}.{b}.{f}",
    ),
)
GROUPS3 = Pool(
    train=(
        "{a}.{b}.{c}.{f}",
        "{f} inside {c} inside {b} inside {a}",
        "the field {a}.{b}.{c}.{f}",
        "{f} (under {a}, then {b}, then {c})",
        "{a} > {b} > {c} > {f}",
        "{f} from {a}.{b}.{c}",
    ),
    held=(
        "{f} at {a}/{b}/{c}",
        "{f} (path {a}, {b}, {c}, {f})",
        "{f}, nested as {a}.{b}.{c}.{f}",
        "the {f} held by {c} within {b} within {a}",
    ),
)
ENTRY = Pool(
    train=(
        "{f} of the {nth} entry in {a}",
        "{a}[{i}].{f}",
        "{f} of the {nth} of its {a}",
        "the {f} of the {nth} element of {a}",
        "{f} in the {nth} object of the list {a}",
        "{f} from the {nth} item of the array {a}",
        "the {nth} entry's {f} in {a}",
        "{a}.{i}.{f} (lists count from 0)",
    ),
    held=(
        "{f} of the entry that is {nth} in {a}",
        "the {f} held by the {nth} member of {a}",
        "{f} at index {i} of {a} (from 0)",
        "the {nth} {f} in the list {a}",
        "{f}, found in the {nth} record of {a}",
    ),
)
GROUP_ENTRY = Pool(
    train=(
        "{f} of the {nth} entry in {b}, a list inside {a}",
        "{a}.{b}[{i}].{f}",
        "{f} of the {nth} element of {a}.{b}",
        "the {f} of the {nth} of the {b} in {a}",
        "{f} from the {nth} item of {b} under {a}",
        "{f} in the {nth} object of the list {a}.{b}",
    ),
    held=(
        "the {f} held by the {nth} member of {b} within {a}",
        "{f} at index {i} of {a}.{b} (from 0)",
        "{f} of the entry that is {nth} in the list {b} of {a}",
        "{f}, found in the {nth} record of {a}/{b}",
    ),
)
ENTRY_GROUP = Pool(
    train=(
        "{f} inside {b} of the {nth} entry in {a}",
        "{a}[{i}].{b}.{f}",
        "the {b}.{f} of the {nth} element of {a}",
        "{f} under {b} in the {nth} item of the list {a}",
        "from the {nth} entry of {a} the {b}.{f}",
        "the {f} in {b} of the {nth} object of {a}",
    ),
    held=(
        "the {f} held by {b} in the {nth} member of {a}",
        "{b}/{f} at index {i} of {a} (from 0)",
        "{b}.{f} of the entry that is {nth} in {a}",
        "{f} of the object {b}, found in the {nth} record of {a}",
    ),
)
TOP = Pool(
    train=(
        "{f} of the {nth} entry (the reply is a list)",
        "[{i}].{f} of the JSON list",
        "the {f} of the {nth} object in the list",
        "{f} of the {nth} element of the returned array",
        "the {nth} entry's {f} (a JSON array comes back)",
    ),
    held=(
        "the {f} held by the {nth} member of the top-level list",
        "{f} at index {i} of the array (from 0)",
        "{f}, found in the {nth} record of the list",
    ),
)
PLAIN = Pool(
    train=(
        "the {nth} entry of the list {a}",
        "{a}[{i}]",
        "the {nth} of its {a}",
        "the {nth} element of the array {a}",
        "the {nth} value in {a}",
        "the {nth} item of {a}",
    ),
    held=(
        "whichever entry is {nth} in {a}",
        "the value at index {i} of {a} (from 0)",
        "the {nth} member of {a}",
    ),
)
NOUN = Pool(("{f}", "the {f}", "that {f}"), ("the {f} value", "this {f}"))
PLAIN_NOUN = Pool(("that element", "the list element"), ("this element", "the element found"))
