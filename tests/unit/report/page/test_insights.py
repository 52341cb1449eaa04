import json

import pytest

from suite.report.leaderboard import leaderboard
from suite.report.page import insights as room
from suite.report.page.insights import insights
from suite.report.page.shown import Contents

PNG, WAV = b"\x89PNG....", b"RIFF...."


@pytest.fixture
def looked_into(sweep, results):
    """Write findings into the folder of some runs: `looked_into(names, **changes)`."""

    def write(*names, **changes):
        for name in names:
            folder = results / "runs" / name / "insight"
            folder.mkdir(exist_ok=True)
            section = {
                "name": "probes",
                "title": "What can be <b>read</b>",
                "lines": ["Yes: <i>+0.3</i>."],
                "tables": [{"title": "by layer", "headings": ["layer"], "rows": [["stem"], ["1"]]}],
                "files": ["a.png", "b.wav", "c.txt", "d.html", "../../../secret.png", "fake.png"],
            }
            files = {"a.png": PNG, "b.wav": WAV, "c.txt": b"<u>x</u>", "d.html": b"<p>",
                     "fake.png": b"<svg>"}  # fmt: skip
            for file, content in files.items():
                (folder / file).write_bytes(content)
            told = {"run": name, "sections": [section | changes]}
            (folder / "insight.json").write_text(json.dumps(told))
        (results / "secret.png").write_bytes(PNG)
        return Contents(leaderboard=leaderboard(sweep), records=sweep), results / "runs"

    return write


def test_runs_of_the_best_configuration_that_was_looked_into(looked_into):
    contents, runs = looked_into("digits-mlp-sgd-1", "digits-lstm-sgd-0", "digits-lstm-sgd-2")
    found = insights(contents, runs)
    assert [one.run for one in found] == ["digits-lstm-sgd-0", "digits-lstm-sgd-2"]
    (section,) = found[0].sections
    # Neither a page, nor what lies elsewhere, nor what is not what its name says.
    assert [one.kind for one in section.files] == ["image", "sound", "text"]
    assert section.tables[0]["rows"] == [["stem"], ["1"]]


def test_what_is_broken_is_left_out(looked_into, results):
    contents, runs = looked_into("digits-lstm-adamw-0", tables=[{"title": "no rows"}])
    assert insights(contents, runs) == []
    contents, runs = looked_into("digits-lstm-adamw-0", files=7)
    assert insights(contents, runs) == []
    (runs / "digits-lstm-adamw-0" / "insight" / "insight.json").write_text("[" * 100_000)
    assert insights(contents, runs) == []


def test_files_keep_to_the_room_that_there_is(looked_into, monkeypatch):
    contents, runs = looked_into("digits-lstm-adamw-0")
    monkeypatch.setattr(room, "LARGEST", 40)
    (found,) = insights(contents, runs)
    assert sum(one.size for one in found.sections[0].files) <= 40
    many = [["cell"] * 99] * 999
    contents, runs = looked_into(
        "digits-lstm-adamw-0", tables=[{"title": "t", "headings": ["h"] * 99, "rows": many}]
    )
    (found,) = insights(contents, runs)
    (table,) = found.sections[0].tables
    assert (len(table["rows"]), len(table["rows"][0])) == (room.MOST_ROWS, room.MOST_COLUMNS)
