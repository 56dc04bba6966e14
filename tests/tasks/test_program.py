"""The builder of gold programs: names, order of labels, handlers, and literals that would not stay text."""

import pytest

from ainl_align.language.semantics import verdict
from ainl_align.tasks.program import Program, Var, quote


def test_a_branching_program_in_the_one_style() -> None:
    program = Program("S core cron", 'Cr L_main "0 8 * * *"')
    main = program.block("main")
    resp = main.call_verb("http.GET", "https://a.example.com/b", out="resp")
    fail = main.child("fail")
    main.retry(main.last, 2, 100, "fixed")
    main.on_error(1, fail)
    value = main.call_verb("core.GET", resp, "body.level", out="val")
    hit = main.call_verb("core.GT", value, 5, out="hit")
    yes, no = main.child("yes"), main.child("no")
    main.branch(hit, yes, no)
    yes.end("high")
    no.end(False)
    fail.end("down")
    text = program.render()
    assert [line for line in text.split("\n") if line.endswith(":")] == ["L_main:", "L_yes:", "L_no:", "L_fail:"]
    assert verdict(text).canonical


def test_names_are_new_along_the_path_and_free_beside_it() -> None:
    program = Program("S app core noop")
    main = program.block("main")
    assert main.call_verb("core.NOW", "_x", out="val") == "val"
    assert main.call_verb("core.NOW", "_x", out="val") == "val2"
    yes, no = main.child("yes"), main.child("no")
    assert yes.new_name("val") == no.new_name("val") == "val3"
    assert main.child("yes").name == "L_yes2"


@pytest.mark.parametrize("text", ["val", "12", "1e5", "true", "null", "$body", "_x"])
def test_a_literal_that_would_not_stay_text_is_refused(text: str) -> None:
    program = Program("S app core noop")
    main = program.block("main")
    main.call_verb("core.ECHO", text, out="val")
    main.end(Var("val"))
    with pytest.raises(ValueError, match="literal"):
        program.render()


def test_quotes_and_line_ends_are_escaped() -> None:
    assert quote('a "b"\n\\') == '"a \\"b\\"\\n\\\\"'
