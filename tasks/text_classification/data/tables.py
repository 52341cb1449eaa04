"""Tables of texts and labels, through the datasets library, which knows all of their formats."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from suite import DataError, OnError, Split, nearest
from tasks.text_classification.data.texts import Rows

FORMATS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".json": "json", ".jsonl": "json"}
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

    def of(self, table: Any, place: str) -> str:
        """Return its name in a table."""
        there = table.column_names
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
    """How rows are read: one without a text or a label stops it, or is skipped and named."""

    cache: Path
    on_error: OnError
    skipped: list[str] = field(default_factory=list)

    def table(self, files: Sequence[Path], text: Column, label: Column) -> Rows:
        """Read the rows of one split; raise a `DataError` that names file, column or row."""
        place = str(files[0])
        table = load_table(files, self.cache)
        text_name, label_name = text.of(table, place), label.of(table, place)
        names = getattr(table.features[label_name], "names", None)
        # Lists, as a column of the library decodes its rows one by one.
        texts, labels = list(table[text_name]), list(table[label_name])
        if labels and set(labels) == {-1}:
            raise DataError(f"{place}: its labels are hidden (all are -1); give another split")
        if names:
            labels = [None if k is None or k < 0 else names[k] for k in labels]
        return self.rows(place, zip(texts, labels, strict=True))

    def rows(self, place: str, cells: Iterable[tuple[Any, Any]]) -> Rows:
        """Keep the rows of a file that have both."""
        kept = []
        for number, (text, label) in enumerate(cells, 1):
            if self.good(f"{place}: row {number}", text, label):
                kept.append((text, str(label)))
        if not kept:
            raise DataError(f"{place}: holds no row; data.path needs texts and labels")
        return kept

    def good(self, place: str, text: Any, label: Any) -> bool:
        """Return whether there are a text and a label."""
        if isinstance(text, str) and text.strip() and label is not None and label != "":
            return True
        if self.on_error is OnError.stop:
            raise DataError(f"{place} has no text or no label; mend it, or set data.on_error=skip")
        self.skipped.append(place)
        return False


def load_table(files: Sequence[Path], cache: Path) -> Any:
    """Read files of one format as one table."""
    import datasets

    datasets.disable_progress_bars()
    suffix = files[0].suffix
    # Words such as "NA" and "null" are text, not missing values.
    options: dict[str, Any] = {"keep_default_na": False} if FORMATS[suffix] == "csv" else {}
    if suffix == ".tsv":
        options["sep"] = "\t"
    try:
        return datasets.load_dataset(
            FORMATS[suffix],
            data_files=[str(file) for file in files],
            split="train",
            cache_dir=str(cache / "datasets"),
            **options,
        )
    except Exception as error:  # the library wraps whatever its readers raise
        reason = str(error.__cause__ or error).splitlines()[0]
        raise DataError(f"{files[0]}: cannot be read as {suffix[1:]} ({reason})") from error
