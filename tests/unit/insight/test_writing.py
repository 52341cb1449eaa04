import json

from suite.insight.finding import Finding, Table
from suite.insight.writing import metrics_of, read, write
from suite.task import Figure

ORDER = ["first", "second"]


def _finding(name, **changes):
    return Finding(**({"name": name, "title": name.title()} | changes))


def test_sections_replace_themselves_and_nothing_else(tmp_path):
    picture = Figure("seen", b"\x89PNG")
    write(tmp_path, [_finding("second", figures=[picture], metrics={"a": 1.0})], ORDER)
    write(tmp_path, [_finding("first", figures=[Figure("old", b"x"), picture])], ORDER)
    written = write(tmp_path, [_finding("first", figures=[picture], lines=["a"])], ORDER)
    assert [path.name for path in written] == ["insight.json", "insight.md", "first_seen.png"]
    assert [one["name"] for one in read(tmp_path)] == ["first", "second"]
    kept = {path.name for path in (tmp_path / "insight").iterdir()}
    assert kept == {"insight.json", "insight.md", "first_seen.png", "second_seen.png"}
    assert metrics_of(read(tmp_path)) == {"insight/second/a": 1.0}


def test_numbers_that_json_has_no_word_for_are_null_and_no_metric(tmp_path):
    nan = float("nan")
    found = _finding("first", numbers={"m": [[nan, 1.0]]}, metrics={"gone": nan, "kept": 2.0})
    write(tmp_path, [found], ORDER)
    (section,) = read(tmp_path)
    assert section["numbers"] == {"m": [[None, 1.0]]}
    assert section["metrics"] == {"kept": 2.0}


def test_words_are_text_in_markdown(tmp_path):
    table = Table(title="t", headings=["a|b"], rows=[["<script>"]])
    write(tmp_path, [_finding("first", lines=["# loud"], tables=[table])], ORDER)
    words = (tmp_path / "insight" / "insight.md").read_text()
    assert "\\# loud" in words
    assert "| a\\|b |" in words
    assert "&lt;script>" in words


def test_a_broken_file_is_as_none(tmp_path):
    (tmp_path / "insight").mkdir()
    for content in ("{", json.dumps({"sections": 3}), json.dumps({"sections": [{}]})):
        (tmp_path / "insight" / "insight.json").write_text(content)
        assert read(tmp_path) == []
