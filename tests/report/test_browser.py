"""The report in a real browser: Debian's Chromium, headless. Skipped where there is none, but never in CI."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ainl_align.report import compare
from ainl_align.report.html import render_run, write_page
from ainl_align.report.run_files import RunFiles, load

CHROMIUM = os.environ.get("AINL_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
WIDTHS = (375, 1440)
SCHEMES = ("light", "dark")

if CHROMIUM is None and os.environ.get("CI"):
    raise RuntimeError("CI needs chromium for the report's tests; .ci/run installs it")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium, or set AINL_CHROMIUM)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(
    regressed: RunFiles, leaked: RunFiles, hostile: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """One page of each kind."""
    folder = tmp_path_factory.mktemp("pages")
    after = compare.find_side(regressed.run_id, regressed.path.parent)
    before = compare.find_side(regressed.references["champion"]["run_id"], regressed.path.parent)
    texts = {
        "regressed": render_run(regressed),
        "leaked": render_run(leaked),
        "hostile": render_run(load(hostile)),
        "comparison": compare.render(before, after, compare.compare(before, after)),
    }
    for name, text in texts.items():
        write_page(folder / f"{name}.html", text)
    return {name: folder / f"{name}.html" for name in texts}


@dataclass
class Opened:
    """A page in the browser, and what it asked for and complained of."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture
def opened(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    contexts = []

    def open_page(name: str, *, width: int = 1440, scheme: str = "light", anchor: str = "") -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        found = Opened(context.new_page())
        found.page.on("request", lambda request: found.requests.append(request.url))
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.goto(f"file://{pages[name]}{anchor}")
        return found

    yield open_page
    for context in contexts:
        context.close()


NAMES = ("regressed", "leaked", "hostile", "comparison")


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_without_a_request_or_a_complaint(opened: Any, pages: dict[str, Path], name: str) -> None:
    found = opened(name)
    assert found.requests == [f"file://{pages[name]}"]
    assert found.complaints == []
    assert found.page.evaluate("window.hit") is None


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_overflows(opened: Any, name: str, width: int) -> None:
    page = opened(name, width=width).page
    page.evaluate("document.querySelectorAll('details').forEach((item) => { item.open = true; })")
    if page.locator("#unfold").count():
        page.locator("#unfold").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        """[...document.querySelectorAll('main *')].filter((item) => !item.closest('.scroll, svg') && item.clientWidth
        && item.getBoundingClientRect().right > innerWidth + 1).map((item) => item.outerHTML.slice(0, 80))"""
    )
    assert wide == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("name", "width"), [("regressed", 375), ("regressed", 1440), ("leaked", 1440), ("comparison", 1440)]
)
def test_axe_finds_nothing_serious(opened: Any, name: str, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = opened(name, width=width, scheme=scheme).page
    if page.locator(".open").count():
        page.locator(".open").nth(3).click()
    found = Axe().run(page).response["violations"]
    serious = [
        (item["id"], item["help"], [node["html"][:120] for node in item["nodes"][:3]])
        for item in found
        if item["impact"] in ("serious", "critical")
    ]
    assert serious == []


def shown(page: Any) -> list[str]:
    """Ids of the samples that can be seen."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('#sample-table tbody')].filter((b) => !b.hidden).map((b) => b.dataset.id)"
    )
    return found


def test_filters_and_search_narrow_the_samples(opened: Any) -> None:
    page = opened("regressed").page
    assert len(shown(page)) == 60
    filters = page.locator("#filters")
    filters.get_by_label("Result").select_option("failed")
    assert len(shown(page)) == 16
    filters.get_by_label("Tier").select_option("T3")
    assert len(shown(page)) == 12 and all(name.startswith("ladder") for name in shown(page))
    assert page.locator("#count").inner_text() == "12 of 60 samples"
    filters.get_by_label("Search").fill("a.example/30 second")
    assert shown(page) == ["ladder-6"]
    filters.get_by_label("Search").fill("no such words")
    assert shown(page) == []
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.getElementById('count').textContent === '60 of 60 samples'")


def test_a_reason_leads_to_its_samples(opened: Any) -> None:
    page = opened("regressed").page
    page.get_by_role("link", name="Show these samples").first.click()
    assert len(shown(page)) == 11 and all(name.startswith("ladder") for name in shown(page))


def test_a_sample_opens_by_mouse_keyboard_and_address(opened: Any) -> None:
    page = opened("regressed").page
    body = page.locator("tbody[data-id='ladder-0']")
    detail, button = body.locator(".detail"), body.locator(".open")
    assert not detail.is_visible() and button.get_attribute("aria-expanded") == "false"
    button.click()
    assert detail.is_visible() and button.get_attribute("aria-expanded") == "true"
    assert "expected the value 4, saw 5" in detail.inner_text()
    button.press("Enter")
    assert not detail.is_visible()
    again = opened("regressed", anchor="#" + body.get_attribute("id")).page
    assert again.locator("tbody[data-id='ladder-0'] .detail").is_visible()


def test_samples_sort_both_ways(opened: Any) -> None:
    page = opened("regressed").page
    page.get_by_role("button", name="Tokens").click()
    assert shown(page)[0] == "fetch_field-0"
    page.get_by_role("button", name="Tokens").click()
    assert shown(page)[0] == "order_intake-11"
    assert page.locator("th[aria-sort='descending']").inner_text().startswith("Tokens")


def test_without_scripts_everything_is_readable(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{pages['regressed']}")
    assert page.locator(".detail").first.is_visible()
    assert page.locator("#verdict").get_by_text("All 11 lost prompts are in tier T3").is_visible()
    context.close()


def test_it_prints(opened: Any) -> None:
    page = opened("regressed").page
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible() and not page.locator(".filters").is_visible()
    assert page.locator("#verdict").is_visible()
    assert len(page.pdf()) > 20_000


def test_the_first_tab_stop_skips_to_the_content(opened: Any) -> None:
    page = opened("regressed").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
