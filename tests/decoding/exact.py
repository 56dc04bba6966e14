"""What the masks must be: one grammar a line, with the program's names spelled out, read by llguidance alone."""

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

from llguidance import LLMatcher

from ainl_align.decoding.place import Place
from ainl_align.decoding.state import ProgramState
from ainl_align.language import grammar
from ainl_align.language.grammar import Scope

_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"|[^ ]+')
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def scope(state: ProgramState) -> Scope:
    """What the next step may say."""
    effects = state.effects
    return Scope(
        readable=state.readable(),
        taken_words=tuple(sorted(state.taken())),
        variables=tuple(sorted(state.spelled())),
        forbidden_labels=state.forbidden_labels(),
        retryable=state.retryable(),
        guardable=state.guardable(),
        verbs=state.verbs(),
        inputs=state.inputs(),
        calls=effects is None or "call" in effects,
        controls=effects is None or "control" in effects,
        branches=not state.answers,
        returns=state.result if state.answers else None,
        can_return=state.can_return,
    )


def line_grammar(state: ProgramState, line: str = "") -> str:
    """Lark text of the next line, of which ``line`` is written: the texts of an R line are no name for its out
    variable, and the text of a Set line is not its variable's name."""
    if not state.service:
        return grammar.service_grammar()
    if state.declaring == "cron":
        return grammar.schedule_grammar(state.entries, state.entries)
    if state.declaring == "web":
        return grammar.endpoint_grammar(state.entries, state.routes, state.result, state.entries)
    if state.current is None:
        return grammar.label_grammar(state.pending, verbs=state.verbs_follow)
    found, words = scope(state), _WORDS.findall(line)
    if words[:1] == ["R"]:
        texts = {word[1:-1] for word in words[2:] if len(word) > 2 and word[0] == word[-1] == '"'}
        names = {text for text in texts if _NAME.fullmatch(text)}
        found = replace(found, taken_words=tuple(sorted(names.union(found.taken_words))))
    elif words[:1] == ["Set"] and line.count(" ") > 3:
        found = replace(found, variables=tuple(sorted({words[1]}.union(found.variables))))
    return _with_handlers(state, grammar.statement_grammar(found))


def _with_handlers(state: ProgramState, text: str) -> str:
    """Lark text of a step, with the handlers of every step that Err may name."""
    steps = state.guardable()
    if not steps:
        return text
    rule = '"Err @n" GUARDABLE " ->" HANDLER'
    assert rule in text
    text = text.replace(rule, " | ".join(f'"Err @n{step} ->" HANDLER{step}' for step in steps))
    labels = {step: grammar._excluding(grammar._LABEL, state.forbidden_handlers(int(step))) for step in steps}
    return text + "".join(f"HANDLER{step}: {label}\n" for step, label in labels.items())


@lru_cache(maxsize=200)
def _matcher(engine: Any, text: str) -> LLMatcher:
    matcher = LLMatcher(engine, text)
    assert not matcher.is_error(), matcher.get_error()
    return matcher


def at(engine: Any, place: Place) -> LLMatcher:
    """The matcher of the line's grammar after the line so far."""
    matcher = _matcher(engine, line_grammar(place.state, place.line.decode(errors="ignore"))).deep_copy()
    assert matcher.consume_tokens(engine.tokenize_bytes(place.line)), (place.line, matcher.get_error())
    return matcher
