"""What a half-written program allows next: the context that a grammar cannot hold, kept line by line. No torch.

Labels are defined in the order of reference: every label but the first is referenced before it is defined, or is
already defined and can take one more reference. So all references into a label are known, or checked one by one,
and "defined on every path" is an intersection over known edges.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from ainl_align.language.compiler import ADAPTER_EFFECTS
from ainl_align.language.grammar import SIGNATURES, WEB_INPUTS, Route

_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"|[^ ]+')
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ERROR = "_error"


@dataclass(frozen=True)
class _Edge:
    """A reference from label ``source``; ``defined``: what that label itself has set when control leaves there."""

    source: str
    defined: frozenset[str]
    handler: bool = False


_TRIGGERED = _Edge("", frozenset())
_MOST_TRIGGERS = 8


@dataclass
class _Block:
    """One label that is being written or is finished."""

    entry: frozenset[str]
    """Variables set on every path into it. No path is added while it is written, for that would close a cycle."""
    defined: set[str] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)
    """Variables read before the label itself sets them."""
    effects: set[str] = field(default_factory=set)
    nodes: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """Op of every step, and what the label had set before it."""
    handlers: list[str] = field(default_factory=list)
    retried: set[int] = field(default_factory=set)
    guarded: set[int] = field(default_factory=set)

    def copy(self) -> "_Block":
        return _Block(
            self.entry, set(self.defined), set(self.needs), set(self.effects), list(self.nodes), list(self.handlers),
            set(self.retried), set(self.guarded),
        )  # fmt: skip


@lru_cache(maxsize=256)
def _verbs(effects: frozenset[str] | None) -> tuple[str, ...]:
    return tuple(sorted(v for v in SIGNATURES if effects is None or ADAPTER_EFFECTS[v] in effects))


class ProgramState:
    """The state between two lines of a program.

    It says what the next line may name and do (``Line`` makes grammars of it), ``advance(line)`` accounts for that
    line, ``finished`` says that the program is complete, ``closing()`` is a short rest that completes it from here.
    """

    def __init__(self) -> None:
        self.service = ""
        self.entries: list[str] = []
        """Labels that triggers start, in the order of their declarations; empty for a plain program."""
        self.routes: list[Route] = []
        self.result: str | None = None
        self.current: str | None = None
        self.variables: set[str] = set()
        self.words: set[str] = set()
        self.blocks: dict[str, _Block] = {}
        self.edges: dict[str, list[_Edge]] = {}
        self.allowed: dict[str, frozenset[str]] = {}
        """Effect kinds that a handler label may have; labels that are no handlers are absent."""
        self.idle = 0
        """How many steps up to here each repeated the one before, or set its variable anew without reading it."""
        self._last: list[str] = []

    def copy(self) -> "ProgramState":
        """An independent copy, for looking ahead."""
        twin = ProgramState()
        twin.__dict__.update(self.__dict__)
        twin.entries, twin.routes = list(self.entries), list(self.routes)
        twin.variables, twin.words = set(self.variables), set(self.words)
        twin.blocks = dict(self.blocks)
        if self.current is not None:
            twin.blocks[self.current] = self.blocks[self.current].copy()
        twin.edges = {label: list(edges) for label, edges in self.edges.items()}
        twin.allowed = dict(self.allowed)
        return twin

    @property
    def pending(self) -> list[str]:
        """Triggered or referenced labels without a definition, in the order of their first mention."""
        return [label for label in self.edges if label not in self.blocks]

    @property
    def finished(self) -> bool:
        """Whether the program is complete, so that the end of the text is the only continuation."""
        return bool(self.blocks) and self.current is None and not self.pending

    @property
    def declared(self) -> bool:
        """Whether labels may follow: a plain program declares no trigger, others at least one."""
        return self.service == "plain" or bool(self.entries)

    # ---- what may come next

    @property
    def declaring(self) -> str:
        """The service whose trigger may be declared in the next line: "cron", "web" or ""."""
        more = self.service != "plain" and not self.blocks and len(self.entries) < _MOST_TRIGGERS
        return self.service if more else ""

    @property
    def verbs_follow(self) -> bool:
        """Whether an R step can follow any label that may come next."""
        return all(_verbs(self.allowed.get(label)) for label in self.pending)

    @property
    def _block(self) -> _Block:
        assert self.current is not None
        return self.blocks[self.current]

    @property
    def effects(self) -> frozenset[str] | None:
        """Effect kinds that this label may have; None: any."""
        assert self.current is not None
        return self.allowed.get(self.current)

    @property
    def answers(self) -> bool:
        """Whether this label is an endpoint's, which returns the endpoint's variable."""
        return self.service == "web" and self.current in self.entries

    @property
    def can_return(self) -> bool:
        """Whether this label may end with J."""
        return not self.answers or self.result in self._block.defined

    def readable(self) -> tuple[str, ...]:
        """Variables that a step may read here."""
        return tuple(sorted(self._block.entry | self._block.defined))

    def verbs(self) -> tuple[str, ...]:
        """Verbs that this label may use."""
        return _verbs(self.effects)

    def inputs(self) -> tuple[str, ...]:
        """Frame inputs that a Set step may take over here."""
        block = self._block
        first = all(op == "input" for op, _ in block.nodes)
        return tuple(n for n in WEB_INPUTS if n not in block.defined) if self.answers and first else ()

    def retryable(self) -> tuple[str, ...]:
        """Numbers of the steps that Retry may name."""
        return self._steps(("R", "Call"), self._block.retried)

    def guardable(self) -> tuple[str, ...]:
        """Numbers of the steps that Err may name."""
        return self._steps(("R",), self._block.guarded)

    def _steps(self, ops: tuple[str, ...], done: set[int]) -> tuple[str, ...]:
        return tuple(str(n) for n, (op, _) in enumerate(self._block.nodes, 1) if op in ops and n not in done)

    def taken(self) -> set[str]:
        """Texts that no new variable may be named like."""
        return self.words | set(WEB_INPUTS if self.service == "web" else ())

    def spelled(self) -> set[str]:
        """Variables and inputs that no text may be spelled like."""
        return self.variables | set(WEB_INPUTS if self.service == "web" else ())

    def _entry_set(self, label: str, extra: tuple[str, _Edge] | None = None) -> frozenset[str]:
        """Variables set on every path into ``label``, with one more edge taken into account."""
        edges = list(self.edges.get(label, ()))
        if extra is not None and extra[0] == label:
            edges.append(extra[1])
        sets = [
            self._entry_set(edge.source, extra) | edge.defined | ({_ERROR} if edge.handler else frozenset())
            for edge in edges
        ]
        return frozenset.intersection(*sets) if sets else frozenset()

    def _below(self, label: str) -> set[str]:
        """``label`` and every label that control can reach from it."""
        seen: set[str] = set()
        stack = [label]
        while stack:
            here = stack.pop()
            if here not in seen:
                seen.add(here)
                stack += [target for target, edges in self.edges.items() if any(e.source == here for e in edges)]
        return seen

    def _forbidden(self, edge: _Edge) -> tuple[str, ...]:
        """Labels that cannot take ``edge``: those of triggers, and those begun where it would close a cycle or leave a
        read undefined."""
        begun = {label for label in self.blocks if not self._can_take(label, edge)}
        return tuple(sorted(begun.union(self.entries)))

    def _can_take(self, label: str, edge: _Edge) -> bool:
        below = self._below(label)
        if edge.source in below:
            return False
        return all(self.blocks[b].needs <= self._entry_set(b, (label, edge)) for b in below if b in self.blocks)

    def forbidden_labels(self) -> tuple[str, ...]:
        """Labels that an If or a Call here cannot name."""
        assert self.current is not None
        return self._forbidden(_Edge(self.current, frozenset(self._block.defined)))

    def forbidden_handlers(self, step: int) -> tuple[str, ...]:
        """Labels that an Err here cannot name for the step of that number (from 1)."""
        assert self.current is not None
        block = self._block
        edge = _Edge(self.current, block.nodes[step - 1][1], handler=True)
        own = block.effects | {"meta"}
        return tuple(
            sorted({b for b in self.blocks if not self.blocks[b].effects <= own} | set(self._forbidden(edge)))
        )  # fmt: skip

    # ---- what a line changes

    def advance(self, line: str) -> None:
        """Account for one line (without its line end) that its grammar accepts."""
        words = _WORDS.findall(line)
        self.idle = self.idle + 1 if line.startswith(" ") and _repeats(words, self._last) else 0
        self._last = words
        if not line.startswith(" "):
            self._declare(words)
        else:
            self._step(words)

    def _declare(self, words: list[str]) -> None:
        if words[0] == "S":
            self.service = "plain" if words[1] == "app" else words[2]
        elif words[0] == "Cr":
            self._start(words[1])
        elif words[0] == "E":
            self._start(words[3][2:])
            self.routes.append((words[1], words[2]))
            self.result = words[4][2:]
            self.variables.add(self.result)
        else:
            self.current = words[0][:-1]
            self.blocks[self.current] = _Block(self._entry_set(self.current))

    def _start(self, label: str) -> None:
        self.entries.append(label)
        self._refer(label, _TRIGGERED)

    def _step(self, words: list[str]) -> None:
        assert self.current is not None
        label, block = self.current, self.blocks[self.current]
        op, operands = words[0], words[1:]
        before = frozenset(block.defined)
        if op == "Set" and operands[1].startswith("$"):
            op = "input"
        block.nodes.append((op, before))
        if op == "R":
            self._read(block, operands[1:-1])
            block.effects.add(ADAPTER_EFFECTS[operands[0]])
            self._write(block, operands[-1][2:])
        elif op in ("Set", "input"):
            if op == "Set":
                self._read(block, operands[1:])
            self._write(block, operands[0])
        elif op == "Call":
            block.effects.add("call")
            self._refer(operands[0], _Edge(label, before))
            self._write(block, operands[1][2:])
        elif op == "Retry":
            block.effects.add("control")
            block.retried.add(int(operands[0][2:]))
        elif op == "Err":
            block.effects.add("meta")
            number = int(operands[0][2:])
            block.guarded.add(number)
            block.handlers.append(operands[1][2:])
            self._refer(operands[1][2:], _Edge(label, block.nodes[number - 1][1], handler=True))
        elif op == "If":
            name, _, atom = operands[0].partition("=")
            block.effects.add("control")
            self._read(block, [name])
            if _NAME.fullmatch(atom):
                self.words.add(atom)
            for target in operands[1:]:
                self._refer(target[2:], _Edge(label, before))
            self._end(block)
        else:
            self._read(block, operands)
            self._end(block)

    def _read(self, block: _Block, operands: Iterable[str]) -> None:
        for operand in operands:
            if operand.startswith('"'):
                if _NAME.fullmatch(operand[1:-1]):
                    self.words.add(operand[1:-1])
            elif (operand in self.variables or operand == _ERROR) and operand not in block.defined:
                block.needs.add(operand)

    def _write(self, block: _Block, name: str) -> None:
        block.defined.add(name)
        self.variables.add(name)

    def _refer(self, label: str, edge: _Edge) -> None:
        self.edges.setdefault(label, []).append(edge)

    def _end(self, block: _Block) -> None:
        for handler in block.handlers:
            known = self.allowed.get(handler)
            self.allowed[handler] = frozenset(block.effects) if known is None else known & block.effects
        self.current = None

    # ---- how to stop

    def closing(self) -> str:
        """A short text that completes the program from this line start: every open label returns at once."""
        lines: list[str] = []
        if not self.service:
            return "S app core noop\nL_a:\n  J 0\n"
        triggered, result = list(self.entries), self.result
        if not self.declared:
            triggered = ["L_a"]
            if self.service == "cron":
                lines.append('Cr L_a "* * * * *"')
            else:
                result = "a"
                lines.append("E / G ->L_a ->a")
        body = ["  J 0"]
        answer = body if result is None else [f"  Set {result} 0", f"  J {result}"]
        if self.current is not None:
            answering = self.current in triggered and result is not None
            lines += (answer[1:] if result in self.blocks[self.current].defined else answer) if answering else body
        waiting = self.pending if self.declared and (self.entries or self.blocks) else triggered or ["L_a"]
        for label in waiting:
            if label != self.current:
                lines += [f"{label}:", *(answer if label in triggered else body)]
        return "".join(f"{line}\n" for line in lines)


def _repeats(words: list[str], last: list[str]) -> bool:
    return words == last or (words[0] == "Set" == last[0] and words[1] == last[1] != words[2])


def replay(program: str) -> ProgramState:
    """The state after a canonical program's lines; for tests and tools."""
    state = ProgramState()
    for line in program.splitlines():
        state.advance(line)
    return state
