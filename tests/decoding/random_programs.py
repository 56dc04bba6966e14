"""Random canonical programs, written without the decoder's grammar: from the conventions, the facts file and the
reference's table of effects alone.

They hold the canonical core that tasks need: every service, up to three triggers, branches, joins, calls, handlers and
retries that nest, every verb of our subset, and texts as requests bring them (URLs, SQL, JSON pieces, sentences,
escapes, accents, emoji). Labels come in any order in which each is mentioned before it is written, all triggers of an
endpoint program answer with one variable, and a trigger's label is started by its trigger alone.

``awkward`` programs have names and words that are runs of few letters, up to the longest that may be: there one is
often the beginning of another, and of what a decoder might remember it by.
"""

import random
from dataclasses import dataclass, field

from ainl_align.language.compiler import ADAPTER_EFFECTS

_VARIABLES = (
    "resp rows val total msg raw obj res flag hits picked stamp js sent kept found outcome joined left_over page "
    "is_late has_room days_open new_total first_hit retry_note was_saved"
).split()
_LABELS = "main work pick fail note send alert quiet store done late again check give_up when_ok fetch_next".split()
_WORDS = (
    "status name price items orders amount city humidity ticket score region queue_depth backlog approved pending "
    "invoice customer sensor humid latest archive shipment billing ops-alerts team_leads eu-west v2.1 2026-01-15 x1"
).split()
_SENTENCES = (
    "service is down: ",
    "please review this, ",
    " new rows since 08:00",
    "total = ",
    "50% off & more!",
    "don't panic (yet)",
    "wert überschritten, bitte prüfen",
    "été à Paris – 20 €",
    "库存不足",
    "заказ отправлен",
    "done ✅ 🎉",
    'she said \\"no\\" twice',
    "first line\\nsecond line",
    "C:\\\\temp\\\\x",
    "a\\tb",
    "{",
    '{\\"name\\":',
    ',\\"qty\\":',
    "}",
    "[",
    "; ",
    " ",
    "#12 is #1",
    "L_main",
    "If x=1",
)
_SQL = (
    "SELECT COUNT(*) AS n FROM {0}",
    "SELECT id, {1} FROM {0} WHERE {1} > 5 ORDER BY {1} DESC LIMIT 3",
    "SELECT group_concat({1}, ', ') AS t FROM (SELECT {1} FROM {0} WHERE kind = 'a' ORDER BY id)",
    "INSERT INTO {0} ({1}, qty) VALUES (?, ?)",
    "UPDATE {0} SET {1} = 'seen' WHERE {1} = 'new'",
    "DELETE FROM {0} WHERE {1} < 10",
)
_CALLS = {
    "num num": "core.ADD core.SUB core.MUL core.DIV core.IDIV core.MIN core.MAX core.GT core.GTE core.LT core.LTE",
    "num num num": "core.CLAMP",
    "part part": "core.CONCAT core.EQ core.NEQ",
    "part part part part": "core.CONCAT",
    "part var part var part var part": "core.CONCAT",
    "var path": "core.GET",
    "var": "core.LEN core.PARSE core.STRINGIFY core.LOWER core.UPPER core.TRIM core.KEYS core.VALUES core.ECHO "
    "core.STR core.INT core.FLOAT core.BOOL core.LSTRIP core.RSTRIP core.STRIP core.ID",
    "json": "core.PARSE",
    "var text": "core.CONTAINS core.STARTSWITH core.ENDSWITH core.SPLIT",
    "text var": "core.JOIN",
    "var text text": "core.REPLACE",
    "var num num": "core.SUBSTR",
    "var num": "core.FILTER_HIGH_SCORE",
    "var var": "core.MERGE",
    "_": "core.NOW core.ISO",
    "num": "core.ISO_TS core.SLEEP",
    "word": "core.ENV db.F fs.LIST",
    "url": "http.GET http.HEAD http.OPTIONS http.DELETE",
    "url var": "http.GET http.POST http.PUT http.PATCH",
    "url text": "http.POST",
    "sql": "sqlite.QUERY sqlite.EXECUTE",
    "sql var": "sqlite.QUERY sqlite.EXECUTE",
    "file": "fs.READ fs.DELETE fs.LIST",
    "file part": "fs.WRITE",
    "word word": "cache.GET ext.EXEC ext.OP ext.RUN",
    "word var": "cache.GET ext.OP db.C db.U db.P",
    "word word part": "cache.SET",
    "word word var count": "cache.SET",
    "word part": "queue.PUT",
    "mail part": "queue.PUT",
    "word count": "db.G db.D",
    "route": "api.G",
    "route var": "api.P api.POST",
    "word word word": "ext.EXEC memory.GET memory.DELETE memory.LIST",
    "space word text var": "memory.PUT memory.APPEND",
    "space word word var count": "memory.PUT",
    "space": "memory.PRUNE memory.LIST",
}
_SHAPES = [(shape.split(), verb) for shape, verbs in _CALLS.items() for verb in verbs.split()]
_FIELD_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MOST_LABELS = 9


@dataclass
class _Pending:
    """A label that was mentioned: what is set on every path to it, and which effects it may have (None: any)."""

    known: set[str]
    effects: set[str] | None = None


@dataclass
class _Written:
    """A finished label that leads nowhere, so that more labels may lead to it."""

    needs: set[str]
    effects: set[str]


@dataclass
class _Block:
    known: set[str]
    lines: list[str] = field(default_factory=list)
    ops: list[tuple[str, set[str]]] = field(default_factory=list)
    """Op of each step, and what was set before it."""
    effects: set[str] = field(default_factory=set)
    needs: set[str] = field(default_factory=set)
    handlers: list[str] = field(default_factory=list)
    marked: set[tuple[str, int]] = field(default_factory=set)
    leads: bool = False


class _Writer:
    def __init__(self, rng: random.Random, awkward: bool) -> None:
        self.rng = rng
        self.awkward = awkward
        self.pending: dict[str, _Pending] = {}
        self.leaves: dict[str, _Written] = {}
        self.labels: set[str] = set()
        self.roots: set[str] = set()
        """Labels that triggers start."""

    # ---- names and operands

    def label(self) -> str:
        while True:
            name = "L_" + (self.run("ab_1") if self.awkward else self.plain_label())
            if name not in self.labels:
                self.labels.add(name)
                return name

    def plain_label(self) -> str:
        word = self.rng.choice(_LABELS)
        return word + self.rng.choice(("", "", "2", "_b", f"_{self.rng.randint(3, 99)}"))

    def run(self, last: str) -> str:
        """A name of 2 to 24 characters, all the same but perhaps the last."""
        length = self.rng.choice((1, 2, 3, 21, 22, 23))
        return self.rng.choice("aaab") * length + self.rng.choice(last)

    def variable(self) -> str:
        if self.awkward:
            return self.run("ab_1")
        return self.rng.choice(_VARIABLES) + self.rng.choice(("", "", "", "2", "3", "_x"))

    def number(self) -> str:
        rng = self.rng
        return rng.choice(
            [str(rng.randint(-9, 99)), str(rng.randint(100, 10**7)), f"{rng.randint(-9, 99)}.{rng.randint(1, 99):02}5"]
        )

    def text(self, kind: str) -> str:
        rng = self.rng
        word = self.run("cx") if self.awkward else rng.choice(_WORDS)
        if kind == "word":
            return word if self.awkward or rng.random() < 0.7 else f"{word}_{rng.choice('abcxyz')}"
        if kind == "path":
            return ".".join(rng.choices([*_WORDS[:12], "0", "1"], k=rng.randint(1, 4))) + ".name"
        if kind == "url":
            host = f"{word.replace('_', '-')}.{rng.choice(('example.com', 'intra.example.org', 'h.example'))}"
            return f"{rng.choice(('https', 'http'))}://{host}/{rng.choice(_WORDS)}" + rng.choice(
                ("", "/", "?limit=5&sort=asc", "/v1/items", "#top")
            )
        if kind == "sql":
            return rng.choice(_SQL).format(rng.choice(_WORDS[:9]), rng.choice(_WORDS[:9]))
        if kind == "file":
            return f"{rng.choice(('', 'out/', 'data/in/'))}{word}.{rng.choice(('csv', 'txt', 'json'))}"
        if kind == "mail":
            return f"mailto:{rng.choice(('anna.k', 'ops', 'lead+de'))}@{rng.choice(('example.com', 'corp.example'))}"
        if kind == "route":
            return f"/{word}/{rng.choice(_WORDS)}"
        if kind == "space":
            return rng.choice(("session", "long_term", "daily_log", "workflow", "ops"))
        if kind == "json":
            return rng.choice(('{\\"a\\":1,\\"b\\":[true,null]}', "[1,2,3]", '[\\"x\\"]', "{}"))
        return rng.choice(_SENTENCES) if rng.random() < 0.7 else f"{rng.choice(_SENTENCES)}{word}"

    def operand(self, kind: str, readable: list[str]) -> str | None:
        rng = self.rng
        if kind == "_":
            return "_"
        if kind == "count":
            return str(rng.randint(1, 9000))
        if readable and (
            kind == "var" or (kind in ("num", "text", "part", "word", "url", "file") and rng.random() < 0.4)
        ):
            return rng.choice(readable)
        if kind == "var":
            return None
        if kind == "num":
            return self.number()
        if kind == "part" and rng.random() < 0.3:
            return rng.choice([self.number(), "true", "false", "null"])
        return f'"{self.text(kind)}"'

    # ---- lines

    def program(self) -> str:
        rng = self.rng
        service = rng.choice(("plain", "plain", "cron", "web"))
        entries = [self.label() for _ in range(1 if service == "plain" else rng.choice((1, 1, 1, 2, 3)))]
        self.roots = set(entries)
        lines, result = ["S app core noop"], None
        if service == "cron":
            lines = ["S core cron", *(f'Cr {label} "{self.schedule()}"' for label in entries)]
        elif service == "web":
            result = self.variable()
            lines = [f"S core web {self.route()}"]
            routes: set[str] = set()
            while len(routes) < len(entries):
                routes.add(f"{self.route()} {rng.choice('GPUD')}")
            lines += [f"E {route} ->{label} ->{result}" for route, label in zip(sorted(routes), entries, strict=True)]
        self.pending = {label: _Pending(set()) for label in entries}
        while self.pending:
            label = rng.choice(list(self.pending)) if len(self.labels) > len(entries) else next(iter(self.pending))
            lines += [f"{label}:", *self.block(label, result if label in self.roots else None)]
        return "".join(f"{line}\n" for line in lines)

    def route(self) -> str:
        return self.rng.choice(("/", "/items", "/orders/new", "/api/v1/tickets", "/Health", "/a-b_c.d~e"))

    def schedule(self) -> str:
        return " ".join(self.schedule_field(low, high) for low, high in _FIELD_BOUNDS)

    def schedule_field(self, low: int, high: int) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.4:
            return "*"
        if kind < 0.6:
            return f"*/{rng.randint(2, high)}"
        if kind < 0.8:
            return str(rng.randint(low, high))
        first = rng.randint(low, high - 1)
        span = f"{first}-{rng.randint(first + 1, high)}"
        return span if kind < 0.9 else f"{span},{rng.randint(low, high)}"

    def block(self, label: str, result: str | None) -> list[str]:
        rng = self.rng
        place = self.pending.pop(label)
        block = _Block(set(place.known))
        entry = set(place.known)
        if result is not None:
            for name in ("body", "query"):
                if rng.random() < 0.4:
                    self.step(block, "input", f"Set {name} ${name}", name)
        for _ in range(rng.choice((0, 1, 2, 3, 4, 6))):
            self.any_step(block, place.effects)
        if result is not None:
            if result not in block.known:
                self.assign(block, result)
            block.lines.append(f"J {result}")
        else:
            self.ending(block, place.effects)
        for handler in block.handlers:
            if handler in self.pending:
                allowed = self.pending[handler].effects
                self.pending[handler].effects = set(block.effects) if allowed is None else allowed & block.effects
        if label not in self.roots and not block.leads:
            self.leaves[label] = _Written(block.needs & entry, block.effects)
        return [f"  {line}" for line in block.lines]

    def any_step(self, block: _Block, allowed: set[str] | None) -> None:
        def may(effect: str) -> bool:
            return allowed is None or effect in allowed

        kind = self.rng.random()
        # Retry may name a Call, Err may not.
        retrying = kind < 0.1
        targets = [n for n, (op, _) in enumerate(block.ops, 1) if op == "R" or (op == "Call" and retrying)]
        if retrying and targets and may("control"):
            number = self.rng.choice(targets)
            if ("Retry", number) not in block.marked:
                block.marked.add(("Retry", number))
                wait = self.rng.choice(("0", "100", "1500", "30000"))
                how = self.rng.choice(("", " fixed", " exponential"))
                self.step(block, "Retry", f"Retry @n{number} {self.rng.randint(1, 12)} {wait}{how}")
                block.effects.add("control")
        elif 0.1 <= kind < 0.25 and targets and may("meta"):
            number = self.rng.choice(targets)
            if ("Err", number) not in block.marked:
                handler = self.target(block.ops[number - 1][1] | {"_error"}, block.effects | {"meta"}, block)
                block.marked.add(("Err", number))
                block.handlers.append(handler)
                self.step(block, "Err", f"Err @n{number} ->{handler}")
                block.effects.add("meta")
        elif kind < 0.33 and may("call") and len(self.labels) < _MOST_LABELS:
            target = self.target(block.known, None, block)
            out = self.variable()
            self.step(block, "Call", f"Call {target} ->{out}", out)
            block.effects.add("call")
        elif kind < 0.45:
            self.assign(block, self.variable())
        else:
            self.adapter_step(block, allowed)

    def adapter_step(self, block: _Block, allowed: set[str] | None) -> None:
        readable = sorted(block.known)
        shape, verb = self.rng.choice(_SHAPES)
        if allowed is not None and ADAPTER_EFFECTS[verb] not in allowed:
            return
        operands = [self.operand(kind, readable) for kind in shape]
        if any(operand is None for operand in operands):
            return
        self.read(block, [operand for operand in operands if operand is not None])
        out = self.variable()
        self.step(block, "R", f"R {verb} {' '.join(str(operand) for operand in operands)} ->{out}", out)
        block.effects.add(ADAPTER_EFFECTS[verb])

    def assign(self, block: _Block, name: str) -> None:
        value = self.operand("part", sorted(block.known)) or "0"
        self.read(block, [value])
        self.step(block, "Set", f"Set {name} {value}", name)

    def ending(self, block: _Block, allowed: set[str] | None) -> None:
        rng = self.rng
        readable = sorted(block.known)
        branch = readable and (allowed is None or "control" in allowed) and len(self.labels) < _MOST_LABELS
        if branch and rng.random() < 0.6:
            name = rng.choice(readable)
            self.read(block, [name])
            block.effects.add("control")
            atom = rng.choice(
                ("", "", "", "=true", "=false", "=0", "=42", "=-7", "=2.5", "=open", "=In-Review", "=x_1")
            )
            targets = [self.target(block.known, None, block) for _ in range(2)]
            block.lines.append(f"If {name}{atom} ->{targets[0]} ->{targets[1]}")
            return
        value = rng.choice([self.number(), "true", "false", f'"{self.text("text")}"', *readable])
        self.read(block, [value])
        block.lines.append(f"J {value}")

    def read(self, block: _Block, operands: list[str]) -> None:
        block.needs |= block.known.intersection(operands)

    def step(self, block: _Block, op: str, line: str, out: str | None = None) -> None:
        block.ops.append((op, set(block.known)))
        block.lines.append(line)
        if out is not None:
            block.known.add(out)

    def target(self, known: set[str], effects: set[str] | None, block: _Block) -> str:
        """A label to lead to from where ``known`` is set: a new one, one that waits, or a finished one that fits.
        ``effects``: what a handler's label may have."""
        block.leads = True
        if self.rng.random() < 0.35:
            waiting = [name for name in self.pending if name not in self.roots]
            ended = [
                name
                for name, leaf in self.leaves.items()
                if leaf.needs <= known and (effects is None or leaf.effects <= effects)
            ]
            if waiting or ended:
                name = self.rng.choice(waiting + ended)
                if name in self.pending:
                    self.pending[name].known &= known
                return name
        name = self.label()
        self.pending[name] = _Pending(set(known))
        return name


def random_program(seed: int, *, awkward: bool = False) -> str:
    """The program of a seed."""
    return _Writer(random.Random(seed), awkward).program()
