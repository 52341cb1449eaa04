import json
import math
import re
from html.parser import HTMLParser

import pytest
import vl_convert

from suite.report.leaderboard import leaderboard
from suite.report.page.charts import specifications
from suite.report.page.document import write_page
from suite.report.reference import Reference
from suite.tracking.journal import read_journal

LARGEST = 6_000_000


@pytest.fixture
def page(results):
    """Write the page of these records and return its text."""

    def write(records, name="report.html"):
        def events(path):
            return (event for event, _ in read_journal(path))

        path = results / name
        write_page(leaderboard(records), records, results / "runs", events, path)
        return path.read_text(encoding="utf-8")

    return write


def _data(page):
    return json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1]
    )


class _Read(HTMLParser):
    """Collects tags with their attributes, and text outside of scripts and styles."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self.inside = [], [], None

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag if tag in ("script", "style") else None

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside is None:
            self.text.append(data)


def _read(page):
    reader = _Read()
    reader.feed(page)
    return reader.tags, " ".join(" ".join(reader.text).split())


def test_the_answer_stands_in_words(page, sweep):
    _, text = _read(page(sweep))
    assert "lstm + adamw is best: test accuracy 0.923 (" in text
    assert re.search(
        r"Second: mlp \+ adamw, 0\.902 \(0\.\d+–0\.\d+, n=3\) (worse|not disting)", text
    )
    assert "36 finished runs, 12 configurations, 3 data sets" in text


def test_nothing_is_asked_of_anywhere(page, sweep):
    tags, _ = _read(page(sweep))
    for tag, attributes in tags:
        for name in ("src", "href", "data", "action", "poster", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
    policy = next(a["content"] for t, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy


def test_the_same_input_gives_the_same_bytes_whatever_the_order(page, sweep):
    first = page(sweep)
    assert page(sweep[::-1], "again.html") == first
    assert len(first.encode()) < LARGEST


def test_what_others_say_is_text_and_no_markup(page, sweep):
    written = page(sweep)
    assert "<b>out of memory</b>" not in written
    assert "&lt;b&gt;out of memory&lt;/b&gt;" in written
    assert "&lt;i&gt;süß&lt;/i&gt;" in written
    sweep[0].name = sweep[0].data_card["name"] = "</script><script>alert(1)</script>"
    assert "</script><script>alert(1)" not in page(sweep)


def test_what_was_looked_into_is_shown_as_text(page, sweep, results):
    folder = results / "runs" / "digits-lstm-adamw-0" / "insight"
    folder.mkdir()
    section = {"name": "probes", "title": "<b>T</b>", "lines": ["<script>alert(1)</script>"],
               "tables": [{"title": "t", "headings": ["h"], "rows": [["<i>cell</i>"]]}],
               "files": ["a.png"]}  # fmt: skip
    (folder / "a.png").write_bytes(b"\x89PNG")
    assert "No run here was looked into" in page(sweep)
    (folder / "insight.json").write_text(json.dumps({"sections": [section]}))
    written = page(sweep)
    assert "<script>alert(1)" not in written
    assert "<i>cell</i>" not in written
    assert "&lt;b&gt;T&lt;/b&gt;" in written
    assert 'src="data:image/png;base64,iVBORw==" alt="&lt;b&gt;T&lt;/b&gt;: a"' in written


def test_every_chart_has_words_and_numbers_beside_it(page, sweep):
    written = page(sweep)
    tags, _ = _read(written)
    figures = [a for t, a in tags if t == "figure"]
    data = _data(written)
    assert len(figures) == len(data["charts"]) > 15
    assert sum(t == "figcaption" for t, _ in tags) == len(figures)
    for chart in data["charts"]:
        assert chart["rows"]
        joined = {"name", "backbone", "optimizer"}
        assert set(chart["headings"]) <= {*chart["columns"], *joined}, chart["id"]
        assert all(len(row) == len(chart["columns"]) for row in chart["rows"])
    kinds = {chart["kind"] for chart in data["charts"]}
    assert kinds == {"quality", "heat_map", "learning", "target", "pareto", "throughput", "time",
                     "confusion"}  # fmt: skip
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_sections_tell_what_failed_and_what_went_wrong(page, sweep):
    tags, text = _read(page(sweep))
    assert "1 run failed" in text
    pictures = [a for t, a in tags if t == "img"]
    assert pictures
    assert all(a["alt"] for a in pictures)
    players = [a for t, a in tags if t == "audio"]
    assert players
    assert all("controls" in a and a["aria-label"] for a in players)


def test_people_and_published_results_stand_among_the_rows(page, sweep):
    tags, text = _read(page(sweep))
    assert sum(t == "tr" and a.get("class") == "reference" for t, a in tags) == 2 * 3
    assert "human: people (Roe 2001)" in text
    quality = next(c for c in _data(page(sweep))["charts"] if c["id"] == "quality-0")
    values = {row[2]: row[3] for row in quality["rows"] if row[1] == "reference"}
    assert values == {"published: LeNet": 0.95, "human: people": 0.97}


def test_where_there_is_nothing_the_page_says_so(page, made, results):
    failed = made("digits", "mlp", 0, None, status="failed", error="boom")
    _, text = _read(page([failed]))
    assert "There is no finished run yet." in text
    assert "boom" in text
    # A record without its folder, as from another place.
    alone = made("digits", "mlp", 1, 0.9)
    for file in (results / "runs" / alone.run_id).iterdir():
        file.unlink()
    _, text = _read(page([alone]))
    assert "No journal of these runs is in the results folder." in text
    assert "No run here kept its mistakes." in text


def test_scaling_has_a_section_where_it_was_studied(page, sweep, results):
    assert 'id="scaling"' not in page(sweep)
    table = {"title": "laws", "headings": ["α"], "rows": [["<i>0.5</i>"]]}
    section = {"title": "Laws", "lines": ["α & E"], "pictures": [], "tables": [table]}
    (results / "scaling.json").write_text(json.dumps({"sections": [section]}))
    written = page(sweep)
    assert 'href="#scaling"' in written
    assert "<li>α &amp; E</li>" in written
    assert "&lt;i&gt;0.5&lt;/i&gt;" in written


def test_time_goes_where_it_went(page, sweep):
    chart = next(c for c in _data(page(sweep))["charts"] if c["id"] == "time-0")
    rows = [dict(zip(chart["columns"], row, strict=True)) for row in chart["rows"]]
    first = {row["part"]: row["share"] for row in rows if row["row"] == 0}
    within = sum((10 + seed) / (12.5 + seed) for seed in (0, 1, 2)) / 3
    assert first == {
        "waiting for data": pytest.approx(within / 4, abs=1e-4),
        "training steps": pytest.approx(within * 3 / 4, abs=1e-4),
        "evaluation and the rest": pytest.approx(1 - within, abs=1e-4),
    }


def test_a_missed_target_is_infinite_and_told(page, made):
    records = [made("digits", "mlp", 0, 0.9), made("digits", "lstm", 0, 0.8, reached=None)]
    chart = next(c for c in _data(page(records))["charts"] if c["id"] == "target-0")
    rows = {row[2]: row for row in chart["rows"] if row[1] == "steps"}
    assert rows["median"][3] == 20
    assert rows["missed"][3:5] == [None, "∞: reached by 0 of 1 runs"]


def test_curves_are_over_units_too_where_steps_do_not_compare(page, made, results):
    records = [made("digits", "mlp", 0, 0.9), made("digits", "lstm", 0, 0.8)]
    for record, each in zip(records, (4, 12), strict=True):
        path = results / "runs" / record.run_id / "journal.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            if "time/training_seconds" in line.get("values", {}):
                line["values"]["time/units"] = each * line["step"]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    charts = {c["id"]: c for c in _data(page(records))["charts"]}
    chart = charts["learning-units-0"]
    assert chart["words"]["clock"] == "images"
    assert max(row[1] for row in chart["rows"]) == 600


def _completed(data, chart):
    """Return a chart's specification with its first choice's rows, as the page's script does."""
    choice = next(iter(chart["choice"]["values"])) if chart["choice"] else None
    known = {"choice": "choice", "switch": 0.5, **chart["words"]}
    if "colours" in known:
        known["colours"] = ["#123456"] * len(known["colours"])

    def fill(node):
        if isinstance(node, str):
            whole = re.fullmatch(r"@(\w+)", node)
            if whole:
                return known.get(whole[1], "#123456")
            return re.sub(r"@(\w+)", lambda found: str(known[found[1]]), node)
        if isinstance(node, list):
            return [fill(one) for one in node]
        return {k: fill(v) for k, v in node.items()} if isinstance(node, dict) else node

    rows = []
    for values in chart["rows"]:
        row = dict(zip(chart["columns"], values, strict=True))
        if choice is None or row[chart["choice"]["column"]] == choice:
            number = row["row"][0] if isinstance(row["row"], list) else row["row"]
            known_row = {"name": row.get("label")} if number is None else data["rows"][number]
            drawn = {"colour": "#123456", "shape": "circle", "dash": [1, 0]}
            rows.append({**known_row, **drawn, **row})
    return {**fill(data["specs"][chart["kind"]]), "width": 400, "data": {"values": rows}}


def test_every_specification_draws_marks(page, sweep):
    data = _data(page(sweep))
    for chart in data["charts"]:
        spec = _completed(data, chart)
        if isinstance(spec["height"], dict):
            spec["height"] = 200
        drawn = vl_convert.vegalite_to_svg(spec)
        assert len(re.findall(r'aria-roledescription="\w[\w ]* mark|<path aria', drawn)) or \
            drawn.count("<path") > 2, chart["id"]  # fmt: skip
        assert "NaN" not in drawn, chart["id"]
        assert not re.search(r">@\w+", drawn), chart["id"]


def test_specifications_leave_no_word_unfilled(page, sweep):
    theme = {"page", "text", "muted", "line", "low", "high", "onlow", "onhigh", "switch"}
    data = _data(page(sweep))
    for chart in data["charts"]:
        asked = set(re.findall(r"@(\w+)", json.dumps(data["specs"][chart["kind"]])))
        assert asked <= theme | set(chart["words"]) | {"choice"}, chart["id"]
    assert set(specifications()) == {"quality", "heat_map", "learning", "target", "profile",
                                     "pareto", "throughput", "time", "confusion"}  # fmt: skip


def test_many_boards_and_rows_stay_small(page, made):
    records = []
    for number in range(60):
        record = made("digits", f"net{number % 50}", number % 3, 0.5 + number / 1000, steps=400,
                      group_hash=f"g{number}", config_hash=f"c{number}",
                      run_id=f"r{number:03}", overrides=[f"optimizer.lr={number}"])  # fmt: skip
        records.append(record)
    written = page(records)
    data = _data(written)
    assert len(data["rows"]) == 40
    learning = [c for c in data["charts"] if c["kind"] == "learning"]
    assert all(len({row[0] for row in c["rows"]}) <= 12 for c in learning)
    _, text = _read(written)
    assert "The best 40 of 60 configurations; leaderboard.csv has all" in text
    assert math.isclose(max(row[3] for c in data["charts"] if c["id"] == "quality-0"
                            for row in c["rows"] if row[1] == "mean"), 0.559)  # fmt: skip


def test_a_profile_is_drawn_against_the_reference(page, made):
    reference = Reference.read().sets
    records = []
    for one in [one for one in reference if one.direction == "maximize"][:2]:
        target = {"metric": one.metric, "threshold": one.target, "direction": "maximize"}
        reached = {"step": 1.0, "examples": 2 * one.median("examples")}
        card = {"name": one.data, "fingerprint": one.fingerprint}
        told = {"task": one.task, "data_card": card, "run_id": one.data, "group_hash": one.data,
                "config_hash": one.data}  # fmt: skip
        records.append(made("digits", "mlp", 0, 0.9, target=target, reached=reached, **told))
    data = _data(page(records))
    chart = next(c for c in data["charts"] if c["kind"] == "profile")
    rows = [row for row in chart["rows"] if row[1] == "examples"]
    # Both sets with twice the reference's examples, of all that the reference has.
    share = 2 / len(reference)
    assert [row[3:5] for row in rows] == [[0, 0], [2, share / 2], [2, share], [4, share]]
    assert {tuple(row[0]) for row in rows} == {(0, 1)}
    assert "<path" in vl_convert.vegalite_to_svg(_completed(data, chart))
