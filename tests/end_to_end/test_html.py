"""The report in a real browser: it is drawn, it is quiet, it fits, it asks for nothing.

Needs Debian's `chromium` and `chromium-driver` (`.ci/run` installs them); without them these tests fail.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from duroxide_stress.judge import judge_run
from duroxide_stress.reports.html.page import render
from recordings.make import Recorded, make_run, small_cell
from recordings.save import CELLS
from unit.reports.html.hostile import HOSTILE, MARK, hostile_run

from .tool import Ran, Tool

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-dev-shm-usage",
)
WIDE, NARROW = 1600, 360
READABLE = 4.5
"""Contrast of small text, WCAG 2.2, 1.4.3."""


class Pages(NamedTuple):
    """Reports to look at."""

    run: Path
    """A cell of every scenario: timers with faults, parallel with a broken promise."""
    hostile: Path


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """The reports as files, as one opens them."""
    home = tmp_path_factory.mktemp("pages")
    struck = msgspec.structs.replace(
        small_cell("timers", {"count": 2}, duration_secs=4, nodes=2), faults=("kill:every=1s",)
    )
    cells = {**CELLS, "timers": struck, "parallel": small_cell()}
    run = make_run(home / "run", *cells.values())
    ops = run / cells["parallel"].key / "ops.jsonl"
    ops.write_text(ops.read_text().replace('"value":', '"valve":', 4))
    hostile = Recorded(make_run(home / "hostile", small_cell()))
    found = Pages(home / "run.html", home / "hostile.html")
    found.run.write_text(render(judge_run(run), run), encoding="utf-8")
    found.hostile.write_text(render(hostile_run(hostile), hostile.run), encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser with a fresh profile, which notes what its console says and what it asks the network."""
    options = Options()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Chrome) -> Chrome:
    """The same browser, its logs emptied, wide and light."""
    chromium.get("about:blank")
    chromium.get_log("browser")
    chromium.get_log("performance")
    emulate(chromium, WIDE, "light")
    return chromium


def emulate(browser: Chrome, width: int, scheme: str) -> None:
    """A screen of this width whose user likes it light or dark."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def visit(browser: Chrome, page: Path) -> None:
    """Open a page with everything in it unfolded."""
    browser.get(page.as_uri())
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")


def requests(browser: Chrome) -> list[str]:
    """Every address the browser asked for since the last look."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]


@pytest.mark.parametrize("page", ["run", "hostile"])
def test_it_is_drawn_in_silence_and_alone(browser: Chrome, pages: Pages, page: str) -> None:
    """Every picture has lines that can be seen; the console is empty; nothing is asked of a network."""
    path: Path = getattr(pages, page)
    visit(browser, path)
    drawn: list[Any] = browser.execute_script("""
        return [...document.querySelectorAll('.plot')].map(plot => {
          const box = plot.getBoundingClientRect();
          const lines = [...plot.querySelectorAll('.stroke')].map(s => s.getBoundingClientRect());
          return [box.width, box.height, lines.length, Math.max(...lines.map(l => l.width))];
        })
    """)
    assert len(drawn) >= (4 if page == "hostile" else 4 * len(CELLS))
    for width, height, lines, _ in drawn:
        assert width > 300
        assert height > 100
        assert lines >= 1
    # A cell of a second may have a picture with two points in it, but most go from side to side.
    assert sum(longest > width / 2 for width, _, _, longest in drawn) > len(drawn) / 2
    assert browser.get_log("browser") == []
    assert [url for url in requests(browser) if not url.startswith(("file:", "data:"))] == []


def test_the_policy_forbids_the_network(browser: Chrome, pages: Pages) -> None:
    """Even a script that wanted to could not ask for anything: the browser itself refuses."""
    visit(browser, pages.run)
    refused = browser.execute_async_script("""
        const done = arguments[0];
        document.addEventListener('securitypolicyviolation', event => done(event.violatedDirective));
        fetch('http://127.0.0.1:9/').catch(() => setTimeout(() => done('not refused'), 2000));
    """)
    assert refused == "connect-src"
    assert requests(browser)[1:] == []


def test_hostile_text_stays_text(browser: Chrome, pages: Pages) -> None:
    """Nothing of it was run and nothing became an element; it can be read, all of it."""
    visit(browser, pages.hostile)
    assert browser.execute_script(f"return window.{MARK}") is None
    elements = browser.execute_script(
        "return ['script', 'img', 'style', 'title', 'b b', '[onload]', '[onerror]']"
        ".map(s => document.querySelectorAll(s).length)"
    )
    assert elements == [1, 0, 1, 1, 0, 0, 0]
    text = browser.execute_script("return document.body.innerText")
    beginning = HOSTILE[: HOSTILE.index("\u202e")]
    assert beginning in text
    assert "\\u202eright" in text
    assert browser.title.startswith("violated: stress test </script>")


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_it_fits(browser: Chrome, pages: Pages, width: int) -> None:
    """No part of the page sticks out: what is wider, a table, scrolls by itself."""
    for page in pages:
        emulate(browser, width, "light")
        visit(browser, page)
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        outside = browser.execute_script("""
            return [...document.querySelectorAll('body *')]
              .filter(e => !e.closest('.scroll, pre, svg, .hidden'))
              .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
              .map(e => `${e.tagName} ${e.className}`)
        """)
        assert outside == []
        small = browser.execute_script("""
            return [...document.querySelectorAll('p, li, td, th, figcaption, text, pre')]
              .map(e => parseFloat(getComputedStyle(e).fontSize)).filter(size => size < 11)
        """)
        assert small == []


CONTRASTS = """
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
  .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((sum, v, n) => sum + v * [.2126, .7152, .0722][n], 0);
const paper = element => {
  for (let e = element; e; e = e.parentElement) {
    const colour = rgb(getComputedStyle(e).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
};
const wanted = 'h1, h2, h3, h4, p, li, td, th, a, summary, pre, code, .badge, .doubt, .unit, .plot text';
return [light(paper(document.body)), [...document.querySelectorAll(wanted)].map(element => {
  const style = getComputedStyle(element);
  const ink = element instanceof SVGElement ? style.fill : style.color;
  const [low, high] = [light(rgb(ink)), light(paper(element))].sort((a, b) => a - b);
  return [(high + .05) / (low + .05), element.tagName + '.' + element.getAttribute('class')];
})];
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_light_and_dark(browser: Chrome, pages: Pages, scheme: str) -> None:
    """Dark paper when dark is liked, and enough contrast for every text, those of pictures included."""
    emulate(browser, WIDE, scheme)
    visit(browser, pages.run)
    paper, contrasts = browser.execute_script(CONTRASTS)
    assert paper < 0.05 if scheme == "dark" else paper > 0.9
    assert len(contrasts) > 200
    assert [found for found in contrasts if found[0] < READABLE] == []
    strokes = browser.execute_script(
        "return [...new Set([...document.querySelectorAll('.stroke')]"
        ".map(s => getComputedStyle(s).stroke))]"
    )
    assert len(strokes) == 3
    assert "none" not in strokes


def test_a_picture_is_read_by_pointer_and_by_keys(browser: Chrome, pages: Pages) -> None:
    """At a point the legend shows its values; whoever does not see them hears them."""
    visit(browser, pages.run)
    figure = browser.find_element(By.CSS_SELECTOR, ".chart[data-kind=secs]:has(.fault)")
    plot = figure.find_element(By.CSS_SELECTOR, ".plot")
    value = figure.find_element(By.CSS_SELECTOR, ".legend b")
    assert value.text == ""
    plot.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    wanted = browser.execute_script(
        "return arguments[0].querySelector('.legend li').dataset.values.split(',')[1]", figure
    )
    assert float(value.text.replace(",", "")) == pytest.approx(float(wanted), rel=1e-3)
    status = figure.find_element(By.CSS_SELECTOR, "[role=status]")
    heard = status.get_attribute("textContent") or ""
    assert heard.startswith("at ")
    assert value.text in heard
    fault = browser.execute_script("""
        const [figure] = arguments, band = figure.querySelector('.band.fault').getBoundingClientRect();
        figure.querySelector('.plot').dispatchEvent(new PointerEvent('pointermove',
          {clientX: band.left + band.width / 2, clientY: band.top + 5, bubbles: true}));
        return figure.querySelector('.at').textContent;
    """, figure)  # fmt: skip
    assert fault.startswith("at ")
    assert "kill host-" in fault
    assert browser.get_log("browser") == []


def test_a_link_unfolds_its_cell(browser: Chrome, pages: Pages) -> None:
    """From the table to the cell, which was folded away."""
    browser.get(pages.run.as_uri())
    cell = browser.find_element(By.ID, "cell-3")
    assert cell.get_attribute("open") is None
    browser.find_element(By.CSS_SELECTOR, ".results a[href='#cell-3']").click()
    assert cell.get_attribute("open") is not None
    assert cell.find_element(By.CSS_SELECTOR, ".plot").is_displayed()


def test_without_scripts_it_is_whole(browser: Chrome, pages: Pages) -> None:
    """Viewers of build artefacts and mail run none: what is drawn does not depend on one."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(pages.run.as_uri())
        plot = browser.find_element(By.CSS_SELECTOR, "#cell-1 .stroke, .cell[open] .stroke")
        assert plot.rect["width"] > 300
        assert browser.find_element(By.CSS_SELECTOR, ".cell[open] .plot text").text
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_command_line_writes_it(browser: Chrome, shared_tool: Tool, file_run: Ran) -> None:
    """Of a run of the real engine, beside the report for the terminal; with its memory in a picture."""
    done = shared_tool.run("report", file_run.out, "--html", "report.html")
    assert done.returncode == 0, done.stderr
    assert "=== Duroxide Stress Test Results ===" in done.stdout
    visit(browser, shared_tool.cwd / "report.html")
    labels = [
        plot.get_attribute("aria-label") for plot in browser.find_elements(By.CLASS_NAME, "plot")
    ]
    assert any("Memory of the engine. resident: from" in str(label) for label in labels)
    assert browser.get_log("browser") == []
