"""Turns a flow into a request in words: many voices, clauses in several orders."""

from ainl_align.tasks.parts.base import Ctx, Step
from ainl_align.tasks.parts.flow import Check, Flow, Guard
from ainl_align.tasks.parts.triggers import Start

_COUNT_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


def prompt(ctx: Ctx, start: Start, flow: Flow) -> str:
    """The request."""
    sentences = _Writer(ctx, start.trigger.kind == "endpoint").sentences(flow)
    return _voice(ctx, start, sentences)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _sentence(text: str) -> str:
    return _capital(text) + "."


class _Writer:
    """Writes the sentences of one task."""

    def __init__(self, ctx: Ctx, endpoint: bool) -> None:
        self.ctx = ctx
        if endpoint:
            self.give = ctx.say(("answer with {}", "reply with {}", "respond with {}"), ("send back {}", "answer {}"))
        else:
            self.give = ctx.say(("return {}", "give back {}"), ("output {}", "the result is {}"))
            if self.give.startswith("the result"):
                self.give = "return {} as the result"

    def clauses(self, flow: Flow) -> list[str]:
        """Steps and returned value of a flow, without its check."""
        found = [step.clause(self.ctx) for step in flow.steps]
        if flow.ret is not None:
            found.append(self.give.format(flow.ret.noun(self.ctx)))
        return found

    def outcome(self, flow: Flow) -> str:
        """A flow without a check as one clause."""
        found = self.clauses(flow)
        if not found:
            return self.ctx.say(("do nothing", "nothing needs to be done", "leave it"), ("take no action",))
        return _and(found)

    def sentences(self, flow: Flow) -> list[str]:
        """One or more clauses without capitals and full stops; the first is in the bare infinitive."""
        found: list[str] = []
        if flow.check is None:
            if flow.guard and flow.guarded == 0 and len(flow.steps) + (flow.ret is not None) > 1:
                found.append(flow.steps[0].clause(self.ctx))
                found += self.guard(flow.guard, flow.steps[0])
                rest = [step.clause(self.ctx) for step in flow.steps[1:]]
                if flow.ret is not None:
                    rest.append(self.give.format(flow.ret.noun(self.ctx)))
                lead = self.ctx.say(("after a success, ", "on success, ", "when it worked, "), ("once it succeeds, ",))
                found.append(lead + _and(rest))
            else:
                found.append(_then(self.ctx, self.clauses(flow)))
                if flow.guard:
                    found += self.guard(flow.guard, flow.steps[flow.guarded])
            return found
        if flow.steps:
            found.append(_then(self.ctx, [step.clause(self.ctx) for step in flow.steps]))
        if flow.guard:
            found += self.guard(flow.guard, flow.steps[flow.guarded])
            if flow.guard.handler:
                found[-1] = f"{found[-1].removesuffix(' instead').removesuffix(' and stop')} and stop"
        return found + self.check(flow.check)

    def guard(self, guard: Guard, step: Step) -> list[str]:
        """What happens when the guarded step fails."""
        call = str(getattr(step, "call", ""))
        fails = {
            "http.GET": ("the request fails", "the GET fails", "the fetch fails"),
            "http.POST": ("the POST fails", "the POST request fails"),
            "http.PUT": ("the PUT fails", "the PUT request fails"),
            "fs.READ": ("the file cannot be read", "reading the file fails"),
            "sqlite.QUERY": ("the query fails", "the database query fails"),
            "sqlite.EXECUTE": ("the database write fails", "the SQL statement fails"),
            "queue.PUT": ("the queue call fails", "queueing fails"),
            "cache.SET": ("the cache write fails",),
        }[call]
        fail = self.ctx.pick(fails)
        found = []
        if guard.retries:
            found.append(self._retry(guard, fail))
        if guard.handler:
            outcome = self.outcome(guard.handler)
            if guard.retries:
                found.append(
                    self.ctx.say(
                        (f"if it still fails after that, {outcome}", f"if all attempts fail, {outcome}"),
                        (f"when no attempt works, {outcome}",),
                    )
                )
            else:
                found.append(
                    self.ctx.say(
                        (f"if {fail}, {outcome} instead", f"should {fail.replace('fails', 'fail')}, only {outcome}")
                        if "cannot" not in fail
                        else (f"if {fail}, {outcome} instead",),
                        (f"when {fail}, {outcome} and stop",),
                    )
                )
        return found

    def _retry(self, guard: Guard, fail: str) -> str:
        number = guard.retries
        times = f"{_COUNT_WORDS[number] if self.ctx.rng.random() < 0.4 else number} times"
        times = "once" if number == 1 else f"up to {times}"
        wait = f"{guard.wait_ms} ms"
        if guard.wait_ms % 1000 == 0 and self.ctx.rng.random() < 0.6:
            seconds = guard.wait_ms // 1000
            wait = "1 second" if seconds == 1 else f"{seconds} seconds"
        if guard.strategy == "exponential" and number == 1:
            return self.ctx.say(
                (f"if {fail}, retry once with exponential backoff from {wait}",),
                (f"when {fail}, try again once, with exponential backoff that starts at {wait}",),
            )
        if guard.strategy == "exponential":
            return self.ctx.say(
                (
                    f"if {fail}, retry {times}, waiting {wait} at first and doubling the wait each time",
                    f"retry {times} if {fail}, with exponential backoff from {wait}",
                    f"if {fail}, retry it {times} with a wait of {wait} that doubles every time",
                ),
                (
                    f"when {fail}, try again {times} with a pause of {wait} that doubles after every attempt",
                    f"when {fail}, make {times.removeprefix('up to ').removesuffix(' times')} more attempts at most, "
                    f"{wait} after the first failure and twice the pause after each further one",
                ),
            )
        return self.ctx.say(
            (
                f"if {fail}, retry {times}, " + (f"after {wait}" if number == 1 else f"waiting {wait} each time"),
                f"retry {times} if {fail}, waiting {wait} before each retry",
                f"if {fail}, retry it {times} with a fixed wait of {wait}",
            ),
            (
                f"when {fail}, try again {times} with a fixed pause of {wait}",
                f"when {fail}, wait {wait} and try again"
                + (" once" if number == 1 else f", {times} with the same pause"),
            ),
        )

    def check(self, check: Check) -> list[str]:
        """The branch, in one or several sentences."""
        condition = check.condition.clause(self.ctx)
        if _is_end(check.yes) and _is_end(check.no):
            return self._simple(condition, check.yes, check.no)
        if _is_end(check.yes):
            lead = self.ctx.say(("otherwise", "if not"), ("failing that",))
            inner = self.sentences(check.no)
            return [f"if {condition}, {self.outcome(check.yes)}", f"{lead}, {inner[0]}", *inner[1:]]
        inner = self.sentences(check.yes)
        if not (check.no.steps or check.no.ret):
            train = [f"do nothing unless {condition}", f"only go on if {condition}"]
            return [self.ctx.say(train, [f"stop unless {condition}"]), *inner]
        other = self.outcome(check.no)
        train = [f"unless {condition}, {other} and stop"]
        held = [f"check that {condition}; if it is not so, {other} and end there"]
        if len(check.no.steps) + (check.no.ret is not None) == 1:
            train.append(f"{other} and stop unless {condition}")
        stop = self.ctx.say(train, held)
        return [stop, f"{self.ctx.say(('otherwise', 'if it passes'), ('in the good case',))}, {inner[0]}", *inner[1:]]

    def _simple(self, condition: str, yes: Flow, no: Flow) -> list[str]:
        """A branch with two plain outcomes. Only a single clause may stand before its condition, for its scope."""
        then, other = self.outcome(yes), self.outcome(no)
        single = len(yes.steps) + (yes.ret is not None) == 1
        if not (no.steps or no.ret) and self.ctx.rng.random() < 0.7:
            train = [f"if {condition}, {then}; otherwise do nothing", f"only if {condition}, {then}"]
            held = [f"do nothing unless {condition}; in that case {then}"]
            if single:
                train += [f"{then}, but only if {condition}", f"{then} when {condition}, else do nothing"]
                held.append(f"{then} in case {condition}, and in no other case")
            return [self.ctx.say(train, held)]
        pairs = [
            [f"if {condition}, {then}; otherwise {other}"],
            [f"if {condition}, {then}", f"otherwise, {other}"],
            [f"if {condition} then {then}, else {other}"],
            [f"when {condition}, {then}", f"if not, {other}"],
            [f"in case {condition}, {then}", f"in all other cases, {other}"],
        ]
        held_pairs = [
            [f"when {condition}, {then}, and when it is not so, {other}"],
            [f"should it be that {condition}, {then}", f"in every other case, {other}"],
            [f"whenever {condition}, {then}", f"failing that, {other}"],
        ]
        if single:
            pairs += [[f"{then} if {condition}, else {other}"], [f"{then} if {condition}", f"otherwise, {other}"]]
            held_pairs.append([f"{then} whenever {condition}", f"failing that, {other}"])
        return self.ctx.say(pairs, held_pairs)


def _is_end(flow: Flow) -> bool:
    return flow.check is None and flow.guard is None


def _and(clauses: list[str]) -> str:
    if len(clauses) == 1:
        return clauses[0]
    return f"{', '.join(clauses[:-1])} and {clauses[-1]}"


def _then(ctx: Ctx, clauses: list[str]) -> str:
    if len(clauses) == 1:
        return clauses[0]
    if len(clauses) == 2:
        if any(" and " in clause for clause in clauses):
            return ctx.say((", then ", "; then "), (", after that ", "; next ")).join(clauses)
        return ctx.say((", then ", " and ", " and then "), (" and after that ", "; next ")).join(clauses)
    return f"{', '.join(clauses[:-1])}, and {ctx.say(('then ', 'finally '), ('at the end ',))}{clauses[-1]}"


def _voice(ctx: Ctx, start: Start, parts: list[str]) -> str:
    text = " ".join(_sentence(part) for part in parts)
    first, rest = parts[0], " ".join(_sentence(part) for part in parts[1:])
    rest = f" {rest}" if rest else ""
    bullets = "\n".join(f"- {part}" for part in parts)
    conditional = first.startswith(("if ", "when ", "unless ", "only ", "in case ", "should ", "do nothing "))
    if start.trigger.kind == "endpoint":
        where = f"{start.trigger.method} {start.trigger.path}"
        body = "JSON" if start.trigger.method in ("POST", "PUT") else ""
        on = f"on {where}" + (" with a JSON body" if body else "")
        return ctx.say(
            (
                f"{_capital(on)}, {first}.{rest}",
                f"Endpoint {where}: {first}.{rest}",
                f"Build an endpoint {where}. {text}",
                f"Handle {where} like this: {first}.{rest}",
                f"Spec for {where}:\n{bullets}",
                f"Service endpoint. Route: {where}.\n{bullets}",
                f"When a request comes in {on}, {first}.{rest}",
                f"{where}: {first}.{rest}",
                f"Can you make an endpoint {where}? It should {first}.{rest}",
                f"{text} This is for requests {on}.",
            ),
            (
                f"For every request to {where}, {first}.{rest}",
                f"We need a route {where}. {text}",
                f"Ticket: add {where}\n{bullets}",
                f"Callers use {where}. {text}",
                f"{text} Route: {where}.",
            ),
        )
    if start.trigger.kind == "cron":
        when = start.when
        return ctx.say(
            (
                f"{_capital(when)}, {first}.{rest}",
                f"{_capital(when)}: {first}.{rest}",
                f"{text} Run it {when}.",
                f"{text} Schedule: {when}.",
                f"Scheduled job, {when}:\n{bullets}",
                f"I need a job that runs {when}. {text}",
                f"Please set up something that runs {when}: {first}.{rest}",
                f"{text} It runs {when}.",
                f"Cron job. {text} When: {when}.",
                f"Could you do this {when}? {text}",
                f"Hi team, {when} we want this: {first}.{rest}",
            ),
            (
                f"{text} This has to happen {when}.",
                f"Job wanted ({when}). {text}",
                f"Timing: {when}. Work:\n{bullets}",
                f"A timer fires {when}. {text}",
                f"Repeat this {when}: {first}.{rest}",
            ),
        )
    train = [
        text,
        text,
        text,
        f"Please {first}.{rest}",
        f"I need a program for this: {first}.{rest}",
        f"Task:\n{bullets}",
        f"Hi, could you write this for me? {text} Thanks!",
        f"Requirement: {text}",
        f"Write a program. {text}",
        f"Goal: {first}.{rest}",
    ]
    held = [
        f"To do: {text}",
        f"What I want is this. {text}",
        f"Steps wanted:\n{bullets}",
        f"Quick one. {text}",
        f"{text} That is all.",
        f"Small script please: {first}.{rest}",
    ]
    if not conditional:
        train += [f"The program should {first}.{rest}", f"Can you {first}?{rest}", f"We want to {first}.{rest}"]
        held += [f"The script has to {first}.{rest}", f"It would help to have a script to {first}.{rest}"]
    return ctx.say(train, held)
