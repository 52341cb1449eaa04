"""Tables of texts and labels: which files, which columns, which rows can be used."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import DataError, Sieve, Split, nearest, unwritable
from tasks.text_classification.data.formats import read_table
from tasks.text_classification.data.texts import Row, Rows

FORMATS = (".csv", ".tsv", ".parquet", ".json", ".jsonl")
MOST_CHARACTERS = 2**24
"""Of a text."""
SPLIT_NAMES = {
    Split.TRAIN: ("train",),
    Split.VALIDATION: ("validation", "valid", "val", "dev"),
    Split.TEST: ("test",),
}


def split_files(root: Path) -> dict[Split, Path]:
    """Return the table of each split that a folder has; raise a `DataError` where one has two."""
    found: dict[Split, Path] = {}
    for file in sorted(root.iterdir()) if root.is_dir() else ():
        for split, stems in SPLIT_NAMES.items():
            # "train.csv", or "train-00000-of-00001.parquet" as on the Hugging Face hub.
            if file.suffix in FORMATS and file.stem.split("-")[0] in stems:
                if split in found:
                    raise DataError(
                        f"data.path={root}: has both {found[split].name} and {file.name}; keep one"
                    )
                found[split] = file
    return found


@dataclass(frozen=True)
class Column:
    """A column by the names that it may have, the first that is there; `fix` says what to do."""

    names: Sequence[str]
    fix: str

    def of(self, there: Sequence[str], place: str) -> str:
        """Return its name among those of a table."""
        for name in self.names:
            if name in there:
                return name
        wanted = " or ".join(f"'{name}'" for name in self.names)
        raise DataError(
            f"{place}: has no column {wanted}{nearest(self.names[0], there)}; "
            f"its columns are {', '.join(there)}: {self.fix}"
        )


@dataclass(frozen=True)
class Reading:
    """How rows are read: one whose text or label cannot be used goes to the sieve."""

    sieve: Sieve

    def table(self, split: Split, files: Sequence[Path], text: Column, label: Column) -> Rows:
        """Read the rows of one split; raise a `DataError` that names file, column or row."""
        kept: list[Row] = []
        unlabelled = True
        for file in files:
            table = read_table(file)
            # Without any row there is no column, and each row tells what is wrong with it.
            known = table.columns or [text.names[0], label.names[0]]
            text_name, label_name = (c.of(known, str(file)) for c in (text, label))
            names = table.names(label_name)
            waiting: list[tuple[str, Any, Any]] = []
            for number, row in enumerate(table.rows, 1):
                name = f"{file} row {number}"
                if isinstance(row, str):
                    self.sieve.leave_out(split, name, row)
                    continue
                value = row.get(label_name)
                waiting.append((name, row.get(text_name), _named(value, names)))
                # While all labels are -1 they may be hidden, and their rows are not bad one by one.
                unlabelled = unlabelled and value == -1
                if not unlabelled:
                    kept += self._good(split, waiting)
                    waiting = []
            if unlabelled and waiting:
                raise DataError(f"{file}: its labels are hidden (all are -1); give another split")
        return self._some(kept, files[0])

    def _good(self, split: Split, rows: Iterable[tuple[str, Any, Any]]) -> list[Row]:
        found = (self.good(split, *row) for row in rows)
        return [row for row in found if row is not None]

    def rows(self, split: Split, file: Path, cells: Iterable[tuple[Any, Any] | str]) -> Rows:
        """Keep the rows of a file that have both a text and a label; a text tells of a bad row."""
        kept: list[Row] = []
        for number, row in enumerate(cells, 1):
            name = f"{file} row {number}"
            if isinstance(row, str):
                self.sieve.leave_out(split, name, row)
            else:
                kept += self._good(split, [(name, *row)])
        return self._some(kept, file)

    def good(self, split: Split, name: str, text: Any, label: Any) -> Row | None:
        """Return the row that a text and a label make; None where it is left out."""
        written = _written(label)
        reason = ""
        if not isinstance(text, str) or not text.strip() or not written:
            reason = "has no text or no label; mend it"
        elif unwritable(text) or unwritable(written):
            reason = "is not UTF-8; mend it"
        elif len(text) > MOST_CHARACTERS:
            reason = f"has {len(text)} characters, above {MOST_CHARACTERS}; cut it"
        if not reason:
            return Row(text, written, name)
        known = None if unwritable(written) else written
        self.sieve.leave_out(split, name, reason, label=known or None)
        return None

    def _some(self, kept: list[Row], file: Path) -> Rows:
        if not kept:
            raise DataError(f"{file}: holds no row; data.path needs texts and labels")
        return kept


def _named(label: Any, names: Sequence[str]) -> Any:
    """Return the name of a numbered class, None for a number that has none."""
    if not names or isinstance(label, str):
        return label
    whole = label is not None and label == label and label == int(label)
    return names[int(label)] if whole and 0 <= label < len(names) else None


def _written(label: Any) -> str:
    """Return a label as text; empty for what is none. Tables that lack some have floats."""
    if isinstance(label, float):
        return str(int(label)) if math.isfinite(label) and label.is_integer() else ""
    written = str(label) if isinstance(label, (str, int)) else ""
    return written if written.strip() else ""
