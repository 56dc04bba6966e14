"""Damages files: the same mutators for every fuzz, seeded, so that a case can be made again."""

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 0.5, 1.5, -0.25, 10**400, float("nan"), float("inf"), 1e308, "", "1.0", "x"),
    *("\ud800", "\u0000", "a/../b", [], [1], {}, {"n": 1}, [[]]),
)
WORDS = (
    *(
        "",
        " ",
        "x",
        "0",
        "-1",
        "1",
        "1e999",
        "nan",
        "inf",
        "none",
        "null",
        "true",
        "٣",
        "½",
        "0x10",
        "1_0",
        "99999999999999999999",
    ),
    *(
        "--",
        "-",
        "--help=x",
        "\u202e",
        "\udcff",
        "a\nb",
        "a b",
        "{}",
        "[]",
        "$(x)",
        "%s",
        "{0}",
        "../../x",
        "/",
        "/dev/null",
        "~",
    ),
    *("/proc/self/mem", "x" * 5000, "\U0001f600", "hf_abcdefghijklmnopqrstuvwxyz", "https://user:secret@host/x"),
)
"""Words of a command line that are no good value of anything, or barely one."""


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) of a JSON value."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes with one to three changes, or cut off."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(changed))
        kind = rng.randrange(4)
        if kind == 0:
            changed[at] = rng.randrange(256)
        elif kind == 1:
            del changed[at : at + rng.randint(1, 200)]
        elif kind == 2:
            changed[at:at] = bytes(rng.choice((b"0", b"-", b"e9", b'"', b"{", b"null", b"NaN", b"\xff")))
        else:
            del changed[at:]
        if not changed:
            break
    return bytes(changed)


def changed(document: Any, rng: random.Random, top: tuple[str, ...] = ()) -> Any:
    """A JSON value with one to three changes of its structure or its values; ``top`` names keys whose members are as
    likely as all others together, as the topmost keys are."""
    document = copy.deepcopy(document)
    for _ in range(rng.randint(1, 3)):
        found = list(places(document))
        if not found:
            break
        upper = [document, *(document[name] for name in top if name in document)] if isinstance(document, dict) else []
        shallow = [place for place in found if any(place[0] is container for container in upper)]
        container, key = rng.choice(shallow if shallow and rng.random() < 0.3 else found)
        kind = rng.randrange(5)
        if kind == 0:
            del container[key]
        elif kind == 1 and isinstance(container, list):
            container.insert(key, copy.deepcopy(container[key]))
        elif kind == 2 and isinstance(container[key], bool):
            container[key] = not container[key]
        elif kind == 3 and isinstance(container[key], int | float):
            step = rng.choice((-1, 1, 0.01, 100))
            container[key] += 1 if abs(container[key]) > 1e300 else step  # a whole number too large for a float
        else:
            container[key] = copy.deepcopy(rng.choice(VALUES))
    return document


def mutated(text: str, rng: random.Random, top: tuple[str, ...] = ("summary",)) -> bytes:
    """A JSON file with one to three changes of its structure, its values, or its bytes."""
    if rng.random() < 0.25:
        return damaged(text.encode(), rng)
    return json.dumps(changed(json.loads(text), rng, top)).encode("utf-8")


def mutated_lines(text: str, rng: random.Random) -> bytes:
    """A JSON-lines file with one line changed, doubled, moved or gone, or with damaged bytes."""
    lines = text.splitlines()
    at = rng.randrange(len(lines))
    kind = rng.randrange(6)
    if kind == 0:
        return damaged(text.encode(), rng)
    if kind == 1:
        lines.insert(rng.randrange(len(lines) + 1), lines[at])
    elif kind == 2:
        del lines[at]
    elif kind == 3:
        lines[at] = rng.choice(("", "[]", "null", "3", '"x"', "{", "\ufeff{}", "{}", '{"id": 1}', "NaN"))
    else:
        lines[at] = json.dumps(changed(json.loads(lines[at]), rng))
    return "\n".join(lines).encode()


def mutated_toml(text: str, rng: random.Random) -> bytes:
    """A TOML file with one to three lines changed, or damaged bytes."""
    if rng.random() < 0.3:
        return damaged(text.encode(), rng)
    lines = text.splitlines()
    keys = [number for number, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    for _ in range(rng.randint(1, 3)):
        at = rng.choice(keys)
        key = lines[at].partition("=")[0].strip() or "x"
        value = rng.choice(
            (
                '""',
                '"x"',
                "-1",
                "0",
                "1",
                "2.5",
                "nan",
                "inf",
                "true",
                "[]",
                "[1]",
                '["x"]',
                "{}",
                "1979-05-27",
                "1e400",
                "",
                "'''",
            )
        )
        lines[at] = rng.choice(
            (f"{key} = {value}", f"{key}{key} = {value}", f"[{key}]", f"{key}.x = {value}", f"{key} =")
        )
    return "\n".join(lines).encode()


def mutated_safetensors(content: bytes, rng: random.Random) -> bytes:
    """A safetensors file with another header length, a changed header, or damaged bytes."""
    size = int.from_bytes(content[:8], "little")
    header, rest = content[8 : 8 + size], content[8 + size :]
    kind = rng.randrange(4)
    if kind == 0:
        return damaged(content, rng)
    if kind == 1:
        wrong = rng.choice((0, 1, size - 1, size + 1, 2**31, 2**63, 2**64 - 1))
        return wrong.to_bytes(8, "little") + header + rest
    if kind == 2:
        header = mutated(header.decode(), rng, ())
    else:
        rest = rest[: rng.randrange(len(rest) + 1)]
    return len(header).to_bytes(8, "little") + header + rest


def mutated_text(text: str, rng: random.Random) -> bytes:
    """A program with lines, words or signs changed, or damaged bytes."""
    if rng.random() < 0.3:
        return damaged(text.encode(), rng)
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(lines))
        words = lines[at].split(" ")
        words[rng.randrange(len(words))] = rng.choice(
            (*WORDS, "->L_main", "->x", '"', "'", "@n9", "J", "If", "E", "include /etc/passwd")
        )
        lines[at] = rng.choice((" ".join(words), lines[at] * 2, "", lines[at][::-1]))
    return "\n".join(lines).encode("utf-8", "surrogateescape")
