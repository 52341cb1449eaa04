"""Reads lists and tables of text that somebody wrote: a bad line is one line, and none is endless.

Bytes that are not UTF-8 stay in their line as lone surrogates (PEP 383), so that a row is bad and
not its file; `unwritable` tells.
"""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suite.errors import DataError

MOST_CHARACTERS = 2**24
"""Of a line, and so of a cell: a file without line ends would be read into memory whole."""


def lines_of(file: Path, *, encoding: str = "utf-8-sig") -> Iterator[str]:
    """Yield the lines of a file, without their ends.

    encoding: of the file; bytes that it does not have stay as lone surrogates (see `unwritable`).
    Raises a `DataError` that names the file, where it cannot be read or a line has no end.
    """
    # Lines end at newlines alone: other separators are characters in a text.
    for line in _raw(file, "\n", encoding):
        yield line.rstrip("\r\n")


def csv_rows(file: Path, **dialect: Any) -> Iterator[list[str]]:
    """Yield the rows of a table that are not blank, as csv's `reader` reads them with `dialect`.

    Raises a `DataError` that names the file, and the row behind which it cannot be read.
    """
    csv.field_size_limit(MOST_CHARACTERS)
    number = 0
    rows = csv.reader(_raw(file, ""), **dialect)
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{file}: cannot be read behind row {number} ({error}); is a quote left open?"
            ) from error
        number += 1
        if cells:
            yield cells


def json_of(text: str) -> Any:
    """Return what a JSON text holds; raise a `ValueError` for any that cannot be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def unwritable(text: str) -> bool:
    """Return whether a text is not Unicode: it was read from bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _raw(file: Path, newline: str, encoding: str = "utf-8-sig") -> Iterator[str]:
    if not os.path.isfile(file):  # Path.is_file raises where a name is too long
        raise DataError(f"{file}: cannot be read (there is no such file)")
    try:
        with file.open(encoding=encoding, errors="surrogateescape", newline=newline) as opened:
            number = 0
            while line := opened.readline(MOST_CHARACTERS + 1):
                number += 1
                if len(line) > MOST_CHARACTERS:
                    raise DataError(
                        f"{file}: line {number} has more than {MOST_CHARACTERS} characters; "
                        "it is damaged, or no table"
                    )
                yield line
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); mend it") from error
