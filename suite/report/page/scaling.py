"""What `triathlon scaling` left in the results folder, bounded and believed as little as can be."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.trust.paths import plain_name

_MOST_SECTIONS, _MOST_LINES, _MOST_TABLES, _MOST_ROWS = 8, 24, 4, 40
_LONGEST = 400
"""Characters of a line or a cell."""
_LARGEST_FILE, _LARGEST_PICTURE = 20_000_000, 1_000_000
"""Bytes."""


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """A section: sentences, pictures as data URIs, tables as title, headings and rows."""

    title: str
    lines: Sequence[str]
    pictures: Sequence[str]
    tables: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]]]]
    more: int


def scaled(folder: Path) -> list[Scaled]:
    """Return the sections of `scaling.json`; none where it is not there or is not whole."""
    path = folder / "scaling.json"
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return []
        sections = json.loads(path.read_text())["sections"]
        return [_section(one, folder) for one in sections[:_MOST_SECTIONS]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []


def _section(section: dict[str, Any], folder: Path) -> Scaled:
    tables = section["tables"]
    rows = [len(one["rows"]) for one in tables]
    return Scaled(
        title=_short(section["title"]),
        lines=[_short(line) for line in section["lines"][:_MOST_LINES]],
        pictures=[uri for name in section["pictures"][:2] if (uri := _picture(folder, str(name)))],
        tables=[
            (
                _short(one["title"]),
                [_short(cell) for cell in one["headings"]],
                [[_short(cell) for cell in row] for row in one["rows"][:_MOST_ROWS]],
            )
            for one in tables[:_MOST_TABLES]
        ],
        more=sum(max(0, count - _MOST_ROWS) for count in rows),
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _picture(folder: Path, name: str) -> str:
    """Return a picture of the folder as a data URI, empty where it is none."""
    path = folder / name
    if not plain_name(name) or path.is_symlink() or not path.is_file():
        return ""
    if path.stat().st_size > _LARGEST_PICTURE:
        return ""
    content = path.read_bytes()
    if not content.startswith(b"\x89PNG"):
        return ""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"
