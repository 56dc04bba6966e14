"""What the page of a run says, read as text; tests/report/test_browser.py opens it."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ainl_align.report.html import render_run
from ainl_align.report.reasons import headline, reasons
from ainl_align.report.run_files import RunFiles, find_health, load
from tests.report import runs
from tests.report.conftest import HOSTILE

SECTIONS = ("verdict", "rates", "trends", "sweep", "samples", "constraint", "time", "data", "provenance")


class Page(HTMLParser):
    """The page's words by section, its tags, and what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.section = ""
        self.words: dict[str, list[str]] = {}
        self.scripts = 0
        self.fetches: list[str] = []
        self._silent = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "section":
            self.section = named.get("id") or ""
        self.scripts += tag == "script"
        self._silent = tag in ("script", "style")
        self.fetches += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "poster", "action")]
        self.fetches += [value or "" for name, value in attrs if name == "href" and not (value or "").startswith("#")]

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.setdefault(self.section, []).append(data)

    def text(self, section: str) -> str:
        """The words of a section, with single blanks."""
        return " ".join(" ".join(self.words.get(section, ())).split())


def test_a_regression_in_one_tier_is_explained_first(regressed: RunFiles) -> None:
    verdict = Page(render_run(regressed)).text("verdict")
    assert verdict.startswith("Failed The gate failed: 2 of 12 checks.")
    assert "task_success_rate dropped by 0.183 since the champion" in verdict
    assert "All 11 lost prompts are in tier T3 (11 of its 12)." in verdict
    assert "Lost by family: ladder 11 of 12." in verdict
    assert "Kinds of failure: wrong_behaviour 11." in verdict
    assert "task_success_rate of tier:T3 dropped by 0.917" in verdict
    assert "BOOST_EVAL_REPORT" in verdict
    assert verdict.index("tier T3") < verdict.index("All 12 checks")


def test_leakage_is_explained_first(leaked: RunFiles) -> None:
    page = Page(render_run(leaked))
    verdict = page.text("verdict")
    assert verdict.startswith("Stopped Stopped in stage distill: leakage found.")
    assert "training rows overlap with prompts that the run is judged by" in verdict
    assert "1 prompts overlap with test (exact; limit 0)" in verdict
    assert "What to do: Nothing was trained and nothing is judged." in verdict
    assert "Not recorded: the run ended before it was written." in page.text("rates")
    assert "distill failed" in page.text("time")
    assert "leakage Nothing was built" in page.text("data")


def test_a_card_over_its_limits_is_a_reason(tmp_path: Path) -> None:
    path = runs.finished(
        tmp_path / "corpus", runs.Run("20260101T000000Z-eeeeee", "2026-01-01T00:00:00+00:00", lambda index, tier: True)
    )
    runs.leaking_card(tmp_path / "corpus")
    found = load(path)
    assert [reason.text for reason in reasons(found)] == [
        "Leakage in dataset distill: 3 exact copies against suite test (limit 0)"
    ]
    page = Page(render_run(found))
    assert "3 exact copies against suite test" in page.text("verdict")
    assert re.search(r"test 120 3 limit 0 .* leakage", page.text("data"))
    assert re.search(r"dev 120 0 0 0 1 0 clean", page.text("data"))


def test_every_section_has_its_figures(regressed: RunFiles) -> None:
    page = Page(render_run(regressed))
    rates = page.text("rates")
    assert "task_success does what was asked in every scenario 73% 44 of 60 62% to 83% – 67% 8% 92% 92% fail" in rates
    assert "T3 0% 0 of 12 0% to 22% 8% 92% −11 , +0 wrong_behaviour 12" in rates
    assert "With the champion" in rates and "With the base model" in rates
    sweep = page.text("sweep")
    assert (
        "Loss and task_success disagree: the loss is lowest at step 132 (25%), task_success is highest at step 176"
        in sweep
    )
    assert "Choosing by loss would have cost 21 points on 24 prompts." in sweep
    assert "From step 88 to 132 the loss fell (0.16 to 0.08) and task_success fell too (38% to 25%)." in sweep
    trends = page.text("trends")
    assert "20260101T080000Z-aaaaaa" in trends and "By tier" in trends and "task_success, T3" in trends
    constraint = page.text("constraint")
    assert "high_fallback_rate 8%: the budget cut in: raise --max-new-tokens" in constraint
    assert "Quantisation: asked for dynamic-int8, applied none (no CPU)." in constraint
    time = page.text("time")
    assert "4 000 tokens written" in time and "forward 20.0 s" in time and "boost off no BOOST_EVAL_REPORT" in time
    assert "Mix: direct 50% (asked 50%)." in page.text("data")
    assert "version" in page.text("provenance")


def test_a_sample_shows_all_that_is_known_of_it(regressed: RunFiles) -> None:
    samples = Page(render_run(regressed)).text("samples")
    lost = samples[samples.index("ladder-0") : samples.index("ladder-1")]
    assert "Fetch https://a.example/24 and return the field a." in lost
    assert "lost" in lost
    assert "line 4 scenario 'second reply': expected the value 4, saw 5 for prompt 24 behaviour" in lost
    assert "passed first reply failed second reply expected the value 4, saw 5" in lost
    gold = lost[lost.index("Gold to this program") :]
    assert '− R core.GET resp "body.a" ->val' in gold and '+ R core.GET resp "body.b" ->val' in gold
    assert "Champion to this program The champion passed here." in gold
    assert "Previous run to this program The previous run passed here." in gold
    assert "Base model: passed" in gold
    repaired = samples[samples.index("fetch_field-3") : samples.index("fetch_field-4")]
    assert "Draft 1 was refused: line 6 line 6 is no statement unknown_line" in repaired
    assert "Equal to the gold." in repaired


def test_it_asks_for_nothing_outside_itself(regressed: RunFiles, leaked: RunFiles) -> None:
    for run in (regressed, leaked):
        text = render_run(run)
        page = Page(text)
        assert page.fetches == []
        assert page.scripts == 1
        assert "default-src &#39;none&#39;" in text
        assert not re.search(r"url\(|@import|https?://[^ ]*\.(js|css|woff)", text[: text.index("<body")])


def test_what_models_and_prompts_wrote_is_escaped(hostile: Path) -> None:
    text = render_run(load(hostile))
    page = Page(text)
    assert page.scripts == 1
    assert "<img" not in text
    assert "onerror=" not in re.sub(r"onerror=&#34;|onerror=&quot;", "", text)
    assert "{{ 7*7 }}" in text
    assert HOSTILE.replace("{{ 7*7 }}", "").split("{{")[0] not in text
    assert HOSTILE in page.text("samples")


@pytest.mark.parametrize("status", ["pass", "fail", "inconclusive", "error"])
def test_a_bare_health_is_enough(regressed: RunFiles, status: str) -> None:
    gate = {"passed": status == "pass", "status": status, "failures": ["a line of an old gate"], "thresholds": {}}
    bare = {**regressed.health, "status": status, "artifacts": {}, "selected_adapter": None, "metrics": None}
    bare["gate"] = None if status == "error" else gate
    page = Page(render_run(RunFiles(path=regressed.path, health=bare)))
    for section in SECTIONS:
        assert page.text(section), section
    assert "Not recorded" in page.text("rates")


def test_an_inconclusive_run_says_how_many_more_prompts(tmp_path: Path) -> None:
    run = runs.Run(
        "20260101T000000Z-ffffff",
        "2026-01-01T00:00:00+00:00",
        lambda index, tier: index % 2 == 0,
        gate={"min_lora_task_success_rate": 0.45},
    )
    found = load(runs.finished(tmp_path / "corpus", run))
    assert headline(found).startswith("Too little evidence: 1 of")
    assert re.search(r"About \d+ more prompts would settle it", Page(render_run(found)).text("verdict"))


def test_files_that_a_later_run_overwrote_are_not_shown_as_this_runs(tmp_path: Path) -> None:
    first = runs.Run("20260101T000000Z-aaaaaa", "2026-01-01T00:00:00+00:00", lambda index, tier: True)
    path = runs.finished(tmp_path / "corpus", first)
    kept = path.parent / "history" / f"alignment_run_health_{first.run_id}.json"
    shutil.copyfile(path, kept)
    runs.finished(
        tmp_path / "corpus",
        runs.Run("20260102T000000Z-bbbbbb", "2026-01-02T00:00:00+00:00", lambda index, tier: index > 2),
    )
    found = load(kept)
    assert found.evaluation is not None and found.evaluation["run_id"] == first.run_id
    assert found.trends is None and found.missing["model_eval_trends"] == "overwritten by a later run"
    assert "overwritten by a later run" in Page(render_run(found)).text("trends")
    assert find_health(first.run_id, path.parent) == kept
    assert find_health(str(tmp_path / "corpus"), path.parent) == path
    assert find_health(None, path.parent) == path


def test_damaged_files_are_named_and_left_out(tmp_path: Path) -> None:
    path = runs.finished(
        tmp_path / "corpus", runs.Run("20260101T000000Z-aaaaaa", "2026-01-01T00:00:00+00:00", lambda index, tier: True)
    )
    health: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name in ("checkpoint_sweep_report", "model_eval_trends"):
        target = Path(health["artifacts"][name])
        target.write_text('{"schema": "x"}', encoding="utf-8")
        health["provenance"]["data"].pop(name)
    (tmp_path / "corpus" / "train_chatml_distill_card.json").write_text("{", encoding="utf-8")
    Path(health["selected_adapter"], "trainer_state.json").write_text("[]", encoding="utf-8")
    path.write_text(json.dumps(health), encoding="utf-8")
    found = load(path)
    assert {"checkpoint_sweep_report", "model_eval_trends", "dataset_distill", "training log"} <= set(found.missing)
    assert "is no checkpoint_sweep_report" in Page(render_run(found)).text("sweep")
