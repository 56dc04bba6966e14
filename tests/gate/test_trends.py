"""The gate on real report files, by plain comparison: verdicts, comparability, what must never pass."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ainl_align.artifacts import read_json
from ainl_align.errors import ExitCode, UserError
from ainl_align.gate import trends
from ainl_align.progress import Progress

MakeReport = Callable[..., Path]
DAY = "2026-01-{:02d}T00:00:00+00:00"


def judge(folder: Path, **options: Any) -> dict[str, Any]:
    options = {"policy": "point", "reports_dir": folder, "output_json": folder / "out" / "trends.json", **options}
    settings = trends.Settings(**options)
    return trends.run(settings, Progress())


def gate_of(folder: Path, **options: Any) -> dict[str, Any]:
    gate: dict[str, Any] = judge(folder, **options)["summary"]["gate"]
    return gate


def test_passes_and_writes_the_trend(tmp_path: Path, make_report: MakeReport) -> None:
    make_report("model_eval_report_a.json")
    content = judge(tmp_path)
    assert content["summary"]["gate"]["passed"]
    assert content["summary"]["gate"]["certified"] is False
    written = read_json(tmp_path / "out" / "trends.json", "model_eval_trends")
    assert written["summary"]["latest"]["path"].endswith("model_eval_report_a.json")
    assert written["summary"]["previous"] is None
    assert any("no previous comparable report" in note for note in written["summary"]["gate"]["notes"])
    assert any("uncertified" in note for note in written["summary"]["gate"]["notes"])


@pytest.mark.parametrize(
    ("metric", "passed", "option"),
    [
        ("strict_ainl", 7, {}),
        ("runtime_compile", 8, {}),
        ("nonempty", 8, {}),
        ("task_success", 5, {"min_lora_task_success_rate": 0.5}),
        ("canonical", 5, {"min_lora_canonical_rate": 0.5}),
    ],
)
def test_each_floor_fails_alone(
    tmp_path: Path, make_report: MakeReport, metric: str, passed: int, option: dict[str, float]
) -> None:
    make_report("model_eval_report.json", **{metric: passed})
    gate = gate_of(tmp_path, **option)
    assert gate["status"] == "fail"
    assert len(gate["failures"]) == 1
    assert gate["failures"][0].startswith(f"{metric}_rate")
    assert "bounds" in gate["failures"][0]


def test_a_rate_on_its_floor_passes(tmp_path: Path, make_report: MakeReport) -> None:
    make_report("model_eval_report.json", n=20, strict_ainl=12)
    assert gate_of(tmp_path)["passed"]


def test_a_drop_of_exactly_the_margin_passes_and_more_fails(tmp_path: Path, make_report: MakeReport) -> None:
    make_report("model_eval_report_1.json", n=20, created=DAY.format(1), strict_ainl=14)
    make_report("model_eval_report_2.json", n=20, created=DAY.format(2), strict_ainl=13)
    assert gate_of(tmp_path)["passed"]
    make_report("model_eval_report_3.json", n=20, created=DAY.format(3), strict_ainl=13, nonempty=18)
    gate = gate_of(tmp_path)
    assert {failure.split()[0] for failure in gate["failures"]} == {"nonempty_rate"}
    assert {check["against"] for check in gate["checks"]} == {None, "previous", "first"}


def test_order_is_the_reports_own_time_not_names_or_file_times(tmp_path: Path, make_report: MakeReport) -> None:
    make_report("model_eval_report_z.json", created=DAY.format(1), strict_ainl=6)
    make_report("model_eval_report_a.json", created=DAY.format(2), strict_ainl=12)
    content = judge(tmp_path)
    assert content["summary"]["gate"]["passed"]
    assert content["summary"]["latest"]["strict_ainl_rate"] == 1.0
    assert content["summary"]["delta_vs_previous"]["strict_ainl_rate"] == 0.5


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt_set_sha256": "a" * 64},
        {"metric_version": 2},
        {"max_new_tokens": 40},
        {"constrained_decoding": False},
        {"quantization_mode": "dynamic-int8"},
    ],
)
def test_reports_of_other_prompts_or_settings_are_not_compared(
    tmp_path: Path, make_report: MakeReport, changes: dict[str, Any]
) -> None:
    make_report("model_eval_report_1.json", created=DAY.format(1), changes=changes)
    make_report("model_eval_report_2.json", created=DAY.format(2), strict_ainl=8, nonempty=9, runtime_compile=9)
    content = judge(tmp_path)
    assert content["summary"]["previous"] is None
    assert content["summary"]["gate"]["passed"]
    assert [row["comparable"] for row in content["latest_rows"]] == [False, True]


def test_comparison_skips_over_an_incomparable_report(tmp_path: Path, make_report: MakeReport) -> None:
    make_report("model_eval_report_1.json", created=DAY.format(1))
    make_report("model_eval_report_2.json", n=1, created=DAY.format(2))
    make_report("model_eval_report_3.json", created=DAY.format(3), strict_ainl=10)
    content = judge(tmp_path)
    assert content["summary"]["previous"]["path"].endswith("_1.json")
    assert not content["summary"]["gate"]["passed"]


def test_a_kept_copy_is_not_its_own_predecessor(tmp_path: Path, make_report: MakeReport) -> None:
    report = make_report("model_eval_report.json")
    make_report("history/model_eval_report_run.json")
    assert report.read_bytes() == (tmp_path / "history/model_eval_report_run.json").read_bytes()
    content = judge(tmp_path, report=report)
    assert content["reports"] == 1
    assert content["summary"]["previous"] is None


def test_certified_needs_evidence(tmp_path: Path, make_report: MakeReport) -> None:
    make_report("model_eval_report.json", n=12, strict_ainl=9)
    assert gate_of(tmp_path)["status"] == "pass"
    assert gate_of(tmp_path, policy="certified")["status"] == "inconclusive"
    make_report("model_eval_report.json", n=200)
    certified = gate_of(tmp_path, policy="certified")
    assert (certified["status"], certified["certified"]) == ("pass", True)
    make_report("model_eval_report.json", n=200, strict_ainl=80)
    assert gate_of(tmp_path, policy="certified")["status"] == "fail"


@pytest.mark.parametrize(
    ("status", "enforce", "code"),
    [
        ("pass", True, ExitCode.OK),
        ("fail", True, ExitCode.GATE_FAIL),
        ("inconclusive", True, ExitCode.GATE_INCONCLUSIVE),
        ("fail", False, ExitCode.OK),
    ],
)
def test_exit_codes(status: str, enforce: bool, code: ExitCode) -> None:
    settings = trends.Settings(enforce_gate=enforce)
    assert trends.exit_code(settings, {"summary": {"gate": {"status": status}}}) == code


def _damage(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def _set_rate(value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document["summary"]["lora"].update(strict_ainl_rate=value)


DAMAGE: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "nan": (_set_rate(float("nan")), "NaN"),
    "infinite": (_set_rate(float("inf")), "Infinity"),
    "text": (_set_rate("1.0"), "summary.lora.strict_ainl_rate"),
    "true": (_set_rate(True), "summary.lora.strict_ainl_rate"),
    "above 1": (_set_rate(1.5), "summary.lora.strict_ainl_rate"),
    "negative": (_set_rate(-0.1), "summary.lora.strict_ainl_rate"),
    "null although judged": (_set_rate(None), "summary.lora.strict_ainl_rate"),
    "better than its results": (_set_rate(0.25), "summary.lora.strict_ainl_rate"),
    "rate missing": (lambda document: document["summary"]["lora"].pop("nonempty_rate"), "summary.lora"),
    "results missing": (lambda document: document.pop("results"), "results"),
    "results cut": (lambda document: document["results"].pop(), "summary.lora.n"),
    "id twice": (lambda document: document["results"][1].update(id="p0"), "results.1.id"),
    "unknown version": (lambda document: document.update(schema_version=99), "schema_version"),
    "another artifact": (lambda document: document.update(schema="model_eval_trends"), "schema"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_newest_report_never_passes(tmp_path: Path, make_report: MakeReport, kind: str) -> None:
    change, field = DAMAGE[kind]
    make_report("model_eval_report_1.json", created=DAY.format(1))
    newest = make_report("model_eval_report_2.json", created=DAY.format(2))
    _damage(newest, change)
    gate = gate_of(tmp_path)
    assert gate["status"] == "fail"
    assert "model_eval_report_2.json" in gate["failures"][0]
    with pytest.raises(UserError) as caught:
        judge(tmp_path, report=newest)
    assert str(newest) in str(caught.value)
    assert field in str(caught.value)
    assert gate_of(tmp_path, ignore=(newest.name,))["passed"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"schema": "model_eval_report"}', "\x00\xff"])
def test_a_file_that_is_no_report_never_passes(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model_eval_report.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"model_eval_report\.json"):
        judge(tmp_path)


def test_no_report_no_folder_no_file(tmp_path: Path, make_report: MakeReport) -> None:
    with pytest.raises(UserError, match="holds no report"):
        judge(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        judge(tmp_path / "missing")
    make_report("model_eval_report_1.json")
    with pytest.raises(UserError, match=r"gone\.json: no such file"):
        judge(tmp_path, report=tmp_path / "gone.json")


def test_a_metric_that_nothing_was_judged_for_fails_its_floor(tmp_path: Path, make_report: MakeReport) -> None:
    path = make_report("model_eval_report.json")

    def unjudge(document: dict[str, Any]) -> None:
        document["summary"]["lora"]["task_success_rate"] = None
        for row in document["results"]:
            row["lora"]["final"]["metrics"]["task_success"] = None

    def unjudge_groups(document: dict[str, Any]) -> None:
        summary = document["summary"]["lora"]
        summary["counts"]["task_success"] = 0
        for key in ("by_suite", "by_tier", "by_family"):
            for group in summary[key].values():
                group["task_success_rate"] = None
        summary["first_pass"]["task_success_rate"] = None
        for row in document["results"]:
            row["lora"]["first_pass"]["metrics"]["task_success"] = None

    _damage(path, unjudge)
    _damage(path, unjudge_groups)
    assert gate_of(tmp_path)["passed"]
    gate = gate_of(tmp_path, min_lora_task_success_rate=0.1)
    assert gate["status"] == "fail"
    assert "cannot be measured" in gate["failures"][0]


def test_an_empty_report_never_passes(tmp_path: Path, make_report: MakeReport) -> None:
    make_report("model_eval_report.json", n=0)
    assert gate_of(tmp_path)["status"] == "fail"


def test_latest_n_bounds_the_rows_and_not_the_comparison(tmp_path: Path, make_report: MakeReport) -> None:
    for day in range(1, 6):
        make_report(f"model_eval_report_{day}.json", created=DAY.format(day), strict_ainl=12 - day // 5)
    content = judge(tmp_path, latest_n=1)
    assert len(content["latest_rows"]) == 1
    assert content["reports"] == 5
    assert content["summary"]["previous"] is not None
