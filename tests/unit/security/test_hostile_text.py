"""Labels, names and errors of others, wherever the suite shows them: as text, and nothing else."""

import csv
import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.mistakes import keep_mistakes, shown_text
from suite.record import RunRecord
from suite.report.leaderboard import leaderboard
from suite.task import Mistake
from suite.tracking.console import Console
from suite.tracking.describe import note_of, run_name
from suite.tracking.journal import Journal, read_journal
from suite.trust.terminal import Terminal
from suite.trust.text import csv_cell, figure_text, in_a_line, markdown_text, printable

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "=cmd|'/C calc'!A0",
    "[click](javascript:alert(1)) ![x](http://evil/x.png)",
    "$\\frac{",
    "[bold red]x[/nothing]",
    "a\nb\r\nc | d `e`",
    "\u202etxt.exe",
]


@pytest.fixture
def records(tmp_path: Path) -> list[RunRecord]:
    """Finished and failed runs, all of whose words are hostile."""
    made = []
    for number, text in enumerate(HOSTILE):
        values: dict[str, Any] = {
            "run_id": f"run{number}", "name": text, "status": "finished", "task": "images",
            "data": "set", "backbone": text, "optimizer": text, "seed": 0, "sweep": text,
            "primary": "accuracy", "direction": "maximize", "metrics": {"test/accuracy": 0.5},
            "group_hash": f"g{number}", "config_hash": f"c{number}", "unit": "image",
            "data_card": {"name": HOSTILE[number % 3], "fingerprint": "f", "sizes": {"test": 10}},
            "references": [{"name": text, "metric": "accuracy", "value": 0.9, "kind": "published",
                            "uses": text, "source": text, "n": None}],
            "machine": {"processor": text, "system": text}, "best": {"step": 1},
            "overrides": [f"name={text}"], "config": {"name": text},
            "training_seconds": 1.0, "wall_seconds": 1.0,
            "throughput": {"examples_per_second": 1.0},
        }  # fmt: skip
        record = RunRecord(**values)
        folder = tmp_path / "runs" / record.run_id
        with_journal = Journal(folder)
        with_journal.start(record)
        with_journal.end(record)
        shown = shown_text(text)
        keep_mistakes([Mistake(content=shown.content, suffix=shown.suffix, true=text,
                               predicted=text, name=text)], folder)  # fmt: skip
        (folder / "figures").mkdir()
        counts = {"classes": [text, "b"], "true_predicted_count": [[0, 0, 1], [0, 1, 3]]}
        (folder / "figures" / "confusion_matrix.json").write_text(json.dumps(counts))
        made.append(record)
        made.append(RunRecord(**{**values, "run_id": f"failed{number}", "status": "failed",
                                 "error": text, "metrics": {}}))  # fmt: skip
    return made


class Page(HTMLParser):
    """Collects tags, and attributes that would run something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attributes)
        self.handlers += [name for name in given if name.startswith("on")]
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""


def test_the_page(records: list[RunRecord], tmp_path: Path) -> None:
    from suite.report.page.document import write_page

    def events(path: Path) -> Any:
        return (event for event, _ in read_journal(path))

    page = write_page(leaderboard(records), records, tmp_path / "runs", events,
                      tmp_path / "report.html").read_text()  # fmt: skip
    read = Page()
    read.feed(page)
    # The data, the library and our script.
    assert read.tags.count("script") == 3
    assert not read.handlers
    assert "\x1b" not in page.partition('<script type="application/json"')[0]
    assert "alert(1)</script>" not in page
    assert "49" not in page.partition("{{ 7 * 7 }}")[0][-20:]
    assert "{{ 7 * 7 }}" in page
    # Each script by its hash: an injected one, or a handler in a tag, would not run.
    assert "script-src 'sha256-" in read.policy
    assert "script-src 'unsafe-inline'" not in read.policy
    assert "default-src 'none'" in read.policy
    assert "base-uri 'none'" in read.policy


def test_the_hashes_are_those_of_the_scripts(records: list[RunRecord], tmp_path: Path) -> None:
    import base64
    import hashlib
    import re

    from suite.report.page.document import write_page

    page = write_page(leaderboard(records), records, tmp_path / "runs", lambda path: iter(()),
                      tmp_path / "report.html").read_text()  # fmt: skip
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page


def test_the_tables_in_files(records: list[RunRecord], tmp_path: Path) -> None:
    board = leaderboard(records)
    board.write(tmp_path / "out")
    text = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "<" not in text.replace("&lt;", "")
    assert "](" not in text
    assert not set(text) & set("\x1b\x07\x9b\r\u202e")
    with (tmp_path / "out" / "leaderboard.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            for cell in row.values():
                assert csv_cell(cell) == cell, cell
    note = board.note()
    assert "<" not in note.replace("&lt;", "")
    assert "](" not in note
    # JSON is for programs: the words as they are.
    plain = (tmp_path / "out" / "leaderboard.json").read_text()
    assert json.dumps(HOSTILE[7])[1:-1] in plain


def test_the_terminal(records: list[RunRecord]) -> None:
    terminal = Terminal(file=io.StringIO(), force_terminal=False, width=200)
    leaderboard(records).print(terminal)
    for record in records:
        console = Console(terminal=terminal)
        console({"time": 0.0, "event": "start", "record": record.plain()})
        console({"time": 0.0, "event": "end", "record": record.plain()})
    said = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "\\x1b]0;owned" in said
    assert not set(said) & set("\x1b\x07\x9b\r\u202e")


def test_the_tracker(records: list[RunRecord], tmp_path: Path) -> None:
    for record in records:
        note = note_of(record.plain())
        prose = note.partition("`triathlon")[0]
        assert "<" not in prose.replace("&lt;", "")
        assert "](" not in prose
        assert not set(note) & set("\x1b\x07\x9b\r\u202e")
        name = run_name(record.plain(), tmp_path)
        assert not set(name) & set("\x1b\x07\x9b\r\n\u202e")


def test_the_command_lines_errors(monkeypatch: Any, capsys: Any) -> None:
    from suite.cli import main

    monkeypatch.setenv("HYDRA_FULL_ERROR", "")
    with pytest.raises(SystemExit):
        main(["list\x1b]0;owned\x07"])
    said = capsys.readouterr().err
    assert "\\x1b]0;owned\\x07" in said
    assert "\x1b" not in said


def test_figures() -> None:
    from suite.figures import confusion_matrix_png

    classes = ["$\\frac{", "$", "$a$b$", "\\$", "a\nb"]
    assert confusion_matrix_png(torch.eye(5), classes).startswith(b"\x89PNG")
    assert figure_text("$x$") == r"\$x\$"


@pytest.mark.parametrize(
    ("given", "safe"),
    [("=1+1", "'=1+1"), ("+cmd", "'+cmd"), ("-x", "'-x"), ("@SUM(A1)", "'@SUM(A1)"),
     ("\t=1", "'\t=1"), ("-1.5", "-1.5"), ("+0.5", "+0.5"), (-1.5, -1.5), (None, None),
     ("a=b", "a=b"), ("", "")],
)  # fmt: skip
def test_cells_that_a_spreadsheet_would_compute(given: object, safe: object) -> None:
    assert csv_cell(given) == safe


def test_plain_text_stays_as_it_is() -> None:
    for text in ("spoken_digits_ctc, 95% (n=3) ±0.1 — süß 中文", "a * b + c"):
        assert printable(text) == in_a_line(text) == markdown_text(text) == text
    assert printable("a\tb\n") == "a\tb\n"
    assert markdown_text("# a") == "\\# a"
    assert markdown_text("[a](b)") == "[a]\\(b)"
