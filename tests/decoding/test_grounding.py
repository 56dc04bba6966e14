"""Copied literals: where they are, what of the request may stand in them, and what is a copying error."""

import re
from typing import Any

import numpy as np
import pytest

from ainl_align.data.leakage import WRITTEN
from ainl_align.decoding.constraint import Constraint
from ainl_align.decoding.grounding import (
    Copier,
    Ground,
    Span,
    Vocabulary,
    copied_literals,
    copying_errors,
    open_span,
    words_of,
)
from ainl_align.tasks.prompts import load_prompt_set
from ainl_align.tasks.suites import suite

REQUEST = 'Fetch https://api.a.example/v1/items, put "done" on queue ops-high and mail al@b.example; rows go to orders.'


@pytest.mark.parametrize(
    ("line", "span"),
    [
        ('  R http.GET "', Span("url", "")),
        ('  R http.GET "https://a', Span("url", "https://a")),
        ('  R http.GET "https://a"', None),
        ('  R http.POST "https://a" "te', Span("text", "te")),
        ('  R queue.PUT "mailto:al', Span("address", "mailto:al")),
        ('  R cache.GET "ns" "k', Span("key", "k")),
        ('  R sqlite.QUERY "SELECT a FROM', Span("table", "", blank=True)),
        ('  R sqlite.QUERY "SELECT a FROM ', Span("table", "")),
        ('  R sqlite.QUERY "SELECT a FROM ord', Span("table", "ord")),
        ('  R sqlite.QUERY "SELECT a FROM orders WHERE', None),
        ('  R core.CONCAT "https://a', Span("text", "a")),
        ('  R core.GET resp "body.pu', Span("field", "pu")),
        ('  R core.GET resp "', Span("field", "")),
        ('  R core.PARSE "{\\"a\\":1,\\"pu', Span("name", "pu")),
        ('  R core.PARSE "{\\"a\\":[\\"x\\",\\"pu', Span("text", "pu")),
        ('  R core.CONCAT "{\\"', Span("name", "")),
        ('  R core.CONCAT "a \\"pu', Span("text", "pu")),
        ('  R core.CONCAT "a \\n', None),
        ('  R core.CONCAT "a \\nb', Span("text", "b")),
        ('  R core.CONCAT "a \\', None),
        ('  Set out "no', Span("text", "no")),
        ('  R sqlite.QUERY "SELECT pu', Span("column", "pu")),
        ('  R sqlite.QUERY "SELECT ', None),
        ("  R sqlite.QUERY \"SELECT a FROM b WHERE c = 'pu", None),
        ('  J "https://a', Span("text", "a")),
        ('  J "https://', None),
        ('  Cr L_main "0 8', None),
        ('  R fs.WRITE "a b', Span("file", "a b")),
        ("", None),
    ],
)
def test_where_a_copied_literal_is_open(line: str, span: Span | None) -> None:
    assert open_span(words_of(line.encode())) == span


def test_copied_literals_and_copying_errors() -> None:
    program = (
        "S app core noop\nL_main:\n"
        '  R http.GET "https://api.a.example/v1/items" ->resp\n'
        '  R sqlite.EXECUTE "INSERT INTO orders (a) VALUES (1)" ->res\n'
        '  R sqlite.QUERY "SELECT a FROM order" ->res\n'
        '  R queue.PUT "ops" resp ->res\n'
        '  R queue.PUT "mailto:al@b.example" resp ->res\n'
        '  R core.CONCAT "free" "text" ->res\n'
        "  J res\n"
    )
    assert list(copied_literals(program)) == [
        ("url", "https://api.a.example/v1/items"),
        ("table", "orders"),
        ("table", "order"),
        ("queue", "ops"),
        ("address", "mailto:al@b.example"),
    ]
    assert copying_errors(program, REQUEST) == [("table", "order"), ("queue", "ops")]


def test_a_copy_goes_on_in_the_tokenizers_own_tokens_and_ends_with_a_word(
    constraint: Constraint, embedded_tokenizer: Any
) -> None:
    vocabulary, ground = Vocabulary(constraint), Ground(REQUEST)
    for literal, kind in (
        ("https://api.a.example/v1/items", "url"),
        ("ops-high", "queue"),
        ("mailto:al@b.example", "address"),
    ):
        written = ""
        for token in embedded_tokenizer.encode(f'{literal}"', add_special_tokens=False):
            tokens = ground.tokens(Span(kind, written), vocabulary)
            assert token in tokens, (written, embedded_tokenizer.decode([token]))
            written += embedded_tokenizer.decode([token])
    quote = embedded_tokenizer.encode('"', add_special_tokens=False)[0]
    assert quote not in ground.tokens(Span("queue", "ops"), vocabulary)
    assert ground.tokens(Span("queue", "nothing-like-it"), vocabulary) == []
    assert Ground("Fetch the weather and tell me.").tokens(Span("url", ""), vocabulary) == []
    blank_orders = embedded_tokenizer.encode(" orders", add_special_tokens=False)[0]
    assert blank_orders in ground.tokens(Span("table", "", blank=True), vocabulary)


def test_quotes_and_backslashes_of_the_request_are_found_as_literals_spell_them() -> None:
    ground = Ground('write to "my dir\\a.txt"')
    assert ground.holds("file", "my dir\\\\a.txt")
    assert not ground.holds("file", "my di")


def test_no_copy_begins_inside_a_dotted_name() -> None:
    ground = Ground("Append logs/status.old.txt to queue ops-high, path data.price of the reply")
    assert ground.holds("file", "logs/status.old.txt") and ground.holds("queue", "ops-high")
    assert not ground.holds("file", "old.txt") and not ground.holds("queue", "high")
    assert ground.holds("field", "price")


def test_no_file_or_queue_is_named_after_an_address_or_a_url() -> None:
    ground = Ground("Read notes.txt, POST it to https://a.example/orders/new and mail intern@drift.intra.test.")
    assert ground.holds("file", "notes.txt") and ground.holds("url", "https://a.example/orders/new")
    assert ground.holds("address", "mailto:intern@drift.intra.test")
    for name in ("intern@drift.intra.test", "intern", "drift", "orders", "a.example/orders/new"):
        assert not ground.holds("file", name) and not ground.holds("queue", name)


def test_what_begins_a_line_of_the_request_is_a_word_of_it() -> None:
    ground = Ground("Read these:\nhttps://a.example/b\n\tnotes.txt")
    assert ground.holds("url", "https://a.example/b")
    assert ground.holds("file", "notes.txt")


@pytest.mark.parametrize("name", ["regression", "dev", "handwritten"])
def test_golds_copy_what_has_to_be_copied(name: str) -> None:
    tasks = (
        suite(name)
        if name != "handwritten"
        else [row.task for row in load_prompt_set(WRITTEN["handwritten"]) if row.task]
    )
    assert tasks
    assert [(task.id, wrong) for task in tasks if (wrong := copying_errors(task.gold, task.prompt))] == []


@pytest.mark.parametrize("name", ["regression", "dev", "handwritten"])
def test_required_copies_leave_every_gold_possible(name: str, constraint: Constraint, embedded_tokenizer: Any) -> None:
    tasks = (
        suite(name)
        if name != "handwritten"
        else [row.task for row in load_prompt_set(WRITTEN["handwritten"]) if row.task]
    )
    barred = []
    for task in tasks:
        copier, line = Copier(task.prompt, constraint), b""
        for token in embedded_tokenizer.encode(task.gold, add_special_tokens=False):
            allowed = np.ones(constraint.vocabulary, dtype=bool)
            copier.hold(line, allowed)
            if not allowed[token]:
                barred.append((task.id, line, constraint.text(token)))
                break
            line = (line + constraint.text(token)).rpartition(b"\n")[2]
    assert barred == []


def test_a_retry_waits_as_long_as_the_request_says(constraint: Constraint) -> None:
    tokens = {constraint.text(number): number for number in range(constraint.vocabulary)}

    def next_digits(request: str, line: bytes) -> str:
        allowed = np.zeros(constraint.vocabulary, dtype=bool)
        allowed[[tokens[text] for text in (*(b"%d" % digit for digit in range(10)), b" ")]] = True
        Copier(request, constraint).hold(line, allowed)
        return "".join(text.decode() for text, number in tokens.items() if allowed[number])

    begun = b"  Retry @n1 2 "
    assert sorted(next_digits("Two more tries, five seconds apart.", begun)) == ["2", "5"]  # the two may be seconds too
    assert next_digits("Again after five seconds.", begun + b"500") == "0"
    assert next_digits("Again after five seconds.", begun + b"5000") == " "
    assert next_digits("Again after half a second or 250 ms.", begun + b"2") == "5"
    assert len(next_digits("Again after a moment.", begun)) == 11
    assert len(next_digits("Again after five seconds.", b"  Retry @n1 ")) == 11


def test_fields_names_and_columns_are_copied_or_words_of_the_conventions(constraint: Constraint) -> None:
    copier = Copier("Keep pupil and Retries of table seats.", constraint)
    texts = [constraint.text(number) for number in range(constraint.vocabulary)]

    def possible(line: str, token: str) -> bool:
        allowed = np.ones(constraint.vocabulary, dtype=bool)
        copier.hold(line.encode(), allowed)
        return bool(allowed[[text == token.encode() for text in texts]][0])

    assert possible('  R core.GET resp "body.pup', "il")
    assert not possible('  R core.GET resp "body.pup', "ion")
    assert possible('  R core.GET resp "', "body")
    assert possible('  R core.PARSE "{\\"pup', "il")
    assert not possible('  R core.PARSE "{\\"pup', "ion")
    assert possible('  R sqlite.QUERY "SELECT', " ret")
    assert not possible('  R sqlite.QUERY "SELECT', " retry")
    assert possible('  R sqlite.QUERY "SELECT', " count")
    assert possible("  R sqlite.QUERY \"SELECT pupil FROM seats WHERE pupil = 'x", "ion")


def test_words_of_texts_are_words_of_the_request(constraint: Constraint) -> None:
    copier = Copier("Then the word irrigate belongs on the queue gh2. Otherwise just say Fine: nothing.", constraint)
    texts = [constraint.text(number) for number in range(constraint.vocabulary)]

    def possible(line: str) -> set[bytes]:
        allowed = np.ones(constraint.vocabulary, dtype=bool)
        copier.hold(line.encode(), allowed)
        return {text for text, may in zip(texts, allowed, strict=True) if may}

    for line in ('  J "ir', '  R queue.PUT "gh2" "ir', '  Set out "say ir', '  R core.EQ val "ir'):
        assert {b"r", b"rig"} & (found := possible(line)) and all(b"rigate".startswith(text) for text in found)
    whole = possible('  J "irrigate')
    assert b'"' in whole and b" nothing" in whole and not {b"d", b" nobody"} & whole
    opening = {text for text in texts if re.fullmatch(rb' "[a-z]+', text)}
    assert opening & possible("  If") == opening
    assert all(
        re.search(rb"\b" + text[2:], b"say fine nothing") for text in opening & possible("  J") if text[2:3] in b"sn"
    )
    assert b" xylo" not in possible('  J "say') and b"true" in possible('  R core.PARSE "{\\"say\\":')
