"""Each rule beyond the compiler has its own rejects; verdicts are deterministic, quick, and never raise."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ainl_align.language.canonical import canonicalize
from ainl_align.language.compiler import ADAPTER_EFFECTS, compile_program
from ainl_align.language.dataflow import check_flow
from ainl_align.language.forms import read_program
from ainl_align.language.outline import Line, Word
from ainl_align.language.semantics import RUNNABLE, verdict
from ainl_align.language.values import constant, is_number

PLAIN = "S app core noop\nL_m:\n"
WEB = "S core web /api\nE /in P ->L_in ->out\nL_in:\n"
GET = '  R http.GET "https://h/" ->resp\n'

# name -> (source, line of the first reason, words in its message); all are strict_ainl.
REJECTS: dict[str, tuple[str, int, str]] = {
    # Texts that do not stay texts (facts A.3)
    "text is a variable": (PLAIN + GET + '  R core.GET resp "status" ->status\n  J status\n', 4, "equals a variable"),
    "text is a later variable": (PLAIN + '  R core.ECHO "n" ->x\n  Set n 1\n  J n\n', 3, "equals a variable"),
    "returned text is a variable": (PLAIN + '  Set done 1\n  J "done"\n', 4, "equals a variable"),
    "text is an input": (
        WEB + "  Set body $body\n" + GET + '  R core.GET resp "query" ->out\n  J out\n',
        6,
        "equals a",
    ),
    "text is the endpoint's result": (WEB + '  J "out"\n', 4, "equals a variable"),
    "text is a number": (PLAIN + '  J "5"\n', 3, "write 5 without quotes"),
    "text is a padded number": (PLAIN + '  R core.ECHO "007" ->x\n  J x\n', 3, "becomes the number 7"),
    "text is a version": (PLAIN + '  Set v "3.10"\n  J v\n', 3, "becomes the number 3.1"),
    "text is an exponent": (PLAIN + '  Set v "1e3"\n  J v\n', 3, "becomes the number 1000.0"),
    "text is infinite": (PLAIN + '  Set v "1e999"\n  J v\n', 3, "becomes the number inf"),
    "text is true": (PLAIN + '  Set v "true"\n  J v\n', 3, "becomes the constant true"),
    "text is null": (PLAIN + '  R core.ECHO "null" ->v\n  J v\n', 3, "becomes the constant null"),
    "text starts with a dollar": (PLAIN + '  R core.ECHO "$v" ->x\n  J x\n', 3, "starts with $"),
    "text is a runtime name": (PLAIN + '  J "_error"\n', 3, "name of the runtime"),
    "empty text returned": (PLAIN + '  J ""\n', 3, "returns nothing"),
    # Bare words
    "bare word": (PLAIN + "  R core.UPPER hello ->x\n  J x\n", 3, "bare word 'hello' is text or a typo: quote it"),
    "capital constant": (PLAIN + "  R core.ECHO True ->x\n  J x\n", 3, "bare word 'True'"),
    "hyphenated": (PLAIN + "  R queue.PUT ops-alerts 1 ->x\n  J x\n", 3, "quote it"),
    "dotted": (PLAIN + GET + "  R core.UPPER resp.body ->x\n  J x\n", 4, 'core.GET resp "body"'),
    "padded number": (PLAIN + "  J 007\n", 3, "no plain number"),
    "infinite number": (PLAIN + "  R core.ADD 1e999 1 ->x\n  J x\n", 3, "no plain number"),
    "star outside R": (PLAIN + "  J *\n", 3, "bare word"),
    "path outside R": (PLAIN + "  J a/b\n", 3, "bare word"),
    "inline JSON after the first operand": (PLAIN + "  R core.LEN [1,2] ->x\n  J x\n", 3, "no inline JSON"),
    "dollar read": (PLAIN + "  Set v 1\n  R core.ADD $v 1 ->x\n  J x\n", 4, "may read with $"),
    "unknown input": (PLAIN + "  Set who $who\n  J who\n", 3, "may read with $"),
    "input without an endpoint": (PLAIN + "  Set body $body\n  J body\n", 3, "may read with $"),
    "input in a scheduled label": (
        'S core web /a\nE /x P ->L_e ->out\nCr L_t "0 8 * * *"\nL_e:\n  Call L_t ->out\n  J out\n'
        "L_t:\n  Set body $body\n  J body\n",
        8,
        "no endpoint starts",
    ),
    # Set on every path
    "set on one path": (
        PLAIN + '  R cache.GET "a" "b" ->on\n  If on ->L_y ->L_n\nL_y:\n  Set v 1\n  Call L_e ->r\n  J r\n'
        "L_n:\n  Call L_e ->r\n  J r\nL_e:\n  R core.ADD v 1 ->w\n  J w\n",
        13,
        "'v' is not set on every path",
    ),
    "set from itself": (PLAIN + "  Set v v\n  J v\n", 3, "not set on every path"),
    "computed from itself": (PLAIN + "  R core.ADD v 1 ->v\n  J v\n", 3, "not set on every path"),
    "operand set later": (PLAIN + "  R core.ADD v 1 ->x\n  Set v 1\n  J x\n", 3, "not set on every path"),
    "callee reads the result of its call": (PLAIN + "  Call L_c ->v\n  J v\nL_c:\n  J v\n", 6, "not set on every path"),
    "callee's variable": (PLAIN + "  Call L_c ->v\n  R core.ADD w 1 ->x\n  J x\nL_c:\n  Set w 1\n  J w\n", 4, "'w'"),
    "handler reads what the failing step sets": (
        PLAIN + GET + "  Err @n1 ->L_h\n  J resp\nL_h:\n  J resp\n",
        7,
        "'resp' is not set on every path",
    ),
    "handler reads what comes after the failing step": (
        PLAIN + GET + "  Set v 1\n  Err @n1 ->L_h\n  J resp\nL_h:\n  J v\n",
        8,
        "'v' is not set on every path",
    ),
    "error outside a handler": (PLAIN + "  J _error\n", 3, "_error is set only in an Err handler"),
    "error as operand outside": (PLAIN + '  R core.CONCAT "e " _error ->x\n  J x\n', 3, "_error is set only"),
    "endpoint result never set": (WEB + "  J out\n", 4, "bare word 'out'"),
    "runtime's own name": (PLAIN + "  J _role\n", 3, "bare word '_role'"),
    # Labels
    "cycle through Call": (PLAIN + "  Call L_m ->x\n  J x\n", 3, "no loops"),
    "cycle through If": (
        PLAIN + "  Set x 1\n  If x ->L_a ->L_b\nL_a:\n  If x ->L_m ->L_b\nL_b:\n  J 1\n",
        6,
        "no loops",
    ),
    "cycle through Err": (PLAIN + GET + "  Err @n1 ->L_m\n  J resp\n", 4, "no loops"),
    "unreachable": (PLAIN + "  J 1\nL_z:\n  J 2\n", 4, "L_z is never reached"),
    "not scheduled": ('S core cron\nCr L_b "0 8 * * *"\nL_a:\n  J 1\nL_b:\n  J 2\n', 3, "L_a is never reached"),
    "scheduled label is missing": ('S core cron\nCr L_z "0 8 * * *"\nL_a:\n  J 1\n', 2, "L_z does not exist"),
    "entry without an end": (PLAIN + "  Set x 1\n", 3, "must end in J or If"),
    "missing else": (PLAIN + "  Set x 1\n  If x ->L_a\nL_a:\n  J 1\n", 4, "both branches"),
    # Conditions
    "literal condition": (PLAIN + "  If true ->L_a ->L_a\nL_a:\n  J 1\n", 3, "If cannot read 'true'"),
    "comparison": (PLAIN + "  Set x 1\n  If x>3 ->L_a ->L_a\nL_a:\n  J 1\n", 4, "compare first"),
    "not equal": (PLAIN + "  Set x 1\n  If x!=3 ->L_a ->L_a\nL_a:\n  J 1\n", 4, "If cannot read"),
    "double equals": (PLAIN + "  Set x 1\n  If x==3 ->L_a ->L_a\nL_a:\n  J 1\n", 4, "with one ="),
    "compared with nothing": (PLAIN + "  Set x 1\n  If x= ->L_a ->L_a\nL_a:\n  J 1\n", 4, "and a value"),
    "compared with a variable": (PLAIN + "  Set x 1\n  Set y 1\n  If x=y ->L_a ->L_a\nL_a:\n  J 1\n", 5, "core.EQ"),
    "compared with a decimal": (PLAIN + "  Set x 1\n  If x=1.50 ->L_a ->L_a\nL_a:\n  J 1\n", 4, "compares text"),
    "question after a value": (PLAIN + "  Set x 1\n  If x=on? ->L_a ->L_a\nL_a:\n  J 1\n", 4, "must not end in ?"),
    # Verbs
    "verb that always fails": (PLAIN + "  R core.AND 1 1 ->x\n  J x\n", 3, "core.AND does not run"),
    "verb without a backend": (PLAIN + "  R redis.GET k ->x\n  J x\n", 3, "cannot run here"),
    "inbox": (PLAIN + '  R email.G "in" ->x\n  J x\n', 3, "mailto:"),
    # Err and Retry
    "bare Err": (PLAIN + GET + "  Err ->L_h\n  J resp\nL_h:\n  J 1\n", 4, "write Err @n1"),
    "Err without at sign": (PLAIN + GET + "  Err n1 ->L_h\n  J resp\nL_h:\n  J 1\n", 4, "write Err @n1"),
    "second Err of a step": (
        PLAIN + GET + "  Err @n1 ->L_h\n  Err @n1 ->L_i\n  J resp\nL_h:\n  J 1\nL_i:\n  J 2\n",
        5,
        "has one Err already",
    ),
    "Err of a Set": (PLAIN + "  Set x 1\n  Err @n1 ->L_h\n  J x\nL_h:\n  J 1\n", 4, "Err must name an R step"),
    "Err of a Call": (
        PLAIN + "  Call L_c ->x\n  Err @n1 ->L_h\n  J x\nL_c:\n  J 1\nL_h:\n  J 1\n",
        4,
        "Err must name an R step",
    ),
    "retry zero times": (PLAIN + GET + "  Retry @n1 0 100\n  J resp\n", 4, "write Retry @n1"),
    "retry in words": (PLAIN + GET + "  Retry @n1 three 100\n  J resp\n", 4, "write Retry @n1"),
    "unknown backoff": (PLAIN + GET + "  Retry @n1 3 100 linear\n  J resp\n", 4, "write Retry @n1"),
    "retry without numbers": (PLAIN + GET + "  Retry @n1\n  J resp\n", 4, "write Retry @n1"),
    # Declarations
    "six cron fields": ('S core cron\nCr L_m "0 0 8 * * *"\nL_m:\n  J 1\n', 2, "five fields"),
    "minute out of range": ('S core cron\nCr L_m "60 8 * * *"\nL_m:\n  J 1\n', 2, "minute field '60'"),
    "day zero": ('S core cron\nCr L_m "0 8 0 * *"\nL_m:\n  J 1\n', 2, "day field '0'"),
    "empty range": ('S core cron\nCr L_m "0 17-9 * * *"\nL_m:\n  J 1\n', 2, "hour field '17-9'"),
    "step zero": ('S core cron\nCr L_m "*/0 * * * *"\nL_m:\n  J 1\n', 2, "minute field '*/0'"),
    "bare schedule": ("S core cron\nCr L_m 0 8 * * *\nL_m:\n  J 1\n", 2, "one quoted text"),
    "schedule in a plain program": ('S app core noop\nCr L_m "0 8 * * *"\nL_m:\n  J 1\n', 2, "Cr needs S core cron"),
    "cron service without a schedule": ("S core cron\nL_m:\n  J 1\n", 1, "needs a schedule"),
    "web service without an endpoint": ("S core web /a\nL_m:\n  J 1\n", 1, "needs an endpoint"),
    "unknown service": ("S my service\nL_m:\n  J 1\n", 1, "write S app core noop"),
    "service not first": ("D U a:I\nS app core noop\nL_m:\n  J 1\n", 1, "first line must be S"),
    "unknown method": ("S core web /a\nE /x FETCH ->L_m ->o\nL_m:\n  Set o 1\n  J o\n", 2, "METHOD one of"),
    "unknown field type": ("S app core noop\nD U a:Q\nL_m:\n  J 1\n", 2, "is not name:type"),
    "reserved variable": (PLAIN + "  R core.ADD 1 2 ->_error\n  J 1\n", 3, "the arrow bare and last"),
    "constant as variable": (PLAIN + "  Set true 1\n  J 1\n", 3, "write Set variable value"),
}


@pytest.mark.parametrize("name", REJECTS)
def test_rule_rejects(name: str) -> None:
    source, line, words = REJECTS[name]
    found = verdict(source)
    assert found.strict_ainl, found.reasons
    assert not found.canonical
    assert found.reasons[0].line == line, found.reasons
    assert words in found.reasons[0].message
    assert all(len(reason.message) <= 100 for reason in found.reasons), found.reasons


def test_reasons_tell_the_first_level_that_fails() -> None:
    open_string = verdict(PLAIN + '  J "x\n')
    assert (open_string.nonempty, open_string.runtime_compile, open_string.strict_compile) == (True, False, False)
    assert [(reason.line, reason.code) for reason in open_string.reasons] == [(3, "unterminated-string")]
    undefined = verdict(PLAIN + "  R core.AND 1 2 ->y\n  J x\n")
    assert (undefined.runtime_compile, undefined.strict_compile, undefined.strict_ainl) == (True, False, False)
    assert [reason.line for reason in undefined.reasons] == [4]
    both = verdict(PLAIN + "  R core.AND 1 2 ->y\n  J 007 1\n")
    assert [reason.line for reason in both.reasons] == [3, 4]


def test_runnable_verbs_are_allowed_by_strict_mode() -> None:
    assert set(ADAPTER_EFFECTS) >= RUNNABLE
    assert sum(verb.startswith("core.") for verb in RUNNABLE) == 47
    assert len(RUNNABLE) == 47 + 7 + 2 + 4 + 2 + 1 + 6 + 3 + 7 + 6


@pytest.mark.parametrize("verb", sorted(RUNNABLE))
def test_every_runnable_verb_is_canonical(verb: str) -> None:
    assert verdict(PLAIN + f'  R {verb} "some text" _ ->x\n  J x\n').reasons == ()


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("-5", -5), ("007", 7), (".5", 0.5), ("5.", 5.0), ("1e5", 1e5), ("true", True), ("null", None)]
    + [(word, word) for word in ("+3", "1_000", "0x10", "True", "nan", "a1", "", "--5", "²", "1.2.3", "-")],
)
def test_constants_are_those_of_the_runtime(text: str, value: object) -> None:
    assert constant(text) == value
    assert type(constant(text)) is type(value)


def test_numbers() -> None:
    assert all(is_number(word) for word in ("0", "-1", "3.5", ".5", "1e5", "0.25"))
    assert not any(is_number(word) for word in ("007", "1e999", "true", "null", "x", "-01", ""))


_WORDS = (
    "S app core noop cron web /a D E Cr Sc L_a: L_b: R Set If Call J Err Retry @n1 @n2 ->L_a ->L_b ->x ->y x y x? x=1 "
    'core.ADD http.GET queue.PUT "x" "t" 1 2 null _error $body "0 8 * * *" junk # \'{"a":1}\''
).split(" ")


@given(st.lists(st.sampled_from([*_WORDS, "\n", "\n", "\n"]), max_size=40).map(" ".join))
@settings(max_examples=300, deadline=None)
def test_any_soup_gets_a_verdict(source: str) -> None:
    found = verdict(source)
    ladder = [found.nonempty, found.runtime_compile, found.strict_compile, found.strict_ainl, found.canonical]
    assert ladder == sorted(ladder, reverse=True)
    assert found.canonical == (found.reasons == ())
    if found.canonical:
        assert compile_program(source, strict=True).ok
        assert verdict(canonicalize(source).text).canonical


def test_a_long_chain_of_labels_is_no_deep_recursion() -> None:
    count = 1500
    chain = "".join(f"L_a{n}:\n  Call L_a{n + 1} ->x\n  J x\n" for n in range(count))
    # Our own part alone: on this many labels the compiler would take seconds.
    lines = [Line(1, Word("S"), (Word("app"), Word("core"), Word("noop")), None)]
    label = None
    for number, text in enumerate((chain + f"L_a{count}:\n  J 1\n").splitlines(), 2):
        words = [Word(word) for word in text.split()]
        label = words[0].text[:-1] if words[0].text.endswith(":") else label
        lines.append(Line(number, words[0], tuple(words[1:]), label))
    program, problems = read_program(tuple(lines))
    assert problems == []
    assert check_flow(program) == []


def test_a_verdict_takes_a_few_milliseconds() -> None:
    source = (
        'S core cron\nCr L_t "*/5 * * * *"\nL_t:\n' + GET + "  Retry @n1 2 100\n  Err @n1 ->L_c\n"
        '  R core.GET resp "status" ->code\n  R core.GTE code 500 ->down\n  If down ->L_a ->L_b\n'
        'L_a:\n  R queue.PUT "ops" "service down" ->m\n  J m\nL_b:\n  J "fine"\nL_c:\n  J "failed"\n'
    )
    assert verdict(source).canonical
    times = []
    for _ in range(20):
        verdict.cache_clear()
        start = time.process_time()
        verdict(source)
        times.append(time.process_time() - start)
    assert min(times) < 0.010
