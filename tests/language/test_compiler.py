"""The door to the reference compiler: verdicts, diagnostics with lines, no side effects."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ainl_align.language.compiler import ADAPTER_EFFECTS, Diagnostic, compile_program

HEAD = "S app core noop\nL_m:\n"
GOOD = HEAD + "  R core.ADD 1 2 ->x\n  J x\n"


def test_good_program_has_an_ir_and_no_findings() -> None:
    for strict in (True, False):
        compiled = compile_program(GOOD, strict=strict)
        assert compiled.ok
        assert compiled.errors == compiled.warnings == ()
        assert compiled.ir is not None
        assert list(compiled.ir["labels"]) == ["_m"]


@pytest.mark.parametrize(
    ("source", "line", "code"),
    [
        (HEAD + '  J "open\n', 3, "unterminated-string"),
        (HEAD + "  J 'open\n", 3, "unterminated-string"),
        (HEAD + "  J x\n", 3, "undefined"),
        (HEAD + "  R core.ADD 1 2 ->x\n\n  R core.ADDX 1 2 ->y\n  J x\n", 5, "unknown-verb"),
        (HEAD + "  If true ->L_a ->L_b\nL_a:\n  J 1\n", 3, "missing-label"),
        (HEAD + "  If true ->yes ->L_b\nL_b:\n  J 1\n", 3, "missing-label"),
        (HEAD + "  Call L_gone ->x\n  J x\n", 3, "missing-label"),
        ("S core web /a\nE /x G ->L_gone ->out\nL_m:\n  J 1\n", 2, "missing-label"),
        ("S core web /a\nE /x G ->L_u ->out\nL_u:\n  If true ->L_m ->L_m\nL_m:\n  J 1\n", 2, "endpoint-label"),
        ("S core web /a\nE /x G ->L_u ->out\nL_u:\n  J 1\n", 2, "endpoint-return"),
        ("S core web /a\nE /x G L_u ->out\nL_u:\n  J out\n", 2, "endpoint-target"),
        (HEAD + "  If true ->L_a ->L_a\nL_a:\n  Set x 1\n", 4, "label-ending"),
        (HEAD + "  If true ->L_a ->L_a\nL_a:\n", 4, "empty-label"),
        (HEAD + '  J 1\nCr L_m "0 8 * * *"\n', 4, "stray-line"),
        ("Done. Here it is\n" + GOOD, 1, "unknown-word"),
        (HEAD + "  J 1\n```\n", 4, "stray-line"),
        ("S app core noop\nSet x 1\nL_m:\n  J 1\n", 2, "outside-label"),
        (HEAD + "  If x\n", 3, "arity"),
        (HEAD + "  J 1\nL_m:\n  J 2\n", 4, "duplicate-label"),
        (HEAD + "  J [1,2]\n", 3, "inline-json"),
        (HEAD + "  R core.ADD 1 2 ->x\n  Err @n9 ->L_h\n  J x\nL_h:\n  J 0\n", 4, "node-reference"),
        (HEAD + "  R core.ADD 1 2 ->x\n  Retry @n1 1 1\n  Err @n2 ->L_h\n  J x\nL_h:\n  J 0\n", 4, "node-reference"),
        (HEAD + "  J 1\n  J 2\n", 3, "after-end"),
        (
            HEAD + '  R http.GET "https://h/" ->x\n  Err @n1 ->L_h\n  J x\nL_h:\n  R queue.PUT "q" "t" ->y\n  J y\n',
            4,
            "handler-effects",
        ),
        (HEAD + "  R core.ADD 1 2 ->x\n  Err @n1\n  J x\n", 4, "err-handler"),
        (HEAD + "  Call L_a x\n  J x\nL_a:\n  J 1\n", 3, "call-result"),
        ('include "/etc/passwd" as p\n' + GOOD, 1, "include"),
    ],
)
def test_errors_become_short_diagnostics_with_their_line(source: str, line: int, code: str) -> None:
    compiled = compile_program(source, strict=True)
    assert not compiled.ok
    assert (line, code) in [(error.line, error.code) for error in compiled.errors]
    assert all(len(error.message) <= 120 for error in compiled.errors)


def test_default_mode_is_milder() -> None:
    source = HEAD + "  J x\n"
    assert compile_program(source, strict=False).ok
    assert not compile_program(source, strict=True).ok


def test_warnings_carry_code_and_line() -> None:
    compiled = compile_program(HEAD + "  R core.add 1 2 ->x\n  J x\n", strict=True)
    assert compiled.ok
    assert [(warning.line, warning.code) for warning in compiled.warnings] == [(3, "lowercase-verb")]


def test_include_reads_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "part.ainl").write_text("L_x:\n  J 1\n")
    monkeypatch.chdir(tmp_path)
    compiled = compile_program('include "part.ainl" as part\n' + GOOD, strict=True)
    assert not compiled.ok
    assert compiled.ir is not None
    assert not [label for label in compiled.ir["labels"] if "part" in label]


def test_nothing_is_kept_between_programs() -> None:
    first = compile_program(GOOD, strict=True)
    compile_program("S core web /a\nE /x G ->L_u ->o\nL_u:\n  Set o 1\n  J o\n", strict=True)
    compile_program(HEAD + '  J "open\n', strict=True)
    assert compile_program(GOOD, strict=True) == first


def test_diagnostic_reads_as_one_sentence() -> None:
    assert str(Diagnostic(3, "c", "it is so")) == "line 3: it is so"
    assert str(Diagnostic(None, "c", "it is so")) == "it is so"


def test_effects_come_from_the_reference_package() -> None:
    assert len(ADAPTER_EFFECTS) == 305
    assert (ADAPTER_EFFECTS["http.POST"], ADAPTER_EFFECTS["core.ADD"], ADAPTER_EFFECTS["db.F"]) == (
        "http",
        "compute",
        "db_read",
    )
    assert "email.SEND" not in ADAPTER_EFFECTS


@given(
    st.one_of(
        st.text(max_size=60), st.lists(st.sampled_from([*GOOD.split(), "\n", '"', "'"]), max_size=25).map(" ".join)
    )
)
@settings(max_examples=200, deadline=None)
def test_never_raises_and_strict_only_adds_errors(source: str) -> None:
    strict, default = compile_program(source, strict=True), compile_program(source, strict=False)
    assert strict.ok == (strict.errors == ())
    assert default.ok or not strict.ok


def test_import_has_no_side_effects(tmp_path: Path) -> None:
    code = (
        "import os, sys, threading; before = dict(os.environ)\n"
        "import ainl_align.language.semantics as s\n"
        "assert s.verdict('S app core noop\\nL_m:\\n  J 1\\n').canonical\n"
        "assert dict(os.environ) == before and threading.active_count() == 1\n"
        "assert not {'torch', 'transformers', 'runtime'} & set(sys.modules)"
    )
    source = Path(__file__).parents[2] / "src"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(source)}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
