import base64
import json

import pytest

from suite.report.page.scaling import scaled

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)


def section(**changes):
    table = {"title": "t", "headings": ["a"], "rows": [["<b>"]] * 50}
    return {
        "title": "Laws", "lines": ["x" * 900], "pictures": ["scaling.png"], "tables": [table],
        "numbers": {},
    } | changes  # fmt: skip


def test_what_is_shown_is_bounded(tmp_path):
    (tmp_path / "scaling.json").write_text(json.dumps({"sections": [section()] * 30}))
    (tmp_path / "scaling.png").write_bytes(PNG)
    found = scaled(tmp_path)
    assert len(found) == 8
    assert len(found[0].lines[0]) == 400
    assert (len(found[0].tables[0][2]), found[0].more) == (40, 10)
    assert found[0].pictures == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"]


@pytest.mark.parametrize("name", ["../scaling.png", "/etc/passwd", "scaling.json", "link.png"])
def test_no_picture_is_taken_from_elsewhere(tmp_path, name):
    folder = tmp_path / "results"
    folder.mkdir()
    (tmp_path / "scaling.png").write_bytes(PNG)
    (folder / "link.png").symlink_to(tmp_path / "scaling.png")
    (folder / "scaling.json").write_text(json.dumps({"sections": [section(pictures=[name])]}))
    assert scaled(folder)[0].pictures == []


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sections": [1]}', '{"sections": [{}]}'])
def test_a_damaged_file_is_left_out(tmp_path, text):
    assert scaled(tmp_path) == []
    (tmp_path / "scaling.json").write_text(text)
    assert scaled(tmp_path) == []
