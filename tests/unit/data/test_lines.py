"""Lists and tables that somebody wrote: a bad line is one line."""

import csv
from functools import partial

import pytest

from suite import DataError, csv_rows, json_of, lines_of, unwritable
from suite.data import lines


def test_bytes_that_are_not_utf_8_spoil_their_line_alone(tmp_path):
    file = tmp_path / "list"
    file.write_bytes(b"\xef\xbb\xbfone\r\nt\xffwo\nthr\xe2\x80\xa8ee\n")
    assert [unwritable(line) for line in lines_of(file)] == [False, True, False]
    assert [line for line in lines_of(file) if not unwritable(line)] == ["one", "thr\u2028ee"]
    assert list(lines_of(file, encoding="latin-1"))[1] == "tÿwo"
    with pytest.raises(DataError, match="nowhere: cannot be read"):
        list(lines_of(tmp_path / "nowhere"))


def test_rows_are_those_of_csv_without_blank_ones(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text('a,b\n\n"1,\n2",3\n4\n')
    assert list(csv_rows(file)) == [["a", "b"], ["1,\n2", "3"], ["4"]]
    assert next(csv_rows(file, delimiter="\t")) == ["a,b"]


def test_a_line_or_a_cell_has_an_end(tmp_path, monkeypatch, request):
    monkeypatch.setattr(lines, "MOST_CHARACTERS", 50)
    request.addfinalizer(partial(csv.field_size_limit, csv.field_size_limit()))
    file = tmp_path / "table.csv"
    file.write_text("a,b\n" + "x" * 51)
    for read in (lines_of, csv_rows):
        with pytest.raises(DataError, match=r"table\.csv: line 2 has more than 50 characters"):
            list(read(file))
    file.write_text('a,b\n"' + "x,\n" * 30)  # a quote that nobody closes
    with pytest.raises(DataError, match=r"table\.csv: cannot be read behind row 1 .*quote"):
        list(csv_rows(file))


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "1" * 5000, ""])
def test_what_is_no_json_is_one_error(text):
    with pytest.raises(ValueError, match=r"\S"):
        json_of(text)
