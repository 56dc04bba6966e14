"""The grammar as accept and reject tables, over bytes; and what it accepts is canonical text."""

import pytest
from llguidance import LLMatcher, LLTokenizer

from ainl_align.decoding.state import ProgramState
from ainl_align.language.canonical import canonicalize
from ainl_align.language.grammar import SIGNATURES, program_grammar
from ainl_align.language.semantics import RUNNABLE, verdict
from tests.decoding.exact import line_grammar

CRON = """S core cron
Cr L_tick "*/5 8-18 * 1,7 1-5"
L_tick:
  R http.GET "https://h.example/stat" ->resp
  Retry @n1 2 100 exponential
  Err @n1 ->L_fail
  R core.GET resp "status" ->code
  R core.GTE code 500 ->is_down
  If is_down ->L_alert ->L_quiet
L_fail:
  J _error
L_alert:
  R queue.PUT "ops" "service down: é \\"now\\" 12" ->msg
  J msg
L_quiet:
  J "fine"
"""
WEB = """S core web /api/items
E /items P ->L_items ->out
L_items:
  Set body $body
  R core.GET body "id" ->key
  Call L_pick ->out
  J out
L_pick:
  If key=none ->L_none ->L_some
L_none:
  J false
L_some:
  R cache.SET "items" "last" key 60 ->done
  J key
"""
PLAIN = "S app core noop\nL_main:\n  Set total -3.5\n  J total\n"
LINES = {  # a step in a label where x and y are set: whether it is legal
    'R core.CONCAT x "a" 5 true null ->z': True,
    "R core.CONCAT x ->z": False,
    "R core.NOW _ ->z": True,
    "R core.NOW ->z": False,
    "R core.ADD x z ->w": False,
    "R core.UUID _ ->z": False,
    'R email.SEND "a" ->z': False,
    'R core.LOWER "x" ->z': False,
    'R core.LOWER "007" ->z': False,
    'R core.LOWER "1e5" ->z': False,
    'R core.LOWER " 3.5" ->z': False,
    'R core.LOWER "\\n3.5" ->z': False,
    'R core.LOWER "true" ->z': False,
    'R core.LOWER "$x" ->z': False,
    'R core.LOWER "_error" ->z': False,
    'R core.LOWER "2026-01-15" ->z': True,
    'R core.REPLACE x " " "" ->z': True,
    'R core.LOWER "said" ->used': False,
    "R core.ECHO x ->true": False,
    "R core.ECHO x  ->z": False,
    "R core.ECHO 007 ->z": False,
    "R core.ECHO 1e5 ->z": False,
    "Set z x": True,
    "Set z z": False,
    "Set body $body": False,
    "Retry @n1 3 0": True,
    "Retry @n2 3 0": False,
    "Retry @n1 0 10": False,
    "Err @n1 ->L_bad": True,
    "Err @n1": False,
    "Err @n3 ->L_bad": False,
    "Err @n1 ->L_here": False,
    "Call L_new ->z": True,
    "Call L_new": False,
    "Call L_here ->z": False,
    "J x": True,
    "J z": False,
    'J ""': False,
    'J "gone"': True,
    "If x ->L_a ->L_b": True,
    "If x ->L_a": False,
    "If x=3.50 ->L_a ->L_b": False,
    "If x=open ->L_a ->L_b": True,
    "If x=y ->L_a ->L_b": False,
    "If z ->L_a ->L_b": False,
}


@pytest.fixture(scope="module")
def characters() -> LLTokenizer:
    return LLTokenizer("byte")


def _prefix(tokens: LLTokenizer, grammar: str, text: str) -> tuple[int, bool]:
    matcher = LLMatcher(tokens, grammar)
    assert not matcher.is_error(), matcher.get_error()
    ids = tokens.tokenize_str(text)
    return matcher.try_consume_tokens(ids), matcher.is_accepting()


def test_the_verbs_are_those_that_run() -> None:
    assert set(SIGNATURES) == RUNNABLE


@pytest.mark.parametrize("program", [PLAIN, CRON, WEB], ids=["plain", "cron", "web"])
def test_a_program_is_valid_until_exactly_its_last_character(characters: LLTokenizer, program: str) -> None:
    assert verdict(program).canonical, verdict(program).reasons
    assert canonicalize(program).text == program
    matcher = LLMatcher(characters, program_grammar())
    ids = characters.tokenize_str(program)
    for position, token in enumerate(ids):
        line_end = program.encode()[:position].endswith(b"\n")
        assert not matcher.is_accepting() or line_end, f"accepts {program.encode()[:position]!r}"
        assert matcher.consume_token(token), f"refuses {program.encode()[: position + 1]!r}"
    assert matcher.is_accepting()


@pytest.mark.parametrize(
    "text",
    [
        "```ainl\n",
        "Sure! ",
        "s app core noop\n",
        "S app core noop \n",
        "S core cron\nL_",
        'S core cron\nCr L_a "60',
        'S core cron\nCr L_a "5-3 ',
        'S core cron\nCr L_a "* * *"',
        "S core web /a\nE /a X",
        "S app core noop\nL_a: J 1",
        "S app core noop\nL_a:\n J",
        "S app core noop\nL_a:\nL_b",
        "S app core noop\nL_a:\n  J 1\n  J 2",
        "S app core noop\nLL_a:\n",
        "S app core noop\n\n",
    ],
)
def test_what_is_no_program_is_refused(characters: LLTokenizer, text: str) -> None:
    taken, accepting = _prefix(characters, program_grammar(), text)
    assert taken < len(text.encode()) and not (accepting and taken == len(text.encode()))


@pytest.mark.parametrize(("line", "legal"), LINES.items())
def test_a_step_is_legal_just_where_the_checker_finds_it_so(characters: LLTokenizer, line: str, legal: bool) -> None:
    opening = 'S app core noop\nL_here:\n  R http.GET "https://used.example" ->x\n  Set y "used"\n'
    state = ProgramState()
    for done in opening.splitlines():
        state.advance(done)
    text = f"  {line}\n"
    taken, _ = _prefix(characters, line_grammar(state), text)
    assert (taken == len(text.encode())) is legal
    if legal:
        state.advance(text[:-1])
        program = opening + text + state.closing()
        assert verdict(program).canonical, (program, verdict(program).reasons)


@pytest.mark.parametrize("program", [PLAIN, CRON, WEB], ids=["plain", "cron", "web"])
def test_every_line_start_can_be_closed(program: str) -> None:
    state, done = ProgramState(), ""
    for line in ["", *program.splitlines(keepends=True)]:
        if line:
            state.advance(line[:-1])
        done += line
        closed = done if state.finished else done + state.closing()
        assert verdict(closed).canonical, (closed, verdict(closed).reasons)
    assert state.finished


def test_a_handler_may_not_do_what_its_caller_does_not(characters: LLTokenizer) -> None:
    opening = 'S app core noop\nL_a:\n  R http.GET "https://a.example" ->x\n  Err @n1 ->L_h\n  J x\nL_h:\n'
    state = ProgramState()
    for line in opening.splitlines():
        state.advance(line)
    for line, legal in {
        'R queue.PUT "q" "bad" ->z': False,
        'R http.POST "https://b.example" _error ->z': True,
        "J x": False,
        "J _error": True,
        "Call L_n ->z": False,
    }.items():
        taken, _ = _prefix(characters, line_grammar(state), f"  {line}\n")
        assert (taken == len(line) + 3) is legal, line


def test_a_defined_label_takes_a_reference_only_if_its_reads_stay_defined(characters: LLTokenizer) -> None:
    opening = (
        'S app core noop\nL_a:\n  R http.GET "https://a.example" ->x\n  If x ->L_b ->L_c\n'
        "L_b:\n  Set y 1\n  Call L_d ->r\n  J r\nL_d:\n  J y\nL_c:\n"
    )
    state = ProgramState()
    for line in opening.splitlines():
        state.advance(line)
    refused, taken_one = "  Call L_d ->r\n", "  Call L_b ->r\n"
    assert _prefix(characters, line_grammar(state), refused)[0] < len(refused), "y is not set in L_c"
    assert _prefix(characters, line_grammar(state), taken_one)[0] == len(taken_one)
    assert _prefix(characters, line_grammar(state), "  Call L_a ->r\n")[0] < len(refused), "a cycle"
    state.advance("  Set y 2")
    assert _prefix(characters, line_grammar(state), refused)[0] == len(refused)
