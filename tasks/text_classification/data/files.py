"""Any tables of texts and labels, by path."""

from dataclasses import dataclass
from pathlib import Path

from suite import DataError, OnError, Sieve, Split
from tasks.text_classification.data.tables import FORMATS, Column, Reading, split_files
from tasks.text_classification.data.texts import About, TextSet, classes_of, held_out, text_set


@dataclass(kw_only=True)
class TextFiles:
    """Tables by path; see `TextFilesConfig` for the fields."""

    path: str
    name: str | None
    text_column: str
    label_column: str
    validation: float
    test: float
    on_error: OnError

    def load(self, cache: Path) -> TextSet:
        """Read all splits; raise a `DataError` that names file, column or row."""
        root = Path(self.path).expanduser()
        files = _files(root)
        sieve = Sieve(self.on_error)
        reading = Reading(sieve)
        text = Column([self.text_column], "set data.text_column=…")
        label = Column([self.label_column], "set data.label_column=…")
        rows = {split: reading.table(split, [file], text, label) for split, file in files.items()}
        return text_set(
            held_out(rows, {Split.VALIDATION: self.validation, Split.TEST: self.test}),
            classes_of(row.label for row in rows[Split.TRAIN]),
            About(name=self.name or (root.stem if root.is_file() else root.name)),
            root=f"data.path={root}",
            column=self.label_column,
            sieve=sieve,
        )


def _files(root: Path) -> dict[Split, Path]:
    if not root.exists():
        raise DataError(f"data.path={root}: does not exist; give a folder or a file of texts")
    if root.is_file():
        if root.suffix not in FORMATS:
            raise DataError(f"data.path={root}: is none of {', '.join(FORMATS)}")
        return {Split.TRAIN: root}
    found = split_files(root)
    if Split.TRAIN not in found:
        raise DataError(
            f"data.path={root}: has no train file ({', '.join('train' + s for s in FORMATS)})"
        )
    return found
