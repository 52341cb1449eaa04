"""What `triathlon insight` found in the runs of the best configurations, read from their folders.

Whoever made the results folder wrote these files, so nothing in them is more than text, numbers in
text, and pictures or sounds of a bounded size.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import DataError
from suite.report.page.shown import Contents, Shown
from suite.trust.paths import inside

MOST_RUNS, MOST_SECTIONS, MOST_LINES, MOST_TABLES, MOST_FILES = 3, 16, 30, 8, 12
"""Runs of a configuration, sections of a run, and what is shown of a section, at most."""
MOST_ROWS, MOST_COLUMNS = 40, 16
"""Of a table."""
LARGEST_FILE, LARGEST = 400_000, 3_000_000
"""Bytes of a file that is shown, and of all together in the page."""
_LARGEST_NUMBERS = 1 << 24
"""Bytes of a file of findings that is read."""
_KINDS = {".png": ("image", "image/png", b"\x89PNG"), ".wav": ("sound", "audio/wav", b"RIFF")}


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A file to look at or listen to, as a data URI; kind: "image", "sound" or "text"."""

    kind: str
    name: str
    source: str = ""
    text: str = ""

    @property
    def size(self) -> int:
        """Bytes it takes in the page, about."""
        return len(self.source) + len(self.text)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One section of what was found: sentences, tables of text, files."""

    title: str
    lines: Sequence[str]
    tables: Sequence[Mapping[str, Any]]
    files: Sequence[Looked]


@dataclass(frozen=True, kw_only=True)
class Insight:
    """What was found in one run. shown: its configuration, the best of its board with findings."""

    board: int
    shown: Shown
    run: str
    sections: Sequence[Section]


def insights(contents: Contents, runs: Path) -> list[Insight]:
    """Return the findings in runs of the best configuration of each board that has some.

    The room that there is for files (`LARGEST`) is divided evenly among boards.
    """
    kept = {at: _best(contents, at, runs) for at in range(len(contents.boards))}
    share = LARGEST // max(1, sum(bool(each) for each in kept.values()))
    found = []
    for at, each in kept.items():
        left = share
        for shown, run, told in each:
            sections, left = _sections(told, runs / run / "insight", left)
            if sections:
                found.append(Insight(board=at, shown=shown, run=run, sections=sections))
    return found


def _best(contents: Contents, at: int, runs: Path) -> list[tuple[Shown, str, list[Any]]]:
    for shown in contents.of_board(at):
        read = [(shown, run.run_id, _read(runs / run.run_id / "insight")) for run in shown.runs]
        known = [one for one in read if one[2]]
        if known:
            return known[:MOST_RUNS]
    return []


def _read(folder: Path) -> list[Any]:
    try:
        path = inside(folder, "insight.json", str(folder))
        if path.stat().st_size > _LARGEST_NUMBERS:
            return []
        sections = json.loads(path.read_text(encoding="utf-8"))["sections"]
        return sections[:MOST_SECTIONS] if isinstance(sections, list) else []
    except (OSError, ValueError, TypeError, KeyError, RecursionError, DataError):
        return []


def _sections(told: Sequence[Any], folder: Path, left: int) -> tuple[list[Section], int]:
    """Return sections, without those that are broken, and how much room their files leave."""
    found = []
    for one in told:
        try:
            files = []
            for name in [str(each) for each in list(one["files"])[:MOST_FILES]]:
                looked = look_at(folder, name)
                if looked is not None and looked.size <= left:
                    files.append(looked)
                    left -= looked.size
            tables = [_table(table) for table in list(one["tables"])[:MOST_TABLES]]
            lines = [str(line) for line in list(one["lines"])[:MOST_LINES]]
            title = str(one["title"])
        except (TypeError, KeyError):
            continue
        found.append(Section(title=title, lines=lines, tables=tables, files=files))
    return found, left


def _table(told: Mapping[str, Any]) -> dict[str, Any]:
    rows = [[str(cell) for cell in row[:MOST_COLUMNS]] for row in list(told["rows"])[:MOST_ROWS]]
    headings = [str(heading) for heading in told["headings"][:MOST_COLUMNS]]
    return {"title": str(told["title"]), "headings": headings, "rows": rows}


def look_at(folder: Path, name: str) -> Looked | None:
    """Return a file as the page shows it; None where it is not what its name says, or too large."""
    try:
        path = inside(folder, name, "insight.json")
        content = path.read_bytes() if path.stat().st_size <= LARGEST_FILE else b""
    except (OSError, ValueError, DataError):
        return None
    shown = Path(name).stem.replace("_", " ")
    if path.suffix == ".txt" and content:
        return Looked(kind="text", name=shown, text=content.decode("utf-8", "replace"))
    kind, media, start = _KINDS.get(path.suffix, ("", "", b""))
    if not kind or not content.startswith(start):
        return None
    source = f"data:{media};base64,{base64.b64encode(content).decode()}"
    return Looked(kind=kind, name=shown, source=source)
