"""The cycle's settings: every checked-in file, the 17 arguments, and every way to get them wrong."""

from pathlib import Path

import pytest

from ainl_align.config import POSITIONAL, ROOT, CycleSettings, from_positional, load
from ainl_align.errors import UserError

CONFIGS = sorted((ROOT / "configs").glob("*.toml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_checked_in_config_parses(path: Path) -> None:
    settings = load(path)
    assert settings.adapter_out.is_absolute()
    # A config that sets max_new_tokens keeps the cycle from raising it: the smoke cycle alone wants that, to be short.
    assert settings.budget_given == (path.stem == "smoke")


def test_cycle_config_is_the_defaults() -> None:
    assert load(ROOT / "configs/cycle.toml") == CycleSettings()


def test_the_smoke_config_leaves_a_real_cycles_files_alone() -> None:
    smoke, cycle = load(ROOT / "configs/smoke.toml"), CycleSettings()
    assert smoke.corpus_dir != cycle.corpus_dir
    assert smoke.adapter_out != cycle.adapter_out


def test_paths_in_a_file_are_relative_to_the_repository(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('adapter_out = "models/mine"\n', encoding="utf-8")
    assert load(path).adapter_out == ROOT / "models/mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epochs = 1\nepoch = 2\n", "line 2: unknown key 'epoch' (did you mean 'epochs'?)"),
        ('epochs = 1\nseed = "x"\n', "line 2: seed:"),
        ('epochs = "2"\n', "line 1: epochs:"),
        ("epochs = 0\n", "line 1: epochs:"),
        ("epochs = nan\n", "line 1: epochs:"),
        ("top_k = 2.5\n", "line 1: top_k:"),
        ("top_k = true\n", "line 1: top_k:"),
        ("min_strict_rate = 1.2\n", "line 1: min_strict_rate:"),
        ("max_regression_strict = -0.1\n", "line 1: max_regression_strict:"),
        ("distill_mode = 2\n", "line 1: distill_mode:"),
        ('quantization_mode = "int4"\n', "line 1: quantization_mode:"),
        ('profile = "slow"\n', "line 1: profile:"),
        ("seed = 2026-01-01\n", "line 1: seed:"),
        ("[gate]\npolicy = 1\n", "line 1: unknown key 'gate'"),
        ("epochs = \n", "line 1"),
    ],
)
def test_a_bad_file_names_file_line_and_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_a_missing_file_and_one_that_is_no_text(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read as UTF-8"):
        load(tmp_path / "bytes.toml")


def test_empty_positional_arguments_are_the_defaults() -> None:
    assert from_positional([]) == CycleSettings()
    assert from_positional([""] * 17) == CycleSettings()
    assert not from_positional([""] * 17).budget_given


def test_all_positional_arguments_arrive() -> None:
    words = ["out", "2", "0.5", "64", "0", "7", "1", "r.json", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"]
    settings = from_positional([*words, "dynamic-int8", "10", "20"])
    values = [getattr(settings, name) for name in POSITIONAL]
    expected = [2, 0.5, 64, 0, 7, 1, Path("r.json"), 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, "dynamic-int8", 10, 20]
    assert values == [Path("out"), *expected]
    assert settings.budget_given


def test_a_given_budget_counts_as_given_even_when_it_is_the_default() -> None:
    assert from_positional(["", "", "", "40"]).budget_given


def test_positional_arguments_go_over_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("epochs = 5\ntop_k = 9\n", encoding="utf-8")
    settings = from_positional(["", "", "1"], load(path))
    assert (settings.epochs, settings.top_k) == (1, 9)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (2, "many"),
        (2, "0"),
        (2, "2.5"),
        (3, "two"),
        (3, "-1"),
        (3, "nan"),
        (3, "inf"),
        (4, "0"),
        (5, "2"),
        (5, "yes"),
        (6, "-3"),
        (7, "0"),
        (9, "1.01"),
        (10, "-0.5"),
        (11, "60%"),
        (12, "x"),
        (13, "2"),
        (14, "nan"),
        (15, "int8"),
        (16, "0"),
        (17, "1e9"),
    ],
)
def test_a_bad_positional_argument_is_named_by_number_and_name(number: int, value: str) -> None:
    with pytest.raises(UserError) as caught:
        from_positional([*[""] * (number - 1), value])
    assert f"argument {number} ({POSITIONAL[number - 1].upper()})" in str(caught.value)
    assert repr(value) in str(caught.value)


def test_more_than_17_arguments_are_refused() -> None:
    with pytest.raises(UserError, match=r"argument 18 .*at most 17"):
        from_positional([""] * 18)
