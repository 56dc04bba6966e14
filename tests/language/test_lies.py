"""Good programs are canonical; the reference compiler's lies (facts, section F) are not, although it accepts them."""

import pytest

from ainl_align.language.compiler import compile_program
from ainl_align.language.semantics import verdict

PLAIN = "S app core noop\nL_main:\n"

GOOD: dict[str, str] = {
    "literal": PLAIN + '  J "done"\n',
    "number": PLAIN + "  J -3.5\n",
    "null": PLAIN + "  J null\n",
    "two steps": PLAIN + "  R core.ADD 1 2 ->sum\n  R core.MUL sum 10 ->big\n  J big\n",
    "comments and blanks": "# note\n\nS app core noop # plain\n\nL_main:\n\tR core.NOW _ ->now # clock\n  J now",
    "numeric label": "S app core noop\nL1:\n  J 1\n",
    "several assignments": PLAIN + "  Set x 1\n  R core.ADD x 1 ->x\n  Set y x\n  J y\n",
    "structure": PLAIN + '  R core.PARSE \'{"a": [1, 2]}\' ->obj\n  R core.GET obj "a.0" ->first\n  J first\n',
    "bare url and path": PLAIN
    + "  R http.GET https://api.example.com/v1?x=1 ->resp\n  R fs.READ data/in.csv ->text\n  J text\n",
    "hash in a string": PLAIN + '  R http.GET "https://e.com/a#b" ->resp\n  J resp\n',
    "scheduled with branches": (
        'S core cron\nCr L_tick "*/5 * * * *"\nL_tick:\n  R http.GET "https://h/stat" ->resp\n'
        '  R core.GET resp "status" ->code\n  R core.GTE code 500 ->is_down\n  If is_down ->L_alert ->L_quiet\n'
        'L_alert:\n  R queue.PUT "ops" "service down" ->msg\n  J msg\nL_quiet:\n  J "fine"\n'
    ),
    "retry and handler": (
        PLAIN + '  R http.POST "https://h/sync" "go" ->resp\n  Retry @n1 2 100 exponential\n  Err @n1 ->L_fail\n'
        '  J resp\nL_fail:\n  Set out "gave_up"\n  J out\n'
    ),
    "handler that reads the error": (
        PLAIN + '  Set who "ops team"\n  R queue.PUT "q" "job" ->sent\n  Retry @n2 3 0\n  Err @n2 ->L_fail\n  J sent\n'
        'L_fail:\n  R queue.PUT "errors" _error ->logged\n  J who\n'
    ),
    "handler leads on": (
        PLAIN + '  Set base 1\n  R http.GET "https://h/" ->resp\n  Err @n2 ->L_fail\n  If resp ->L_ok ->L_ok\n'
        "L_fail:\n  If _error ->L_ok ->L_ok\nL_ok:\n  J base\n"
    ),
    "types and scrape": (
        'S core cron\nD User id:I name:S? tags:A[S]! kind:E[a,b]\nSc shop "https://e.com/p" title=.t\n'
        'Cr L_tick "0 8 * * 1-5"\nL_tick:\n  J "tick"\n'
    ),
    "endpoint": (
        "S core web /api\nD User id:I name:S?\nE /users G ->L_users ->users\nL_users:\n"
        '  R sqlite.QUERY "SELECT id, name FROM users" ->users\n  J users\n'
    ),
    "endpoint that branches through Call": (
        'S core web /api\nE /in P ->L_in ->out\nL_in:\n  Set body $body\n  R core.GET body "email" ->mail\n'
        "  Call L_pick ->out\n  J out\nL_pick:\n  If mail ->L_ok ->L_bad\n"
        'L_ok:\n  R queue.PUT "signups" mail ->sent\n  J "stored"\nL_bad:\n  J "no mail address"\n'
    ),
    "two endpoints": (
        "S core web /api\nE /a G ->L_a ->x\nE /a P ->L_b ->y\nL_a:\n  Set query $query\n  Set x query\n  J x\n"
        "L_b:\n  Set y 1\n  J y\n"
    ),
    "email": (
        PLAIN + '  R http.GET "https://wttr.example.com/seattle" ->resp\n  R core.GET resp "body.summary" ->line\n'
        '  R core.CONCAT "Seattle: " line ->text\n  R queue.PUT "mailto:ops@example.com" text ->sent\n  J sent\n'
    ),
    "conditions": (
        PLAIN + '  R cache.GET "app" "mode" ->state\n  If state=on ->L_a ->L_b\nL_a:\n  If state? ->L_c ->L_d\n'
        'L_b:\n  If "state=half way" ->L_c ->L_d\nL_c:\n  If state=5 ->L_d ->L_e\nL_d:\n  If state=true ->L_e ->L_e\n'
        "L_e:\n  J state\n"
    ),
    "set on every path": (
        PLAIN + '  R cache.GET "app" "flag" ->on\n  If on ->L_yes ->L_no\nL_yes:\n  Set n 1\n  Call L_end ->r\n  J r\n'
        "L_no:\n  Set n 2\n  Call L_end ->r\n  J r\nL_end:\n  R core.ADD n 1 ->m\n  J m\n"
    ),
    "two schedules": (
        'S core cron\nCr L_a "0 0 1 jan *"\nCr L_b "0,30 9-17/2 * * mon-fri"\nL_a:\n  J 1\nL_b:\n  J 2\n'
    ),
}

_BODY = "  R core.ADD 1 2 ->x\n  J x\n"

# name -> (source, whether the reference compiler's strict mode accepts it without a word). All are worthless.
LIES: dict[str, tuple[str, bool]] = {
    "empty": ("", True),
    "blanks only": (" \n\t\n", True),
    "comments only": ("# S app core noop\n# done\n", True),
    "S only": ("S app core noop\n", True),
    "prose": ("Sure! Here is the program you asked for\n", True),
    "prose before a program": ("Here is your program\n" + PLAIN + _BODY, True),
    "prose after a program": (PLAIN + _BODY + "I hope this helps\n", False),
    "fenced code": ("```ainl\n" + PLAIN + _BODY + "```\n", False),
    "fence on top": ("```ainl\n" + PLAIN + _BODY, True),
    "Python": ("import os\nprint(42)\n", True),
    "Python function": ("def main(x):\n    return x\n", True),
    "JSON": ('{\n  "steps": 3\n}\n', True),
    "HTML": ("<html>\n<body>hi</body>\n</html>\n", True),
    "byte order mark": ("\ufeffS app core noop\nL_main:\n" + _BODY, True),
    "include not on top": ('S app core noop\ninclude "x"\nL_main:\n' + _BODY, True),
    "cron nonsense": ("Cr D */*/* * * * *\n", True),
    "cron nonsense in a program": ('S core cron\nCr L_t "*/*/* * * * *"\nL_t:\n  J 1\n', True),
    "cron to nowhere": ('S core cron\nCr L_gone "0 8 * * *"\nL_t:\n  J 1\n', True),
    "declaration words dropped": ("S app core noop\nD R c x y\nL_main:\n" + _BODY, True),
    "D R c x y alone": ("D R c x y\n", True),
    "scrape words dropped": ('S core cron\nSc s "https://h" .t\nCr L_t "0 8 * * *"\nL_t:\n  J 1\n', True),
    "one-line U": ("U dashboard\n", True),
    "one-line P": ("S app core noop\nP plan 10 usd\nL_main:\n" + _BODY, True),
    "one-line Q": ("S app core noop\nQ jobs 10\nL_main:\n" + _BODY, True),
    "one-line C": ("S app core noop\nC c key 60\nL_main:\n" + _BODY, True),
    "one-line A": ("S app core noop\nA jwt hdr\nL_main:\n" + _BODY, True),
    "one-line Ver": ("Ver 2.0.0\n" + PLAIN + _BODY, True),
    "one-line Desc": ('Desc /x "words"\n' + PLAIN + _BODY, True),
    "one-line ops.Env": ("ops.Env KEY\n" + PLAIN + _BODY, True),
    "one-line T without U": ("T x\n" + PLAIN + _BODY, True),
    "surplus in J": (PLAIN + "  J 1 2 3\n", True),
    "surplus in Set": (PLAIN + '  Set x "a" "b"\n  J x\n', True),
    "surplus in If": (PLAIN + "  If true ->L_a ->L_a ->L_a\nL_a:\n  J 1\n", True),
    "surplus in Call": (PLAIN + "  Call L_a ->x y\n  J x\nL_a:\n  J 1\n", True),
    "surplus in Retry": (PLAIN + "  R core.NOW _ ->x\n  Retry @n1 2 10 fixed more\n  J x\n", True),
    "surplus in S": ("S app core noop more words\nL_main:\n" + _BODY, True),
    "surplus in E": ("S core web /a\nE /x G ->L_u ->o S words more\nL_u:\n  Set o 1\n  J o\n", True),
    "misplaced arrow": (PLAIN + "  R core.ADD ->x 1 2\n  J res\n", True),
    "no arrow": (PLAIN + "  R core.ADD 1 2\n  J res\n", True),
    "quoted arrow": (PLAIN + '  R core.ADD 1 2 "->x"\n  J x\n', True),
    "arrow to a label": (PLAIN + "  R core.ADD 1 2 ->List\n  J res\n", True),
    "quoted op word": (PLAIN + '  "J" 1\n', True),
    "quoted S": ('"S" app core noop\nL_main:\n' + _BODY, True),
    "overwritten S": ("S app core noop\nS app core noop\nL_main:\n" + _BODY, True),
    "overwritten D": ("S app core noop\nD U a:I\nD U b:I\nL_main:\n" + _BODY, True),
    "overwritten E": ("S core web /a\nE /x G ->L_u ->o\nE /x G ->L_u ->o\nL_u:\n  Set o 1\n  J o\n", True),
    "endpoints wiped by a later S": ("S core web /a\nE /x G ->L_u ->o\nS core web /b\nL_u:\n  Set o 1\n  J o\n", True),
    "empty label": (PLAIN, True),
    "label without J": (PLAIN + "  Set x 1\n", True),
    "swallowed label": ("S app core noop\nL_main :\n" + _BODY, True),
    "numbered line as label": ("S app core noop\n1:\n" + _BODY, True),
    "label renamed at run time": ("S app core noop\nLL1:\n" + _BODY, True),
    "If without else": (PLAIN + "  Set x 1\n  If x ->L_a\nL_a:\n  J x\n", True),
    "inline label": ("S app core noop\nL_main: R core.ADD 1 2 ->x J x\n", True),
    "inline label with junk": ("S app core noop\nL_main: junk R core.ADD 1 2 ->x words J 1\n", True),
    "compact syntax": ("main:\n  x = core.ADD 1 2\n  out x\n", True),
    "split verb": (PLAIN + "  R core ADD 1 2 ->x\n  J x\n", True),
    "lower-case verb": (PLAIN + "  R core.add 1 2 ->x\n  J x\n", True),
    "compatibility op": (PLAIN + "  Set x 1\n  CacheGet c k x\n  J x\n", False),
    "steps before a label": ("S app core noop\nR core.ADD 1 2 ->x\nJ x\n", True),
    "carriage returns": ("S app core noop\r\nL_main:\r\n  J 1\r\n", True),
    "comparison in If": (PLAIN + "  Set x 1\n  If x>3 ->L_a ->L_b\nL_a:\n  J 1\nL_b:\n  J 2\n", True),
    "expression in Set": (PLAIN + "  Set x (core.add 1 2)\n  J x\n", True),
    "dotted access": (
        PLAIN + '  R http.GET "https://h/" ->resp\n  If resp.ok ->L_a ->L_b\nL_a:\n  J 1\nL_b:\n  J 2\n',
        True,
    ),
    "typo as operand": (PLAIN + "  R core.ADD 1 2 ->total\n  R core.ECHO totl ->x\n  J x\n", True),
    "list that is a text": (PLAIN + "  R core.LEN [1,2] ->x\n  J x\n", True),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_program(name: str) -> None:
    found = verdict(GOOD[name])
    assert found.reasons == ()
    assert (found.nonempty, found.runtime_compile, found.strict_compile, found.strict_ainl, found.canonical) == (
        True,
    ) * 5


@pytest.mark.parametrize("name", LIES)
def test_lie_is_caught(name: str) -> None:
    source, accepted = LIES[name]
    assert compile_program(source, strict=True).ok == accepted
    found = verdict(source)
    assert not found.canonical
    assert found.reasons
    assert all(len(reason.message) <= 100 for reason in found.reasons), found.reasons


NO_SHAPE = [
    "prose",
    "Python",
    "JSON",
    "HTML",
    "fence on top",
    "compact syntax",
    "cron nonsense",
    "S only",
    "one-line U",
]


@pytest.mark.parametrize("name", NO_SHAPE)
def test_lie_without_shape_is_not_strict_ainl(name: str) -> None:
    found = verdict(LIES[name][0])
    assert found.strict_compile
    assert not found.strict_ainl


def test_nothing_is_false_from_the_start() -> None:
    for name in ("empty", "blanks only", "comments only"):
        found = verdict(LIES[name][0])
        assert not (found.nonempty or found.runtime_compile or found.strict_compile or found.strict_ainl)
