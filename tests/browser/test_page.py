"""The HTML report in a real browser: content, filters, keyboard, narrow screens, and hostile text."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from predeploy.model.results import Report
from predeploy.report.render import Sheet, rendered
from support.results import HOSTILE, hostile, mixed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page with what its console said and what it asked for."""

    def __init__(
        self, browser: Browser, file: Path, *reports: Report, width: int = 1400, scripts: bool = True
    ) -> None:
        file.write_text(rendered("html", reports, Sheet()), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, color_scheme="dark"
        )
        self.said: list[str] = []
        self.requests: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())


def test_the_page_shows_everything_and_asks_for_nothing(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, tmp_path / "r.html", mixed(), mixed(app="apps/other"))
    page = opened.page
    assert (opened.said, len(opened.requests)) == ([], 1)
    assert page.locator("table.matrix tbody tr").count() == 8
    assert page.locator("table.matrix").first.locator("tbody tr").first.inner_text().split() == [
        *("Heroku", "✗", "reject", "✓", "ok", "✓", "ok", "-", "-", "-", "30", "ms")
    ]
    first = page.locator("section.platform").first
    assert first.locator("ol.chain li strong").all_inner_texts() == [
        "requirements.txt, poetry.lock",
        "requirements.txt",
        "pip",
        "3.13.15",
        "web: gunicorn app:app",
    ]
    finding = first.locator("article.finding").first
    assert "requirements.txt:3" in finding.inner_text()
    assert "flask==3.0" in finding.inner_text()
    assert "Fix: Keep one." in finding.inner_text()
    assert page.locator(".timeline").first.locator(".lane").count() == 2
    assert page.locator(".timeline .bars i.bad").count() == 6
    assert "600 MB of 500 MB" in page.locator(".meter.over").first.inner_text()


def test_filters_hide_findings_and_say_how_many(browser: Browser, tmp_path: Path) -> None:
    page = Opened(browser, tmp_path / "r.html", mixed()).page
    status = page.locator("form.filters output")
    assert status.inner_text() == "5 of 5 findings shown"
    page.get_by_label("note").uncheck()
    page.get_by_label("warn").uncheck()
    assert status.inner_text() == "3 of 5 findings shown"
    assert not page.locator("article.finding.note").is_visible()
    page.get_by_label("Text").fill("app ends")
    assert status.inner_text() == "1 of 5 findings shown"
    assert page.locator("article.finding.fail").is_visible()
    page.get_by_label("Text").press("Enter")
    assert page.url.endswith("r.html")


def test_the_keyboard_reaches_what_matters(browser: Browser, tmp_path: Path) -> None:
    page = Opened(browser, tmp_path / "r.html", mixed()).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    summary = page.locator("details.log summary").first
    summary.focus()
    assert not page.get_by_text("Collecting flask").first.is_visible()
    page.keyboard.press("Enter")
    assert page.get_by_text("Collecting flask").first.is_visible()


def test_the_page_reads_without_scripts(browser: Browser, tmp_path: Path) -> None:
    page = Opened(browser, tmp_path / "r.html", mixed(), scripts=False).page
    assert not page.locator("form.filters").is_visible()
    assert page.locator("article.finding").count() == 5
    assert page.locator("article.finding").first.is_visible()


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("report", [mixed(), hostile()], ids=["mixed", "hostile"])
def test_nothing_is_wider_than_the_screen(
    browser: Browser, tmp_path: Path, width: int, report: Report
) -> None:
    long = replace(report, app=report.app + "x" * 300)
    page = Opened(browser, tmp_path / "r.html", long, width=width).page
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_text_stays_text(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, tmp_path / "r.html", hostile())
    page = opened.page
    assert (opened.said, len(opened.requests)) == ([], 1)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert "<script>window.pwned=1</script>" in page.locator("h2").first.inner_text()
    assert "<script>" in HOSTILE


def test_a_script_that_got_in_would_not_run(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, tmp_path / "r.html", mixed())
    opened.page.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.pwned=1'}))"
    )
    assert opened.page.evaluate("window.pwned") is None
