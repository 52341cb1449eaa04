"""The page of `triathlon report` in a browser, over a small sweep that is run for it."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

SWEEPS = (
    ["experiment=demo/digits", "trainer.epochs=4"],
    ["task=speech_recognition", "data.voices=16", "data.per_word=2", "trainer.epochs=6"],
    ["task=speech_transcription", "data.voices=16", "data.per_voice=4", "trainer.epochs=3"],
)
SHARED = ["tracking=none", "hardware=cpu_single", "trainer.batch_size=32"]


def _triathlon(folder: Path, *arguments: str) -> int:
    command = [sys.executable, "-m", "suite.cli", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=600
    ).returncode


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    """The page's address: three tasks, two backbones, two optimizers, three seeds, one failure."""
    folder = tmp_path_factory.mktemp("swept")
    grid = ["-m", "backbone=mlp,convnet", "optimizer=adamw,sgd", "seed=0,1,2"]
    for sweep in SWEEPS:
        assert _triathlon(folder, *grid, *SHARED, *sweep) == 0
    # A learning rate that no training survives.
    assert _triathlon(folder, *SHARED, "task=image_recognition", "optimizer.lr=1e30") != 0
    assert _triathlon(folder, "report") == 0
    return (folder / "results" / "report.html").as_uri()


DRAW_ALL = """
const done = arguments[0];
triathlon.drawAll().then(() => requestAnimationFrame(() => done(true)));
"""
STATES = "return [...document.querySelectorAll('figure.chart')].map((f) => f.dataset.state)"


def _drawn(browser):
    browser.driver.execute_async_script(DRAW_ALL)
    return browser


def test_charts_are_drawn_when_they_come_near(open_browser, page):
    browser = open_browser(page)
    assert None in browser.run(STATES)
    for number in range(len(browser.run(STATES))):
        browser.run(
            "document.querySelectorAll('figure.chart')[arguments[0]].scrollIntoView()", number
        )
        browser.wait(
            "return document.querySelectorAll('figure.chart')[arguments[0]].dataset.state", number
        )
    assert set(browser.run(STATES)) == {"drawn"}
    figures = browser.run("""
        return [...document.querySelectorAll('figure.chart')].map((figure) => {
          const svg = figure.querySelector('.plot svg');
          const marks = svg.querySelectorAll('.mark-symbol path, .mark-rect path, .mark-line path, .mark-rule line');
          return {
            id: figure.id, marks: marks.length,
            words: figure.querySelector('[role=graphics-document]').getAttribute('aria-label'),
            title: figure.querySelector('h3').textContent,
          };
        });""")
    assert len(figures) >= 5 * len(SWEEPS)
    for figure in figures:
        assert figure["marks"] > 0, figure
        assert figure["words"].startswith(figure["title"]), figure
    assert browser.complaints() == []
    assert browser.requests() == [page]


def test_the_answer_is_the_first_thing_to_read(open_browser, page):
    browser = open_browser(page)
    cards = browser.run("""
        return [...document.querySelectorAll('.answer')].map((card) => ({
          words: card.innerText, top: card.getBoundingClientRect().top + scrollY}));""")
    assert len(cards) == len(SWEEPS)
    for card in cards:
        assert "is best: test" in card["words"]
        assert any(
            verdict in card["words"] for verdict in ("not distinguishable", "worse", "better")
        )
        assert card["top"] < browser.height


def test_a_filter_leaves_what_it_names(open_browser, page):
    browser = _drawn(open_browser(page))
    rows = "return [...document.querySelectorAll('tr[data-row]')].filter((r) => r.offsetParent).map((r) => r.cells[0].textContent)"
    marks = "return document.querySelectorAll('#quality-0 .mark-symbol path').length"
    everything, drawn = browser.run(rows), browser.run(marks)
    choose = """
        const select = document.querySelector(`#filters [name=${arguments[0]}]`);
        select.value = arguments[1];
        select.dispatchEvent(new Event('change', {bubbles: true}));"""
    browser.run(choose, "backbone", "mlp")
    left = browser.run(rows)
    assert left == [name for name in everything if name.startswith("mlp")]
    assert 0 < len(left) < len(everything)
    told = browser.run("return document.querySelector('#filters output').value")
    assert told == f"{len(left)} of {len(everything)} configurations shown"
    _drawn(browser)
    browser.wait(f"{marks} < {drawn}")
    browser.run(choose, "board", "1")
    assert browser.run("return document.querySelectorAll('.answer:not([data-hidden])').length") == 1
    browser.run(choose, "optimizer", "sgd")
    assert browser.run(rows) == ["mlp + sgd"]
    browser.run("document.querySelector('#filters').reset()")
    browser.wait(f"{rows.replace('return', 'return (')}).length == {len(everything)}")
    _drawn(browser)
    browser.wait(f"{marks} == {drawn}")
    assert browser.complaints() == []


def test_a_sweep_can_be_chosen(open_browser, page):
    browser = open_browser(page)
    names = browser.run(
        "return [...document.querySelector('#filters [name=sweep]').options].map((o) => o.value)"
    )
    assert len(names) == 1 + len(SWEEPS)
    browser.run(
        """const select = document.querySelector('#filters [name=sweep]');
        select.value = arguments[0];
        select.dispatchEvent(new Event('change', {bubbles: true}));""",
        names[-1],
    )
    assert browser.run("return document.querySelectorAll('.answer:not([data-hidden])').length") == 1


def test_a_table_sorts_both_ways(open_browser, page):
    browser = open_browser(page)
    column = """
        const table = document.querySelector('table.sortable');
        return [...table.tBodies[0].rows].map((row) => row.cells[1].textContent).filter((t) => t);"""
    press = "document.querySelectorAll('table.sortable thead button')[1].click()"
    sort = "return document.querySelectorAll('table.sortable th')[1].getAttribute('aria-sort')"
    before = [float(text) for text in browser.run(column)]
    assert before == sorted(before, reverse=True)
    browser.run(press)
    assert browser.run(sort) == "ascending"
    assert [float(text) for text in browser.run(column)] == before[::-1]
    browser.run(press)
    assert browser.run(sort) == "descending"
    assert [float(text) for text in browser.run(column)] == before
    # What is missing stays behind either way: references have no speed.
    head = browser.run(
        "return [...document.querySelectorAll('table.sortable')[0].tHead.rows[0].cells].findIndex((c) => c.textContent == 'examples/s')"
    )
    for _ in range(2):
        browser.run(
            f"document.querySelectorAll('table.sortable')[0].tHead.rows[0].cells[{head}].firstChild.click()"
        )
        kinds = browser.run(
            "return [...document.querySelector('table.sortable').tBodies[0].rows].map((r) => r.className)"
        )
        assert kinds == sorted(kinds)
        assert "reference" in kinds


FOCUSED = """
const node = document.activeElement, style = getComputedStyle(node), box = node.getBoundingClientRect();
return {text: node.name || node.textContent.trim() || node.id, tag: node.tagName, id: node.id,
        outline: style.outlineStyle, inside: box.width > 0 && box.left >= 0 && box.top >= 0};
"""


def test_the_keyboard_reaches_everything_and_shows_where_it_is(open_browser, page):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    browser = open_browser(page)

    def press(key):
        ActionChains(browser.driver).send_keys(key).perform()
        return browser.run(FOCUSED)

    first = press(Keys.TAB)
    assert first["text"] == "Skip to the answers"
    assert first["inside"]
    seen = [first]
    while len(seen) < 400 and seen[-1]["text"] != "error":  # the last heading of the last table
        seen.append(press(Keys.TAB))
    reached = [one["text"] for one in seen]
    for name in ("Dark colours", "Failed runs", "board", "backbone", "optimizer", "sweep", "Reset",
                 "test accuracy"):  # fmt: skip
        assert name in reached, name
    assert any(one["tag"] == "SUMMARY" for one in seen)
    assert any(one["tag"] == "AUDIO" for one in seen)
    # Within a player the focus is the browser's own to show.
    assert {one["outline"] for one in seen if one["tag"] != "AUDIO"} == {"solid"}
    # The skip link leads on to the answers, a heading sorts, the switch switches.
    browser.run("document.querySelector('.skip').focus()")
    assert press(Keys.ENTER)["id"] == "main"
    browser.run("document.querySelectorAll('table.sortable thead button')[0].focus()")
    press(Keys.ENTER)
    assert browser.run("return document.querySelector('table.sortable th').ariaSort") == "ascending"
    browser.run("document.querySelector('#theme').focus()")
    press(Keys.SPACE)
    assert browser.run("return document.documentElement.dataset.theme") == "dark"


def test_numbers_stand_in_a_table_beside_each_chart(open_browser, page):
    browser = _drawn(open_browser(page))
    browser.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    browser.wait(
        "return document.querySelectorAll('details.numbers table').length == document.querySelectorAll('figure.chart').length"
    )
    counted = browser.run("""
        return [...document.querySelectorAll('figure.chart')].map((figure) => [
          figure.id, figure.querySelectorAll('details.numbers tbody tr').length,
          [...figure.querySelectorAll('details.numbers td, details.numbers th')].some((c) => /undefined|NaN|@/.test(c.textContent)),
        ]);""")
    for name, lines, wrong in counted:
        assert lines > 0, name
        assert not wrong, name


def test_a_choice_draws_other_numbers(open_browser, page):
    browser = _drawn(open_browser(page))
    axis = "return document.querySelector('#pareto-0 .plot svg').textContent"
    before = browser.run(axis)
    assert "seconds of training" in before
    browser.run("""
        const select = document.querySelector('#pareto-0 .choice select');
        select.value = 'parameters';
        select.dispatchEvent(new Event('change', {bubbles: true}));""")
    browser.wait(
        "return document.querySelector('#pareto-0 .plot svg')?.textContent.includes('parameters')"
    )


def test_clips_can_be_heard_and_pictures_seen(open_browser, page):
    browser = open_browser(page)
    seconds = browser.driver.execute_async_script("""
        const done = arguments[0], audio = document.querySelector('audio');
        audio.onloadedmetadata = () => done(audio.duration);
        audio.onerror = () => done(-1);
        audio.preload = 'metadata';
        audio.load();""")
    assert 0.1 < seconds < 10
    sizes = browser.run("return [...document.images].map((i) => [i.naturalWidth, i.alt.length])")
    assert sizes
    assert all(width > 0 and words > 10 for width, words in sizes)
    assert browser.requests() == [page]


OUTSIDE = """
return [...document.querySelectorAll('body *')].filter((node) => {
  if (node.closest('.scroll, nav, .for, .skip, svg')) return false;
  const box = node.getBoundingClientRect();
  return box.width > 0 && box.right > innerWidth + 1;
}).map((node) => node.tagName + ' ' + node.className);
"""


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_narrow_window_needs_no_sideways_scrolling(open_browser, page, width):
    browser = _drawn(open_browser(page, width=width, height=740))
    browser.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert browser.run("return innerWidth") == width
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.run(OUTSIDE) == []
    assert set(browser.run(STATES)) == {"drawn"}


CONTRAST = r"""
const part = (value) => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
const parse = (text) => (text.match(/[\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const colour = parse(getComputedStyle(node).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
const found = [];
for (const node of document.querySelectorAll('body *')) {
  const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
  if (!own || node.closest('script, style, noscript, audio, option') || !node.getClientRects().length) continue;
  // What stands on a cell of a heat map is tested by its colours, not by the page behind it.
  if (node.closest('svg') && node.closest('#heat-map, [id^=confusion]')) continue;
  const style = getComputedStyle(node);
  const one = light(parse(node.closest('svg') ? style.fill : style.color)), other = light(behind(node));
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (ratio < 4.5) found.push(`${node.tagName}.${node.className} "${node.textContent.trim().slice(0, 30)}" ${ratio.toFixed(2)}`);
}
return found;
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(open_browser, page, dark):
    browser = _drawn(open_browser(page, dark=dark))
    page_colour = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert page_colour == ("rgb(16, 21, 27)" if dark else "rgb(255, 255, 255)")
    assert browser.run(CONTRAST) == []
    # The switch leads to the other scheme, with other charts too.
    colour = "return document.querySelector('#quality-0 .mark-symbol path').getAttribute('fill')"
    before = browser.run(colour)
    browser.run("document.querySelector('#theme').click()")
    browser.run("document.querySelector('#quality-0').scrollIntoView()")
    browser.wait(f"return (() => {{ {colour} }})() != '{before}'")
    _drawn(browser)
    assert browser.run("return getComputedStyle(document.body).backgroundColor") != page_colour
    assert browser.run(CONTRAST) == []


def test_it_is_built_for_assistive_technology(open_browser, page):
    browser = open_browser(page)
    found = browser.run("""
        const all = (selector) => [...document.querySelectorAll(selector)];
        return {
          language: document.documentElement.lang, title: document.title,
          main: all('main').length, levels: all('h1, h2, h3').map((h) => Number(h.tagName[1])),
          nameless: all('button, select, a, summary').filter((n) => !(n.labels?.length || n.textContent.trim() || n.ariaLabel)).length,
          same: all('[id]').map((n) => n.id).filter((id, at, ids) => ids.indexOf(id) != at),
          dangling: all('[aria-labelledby]').filter((n) => !document.getElementById(n.getAttribute('aria-labelledby'))).length,
          tables: all('table.sortable').filter((t) => !t.caption && !t.closest('[aria-label], [aria-labelledby]')).length,
        };""")
    assert found["language"] == "en"
    assert found["title"]
    assert found["main"] == 1
    assert found["levels"][0] == 1
    assert all(later - one <= 1 for one, later in pairwise(found["levels"]))
    assert (found["nameless"], found["same"], found["dangling"], found["tables"]) == (0, [], 0, 0)


def test_screenshots(open_browser, page, pictures):
    for name, width, height, dark in (
        ("report", 1280, 1500, False),
        ("report-dark", 1280, 1500, True),
        ("report-phone", 390, 1200, False),
    ):
        browser = _drawn(open_browser(page, width=width, height=height, dark=dark))
        browser.picture(pictures / f"{name}.png")
        assert (pictures / f"{name}.png").stat().st_size > 20_000
        browser.driver.quit()
