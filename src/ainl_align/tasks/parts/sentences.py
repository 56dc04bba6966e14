"""The sentences of a flow: its steps, what happens on failure, its branches.

A sentence stands here without a capital and a full stop; the first one of a flow with steps starts with a verb. Lines
of a small table inside a sentence start with ``- ``.
"""

from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.conditions import Condition
from ainl_align.tasks.parts.flow import Check, Flow, Guard
from ainl_align.tasks.parts.numerals import number_words
from ainl_align.tasks.wording import branches, connectives, errors, retries
from ainl_align.tasks.wording.pool import Pool


def capital(text: str) -> str:
    """With a capital, unless a name of some resource comes first."""
    word = text.split(maxsplit=1)[0]
    return text if any(sign in word for sign in "/_@.0123456789") else text[0].upper() + text[1:]


def sentence(text: str) -> str:
    """With a capital and a full stop where one is due."""
    return capital(text) + ("" if text.endswith("?") or "\n" in text else ".")


_SUBORDINATE = ("if ", "when ", "where ", "with no ", "unless ", "should ")
"""Beginnings of a step with a condition of its own: it stands alone, lest the next one be read as part of it."""


class Writer:
    """Writes the sentences of one task."""

    def __init__(self, ctx: Ctx, endpoint: bool) -> None:
        self.ctx = ctx
        self._give = ctx.say(*(connectives.ANSWER if endpoint else connectives.RETURN))

    def sentences(self, flow: Flow, depth: int = 0) -> list[str]:
        """One or more sentences; ``depth`` counts the branches around."""
        steps = [step.clause(self.ctx) for step in flow.steps]
        ends = [] if flow.check else self._ending(flow)
        if flow.guard:
            found = self._guarded(flow, flow.guard, steps, ends)
        else:
            found = self._sequence(steps + ends) if steps or ends else []
        return found + (self._check(flow.check, depth) if flow.check else [])

    def _ending(self, flow: Flow) -> list[str]:
        if flow.ret is None:
            return []
        what = flow.ret.noun(self.ctx)
        if "result" in what and "result" in self._give:
            return [self.ctx.say(("return {}",), ("output {}",)).format(what)]
        return [self._give.format(what=what)]

    def _outcome(self, flow: Flow, stops: bool = False) -> str:
        """A flow without branch and guard as one clause."""
        found = [step.clause(self.ctx) for step in flow.steps] + self._ending(flow)
        if not found:
            return "do nothing" if stops else self.ctx.phrase(connectives.NOTHING)
        return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else found[0]

    def _sequence(self, clauses: list[str]) -> list[str]:
        """Clauses in order, in one sentence or several."""
        ctx = self.ctx
        if len(clauses) == 1:
            return clauses
        if any(clause.startswith(_SUBORDINATE) for clause in clauses):
            return [clauses[0], *(line for clause in clauses[1:] for line in self._lead([clause]))]
        if len(clauses) == 2 and ctx.rng.random() < 0.75:
            apart = any(" and " in clause or ", " in clause for clause in clauses)
            return [ctx.phrase(connectives.THEN_APART if apart else connectives.THEN).join(clauses)]
        if len(clauses) == 3 and ctx.rng.random() < 0.5:
            return [f"{', '.join(clauses[:-1])}, and {ctx.phrase(connectives.LASTLY)}{clauses[-1]}"]
        if len(clauses) > 3 and ctx.rng.random() < 0.5:
            half = len(clauses) // 2
            return [*self._sequence(clauses[:half]), *self._lead(self._sequence(clauses[half:]))]
        return [clauses[0], *(line for clause in clauses[1:] for line in self._lead([clause]))]

    def _lead(self, lines: list[str]) -> list[str]:
        return [self.ctx.phrase(connectives.NEXT) + lines[0], *lines[1:]]

    def _guarded(self, flow: Flow, guard: Guard, steps: list[str], ends: list[str]) -> list[str]:
        ctx, watched = self.ctx, flow.guarded_steps()
        stop = flow.guarded + len(watched)
        found: list[str] = []
        if flow.guarded:
            found += self._sequence(steps[: flow.guarded])
            steps, stop = [*self._lead(steps[flow.guarded :][:1]), *steps[flow.guarded + 1 :]], len(watched)
        rest = steps[stop:] + ends
        alone = sum(bool(getattr(step, "call", "")) for step in flow.steps) == 1
        if rest and alone and ctx.rng.random() < 0.5:
            found += self._sequence(steps + ends) if len(steps + ends) == 2 else [*steps, *ends]
            rest = []
        else:
            head = steps[:stop]
            if len(watched) > 1 and len(head) > 2:
                head = [f"{', '.join(head[:-1])} and {head[-1]}"]
            found += [ctx.phrase(connectives.THEN_APART).join(head)]
        found += self._failure(flow, guard, bool(rest or flow.check))
        if rest:
            lines = self._sequence(rest)
            lead = errors.SUCCESS if guard.handler or ctx.rng.random() < 0.4 else connectives.NEXT
            found += [ctx.phrase(lead) + lines[0], *lines[1:]]
        return found

    def _failure(self, flow: Flow, guard: Guard, follows: bool) -> list[str]:
        """What happens when a guarded step fails; ``follows`` says that more of the flow comes after it."""
        ctx = self.ctx
        call = _named_call(flow)
        slots = {"fail": ctx.phrase(errors.FAILS[call]), "thing": ctx.phrase(errors.THINGS[call])}
        vague = call != "ext.EXEC" and not flow.guarded
        found = [self._retry(guard, slots, vague)] if guard.retries else []
        if guard.handler is None:
            return found
        assert _is_end(guard.handler), guard.handler.signature
        slots["outcome"] = self._outcome(guard.handler, stops=True)
        pool = errors.EXHAUSTED_LAST if guard.retries else errors.HANDLER_LAST
        if not follows:
            pool = errors.EXHAUSTED if guard.retries else errors.HANDLER
            if not guard.retries and _size(guard.handler) == 1:
                pool = _any_of(pool, errors.HANDLER_ONE)
        return [*found, ctx.phrase(pool if guard.retries else _clear(pool, vague), **slots)]

    def _retry(self, guard: Guard, slots: dict[str, str], vague: bool) -> str:
        ctx, number = self.ctx, guard.retries
        words = number_words(ctx, number)
        times = "twice" if number == 2 and ctx.rng.random() < 0.3 else f"{words} times"
        doubling = guard.strategy == "exponential"
        pool = retries.DOUBLING if doubling else retries.FIXED
        if number == 1:
            pool = retries.ONCE_DOUBLING if doubling else retries.ONCE
        pool = _clear(pool, vague)
        return ctx.phrase(pool, n=words, d=number, times=times, wait=wait_words(ctx, guard.wait_ms), **slots)

    def _check(self, check: Check, depth: int) -> list[str]:
        """The branch, in one or several sentences."""
        yes_ends, no_ends = _is_end(check.yes), _is_end(check.no)
        if yes_ends and no_ends:
            return self._two_ends(check, depth)
        condition = check.condition
        if yes_ends:
            below = check.no.check
            if (
                below
                and not check.no.steps
                and _is_end(below.yes)
                and _is_end(below.no)
                and self.ctx.rng.random() < 0.6
            ):
                return self._ladder(check, below, depth)
            inner = self.sentences(check.no, depth + 1)
            pool = branches.ENOUGH if len(inner) > 1 else branches.ENOUGH_SHORT
            found = self._say(pool, condition, then=self._outcome(check.yes, stops=True))
            return [*found, self.ctx.phrase(branches.ELSE) + inner[0], *inner[1:]]
        if no_ends and not _size(check.no):
            opening = self._say(_any_of(branches.GO_ON, self._if_negatable(condition, branches.GO_ON_NOT)), condition)
            return opening + self.sentences(check.yes, depth + 1)
        inner = self.sentences(check.yes, depth + 1)
        if no_ends:
            pool = _any_of(branches.STOP, self._if_negatable(condition, branches.STOP_NOT))
            if _size(check.no) == 1:
                pool = _any_of(pool, branches.STOP_ONE)
            found = self._say(pool, condition, other=self._outcome(check.no, stops=True))
            return [*found, self.ctx.phrase(branches.WENT_ON) + inner[0], *inner[1:]]
        other = self.sentences(check.no, depth + 1)
        block = self._say(branches.BLOCK, condition)[0] + "".join(f"\n- {line}" for line in inner)
        return [block, self.ctx.phrase(branches.BLOCK_ELSE) + "".join(f"\n- {line}" for line in other)]

    def _two_ends(self, check: Check, depth: int) -> list[str]:
        """A branch with two plain outcomes. Only a single clause may stand before its condition, for its scope."""
        yes, no, condition = check.yes, check.no, check.condition
        single = _size(yes) == 1
        if _size(no) == 0 and self.ctx.rng.random() < 0.85:
            pool = _any_of(branches.ALONE, self._if_negatable(condition, branches.ALONE_NOT))
            pool = _any_of(pool, branches.ALONE_ONE) if single else pool
        elif _size(yes) == 0 and self.ctx.rng.random() < 0.85:
            pool = _any_of(branches.EXCEPT, branches.EXCEPT_ONE) if _size(no) == 1 else branches.EXCEPT
        else:
            pool = _any_of(branches.BOTH, self._if_negatable(condition, branches.BOTH_NOT))
            pool = _any_of(pool, branches.BOTH_ONE) if single and _size(no) <= 1 else pool
        return self._say(pool, condition, depth, then=self._outcome(yes), other=self._outcome(no))

    def _ladder(self, check: Check, below: Check, depth: int) -> list[str]:
        outcomes = {
            "first": self._outcome(check.yes),
            "second": self._outcome(below.yes),
            "third": self._outcome(below.no),
        }
        return self._say(branches.LADDER, check.condition, depth, c2=below.condition.clause(self.ctx), **outcomes)

    def _say(self, pool: Pool, condition: Condition, depth: int = 0, **slots: str) -> list[str]:
        """A phrase of the pool with the condition in it, cut into sentences; no table inside another branch.

        Two conditions in one stand after no ``unless``, which of them it denies would be unclear.
        """
        ctx = self.ctx
        if depth:
            pool = _without(pool, "\n")
        if hasattr(condition, "two"):
            pool = _without(pool, "unless", "except")
        phrase = ctx.say(*pool)
        if "{c}" in phrase:
            slots["c"] = self._plain(condition) if "unless" in phrase or "except" in phrase else condition.clause(ctx)
        if "{nc}" in phrase:
            slots["nc"] = condition.negated(ctx) or ""
        if "{q}" in phrase:
            slots["q"] = condition.question(ctx)
        return [piece.format(**slots) for piece in phrase.split("|")]

    def _plain(self, condition: Condition) -> str:
        """The condition, without a negation in it if that can be had."""
        clause = condition.clause(self.ctx)
        for _ in range(8):
            if not any(word in clause.split() for word in ("not", "no")):
                break
            clause = condition.clause(self.ctx)
        return clause

    def _if_negatable(self, condition: Condition, pool: Pool) -> Pool:
        return Pool((), ()) if condition.negated(self.ctx) is None else pool


def wait_words(ctx: Ctx, wait_ms: int) -> str:
    """A time span: ``500 ms``, ``2 seconds``, ``half a second``."""
    options = [f"{wait_ms} ms", f"{wait_ms} ms", f"{wait_ms} milliseconds", f"{wait_ms}ms"]
    if wait_ms % 1000 == 0:
        seconds = wait_ms // 1000
        written = "second" if seconds == 1 else "seconds"
        options = [options[0], *(f"{number_words(ctx, seconds)} {written}" for _ in range(3)), f"{seconds} s"]
    elif wait_ms == 500:
        options.append("half a second")
    elif wait_ms == 1500:
        options += ["1.5 seconds", "one and a half seconds"]
    elif ctx.split == "train":
        options += [f"{wait_ms / 1000:g} seconds", f"{wait_ms / 1000:g} s", f"{wait_ms / 1000:g}s"]
        if wait_ms % 1000 == 500:
            options.append(f"{number_words(ctx, wait_ms // 1000)} and a half seconds")
    return ctx.pick(options)


def _clear(pool: Pool, vague: bool) -> Pool:
    """The phrases that say what fails; all of them where a ``vague`` one will do: not for a command, whose exit code is
    no failure of the step, nor after other steps."""
    if vague:
        return pool
    return Pool(*(tuple(phrase for phrase in side if "{fail}" in phrase or "{thing}" in phrase) for side in pool))


def _named_call(flow: Flow) -> str:
    """The key of the words for the guarded call: its own, or ``last`` where its own would fit another step as well."""
    watched = flow.guarded_steps()
    if len(watched) > 1:
        return "several"
    call = _call(watched[0])
    said = [_call(step) for step in flow.steps[: flow.guarded]]
    if call in said or (call == "http.GET" and any(other.startswith("http.") for other in said)):
        return "last"
    return call if call in errors.FAILS else "other"


def _call(step: Step) -> str:
    return str(getattr(step, "call", ""))


def _is_end(flow: Flow) -> bool:
    return flow.check is None and flow.guard is None


def _size(flow: Flow) -> int:
    """The number of clauses of a plain outcome."""
    return len(flow.steps) + (flow.ret is not None)


def _without(pool: Pool, *marks: str) -> Pool:
    """The phrases of a pool in which none of ``marks`` occurs."""
    train, held = (tuple(phrase for phrase in side if not any(mark in phrase for mark in marks)) for side in pool)
    return Pool(train, held)


def _any_of(left: Pool, right: Pool) -> Pool:
    return Pool(left.train + right.train, left.held + right.held)
