"""Builds gold programs in one style: declarations first, L_main first, handlers last, short variable names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_NUMERIC = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Var(str):
    """The name of a variable, as an operand; a plain ``str`` is a literal."""

    __slots__ = ()


Operand = Var | str | int | float | bool


def quote(text: str) -> str:
    """A text literal as AINL writes it."""
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def _operand(value: Operand) -> str:
    if isinstance(value, Var):
        return str(value)
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


@dataclass
class Block:
    """One label under construction. Names are new along the chain of parents, so that no path reuses one by chance."""

    program: "Program"
    name: str
    parent: "Block | None"
    lines: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    targets: list["Block"] = field(default_factory=list)
    handlers: list["Block"] = field(default_factory=list)

    def child(self, name: str) -> "Block":
        """A new label below this one; ``name`` gets a number when it is taken."""
        return self.program.block(name, self)

    def new_name(self, wanted: str) -> Var:
        """``wanted``, or ``wanted2`` and so on when a value of that name is already live here."""
        live = set(self._live())
        name, number = wanted, 1
        while name in live:
            number += 1
            name = f"{wanted}{number}"
        self.names.add(name)
        return Var(name)

    def _live(self) -> Iterator[str]:
        block: Block | None = self
        while block is not None:
            yield from block.names
            block = block.parent

    def _step(self, line: str, *operands: Operand) -> int:
        self.program.literals.update(o for o in operands if isinstance(o, str) and not isinstance(o, Var))
        self.lines.append(line)
        return len(self.lines)

    def call_verb(self, verb: str, *operands: Operand, out: str, reuse: bool = False) -> Var:
        """Add ``R verb operands ->out``; ``reuse`` overwrites a value that nobody needs (results of writes)."""
        if reuse:
            self.names.add(out)
        name = Var(out) if reuse else self.new_name(out)
        self.program.variables.add(name)
        self._step(f"R {verb} {' '.join(map(_operand, operands))} ->{name}", *operands)
        return name

    @property
    def last(self) -> int:
        """The number K of the newest step, for ``@nK``."""
        return len(self.lines)

    def set_var(self, name: str, value: str) -> Var:
        """Add ``Set name value`` with ``value`` as AINL text (``$body`` or a quoted literal)."""
        self.names.add(name)
        self.program.variables.add(name)
        if value.startswith('"'):
            self.program.literals.add(value[1:-1])
        self._step(f"Set {name} {value}")
        return Var(name)

    def retry(self, step: int, times: int, wait_ms: int, strategy: str) -> None:
        """Add ``Retry @nSTEP``: ``times`` further attempts, ``strategy`` fixed or exponential."""
        self._step(f"Retry @n{step} {times} {wait_ms} {strategy}")

    def on_error(self, step: int, handler: "Block") -> None:
        """Add ``Err @nSTEP ->handler``."""
        self.handlers.append(handler)
        self._step(f"Err @n{step} ->{handler.name}")

    def call(self, block: "Block", out: str = "out") -> Var:
        """Add ``Call block ->out``."""
        self.targets.append(block)
        self.names.add(out)
        self.program.variables.add(out)
        self._step(f"Call {block.name} ->{out}")
        return Var(out)

    def branch(self, condition: Var, yes: "Block", no: "Block") -> None:
        """End the label with a two-way If."""
        self.targets += [yes, no]
        self._step(f"If {condition} ->{yes.name} ->{no.name}")

    def end(self, value: Operand) -> None:
        """End the label with J."""
        self._step(f"J {_operand(value)}", value)


class Program:
    """A whole program; ``render`` gives its text."""

    def __init__(self, *declarations: str) -> None:
        self.declarations = list(declarations)
        self.blocks: list[Block] = []
        self.variables: set[str] = set()
        self.literals: set[str] = set()
        self._names: set[str] = set()

    def block(self, name: str, parent: Block | None = None) -> Block:
        """A new label ``L_name``, numbered when the name is taken."""
        label, number = f"L_{name}", 1
        while label in self._names:
            number += 1
            label = f"L_{name}{number}"
        self._names.add(label)
        block = Block(self, label, parent)
        self.blocks.append(block)
        return block

    def render(self) -> str:
        """The text: labels in the order in which control meets them, error handlers after the rest.

        Raises ValueError for a literal that the runtime would read as a variable, a number or a constant.
        """
        for text in self.literals:
            if text in self.variables or text in {"true", "false", "null"} or _NUMERIC.fullmatch(text):
                raise ValueError(f"literal {text!r} would not stay text at run time")
            if text.startswith(("$", "_")):
                raise ValueError(f"literal {text!r} starts with a character that the runtime interprets")
        lines = list(self.declarations)
        for block in self._ordered():
            lines.append(f"{block.name}:")
            lines += [f"  {line}" for line in block.lines]
        return "\n".join(lines) + "\n"

    def _ordered(self) -> list[Block]:
        roots = [block for block in self.blocks if block.parent is None]
        seen: list[Block] = []

        def visit(block: Block) -> None:
            if block in seen:
                return
            seen.append(block)
            for target in block.targets + block.handlers:
                visit(target)

        for root in roots:
            visit(root)
        return seen
