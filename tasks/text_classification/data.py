"""Sources of texts and labels."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import DataCard, DataError, OnError, Split, hold_out, nearest
from tasks.text_classification import language_names as names

_FORMATS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".json": "json", ".jsonl": "json"}
_SPLIT_NAMES = {
    Split.TRAIN: ("train",),
    Split.VALIDATION: ("validation", "valid", "val", "dev"),
    Split.TEST: ("test",),
}


@dataclass(frozen=True)
class Texts:
    """One split: texts, and for each the number of its class."""

    texts: Sequence[str]
    labels: Sequence[int]


@dataclass(frozen=True)
class TextSet:
    """A data set of texts as they are, before any tokenizer."""

    splits: Mapping[Split, Texts]
    classes: tuple[str, ...]
    card: DataCard


class LanguageNames:
    """The embedded set of phrases in 40 languages."""

    def __init__(self, on_error: OnError = OnError.stop) -> None:
        """Nothing to choose: the set has no samples that cannot be read."""

    def load(self, cache: Path) -> TextSet:
        """Return the phrases by split."""
        phrases = names.language_names()
        number = {language: k for k, language in enumerate(names.LANGUAGES)}
        splits = {}
        for split in Split:
            mine = [phrase for phrase in phrases if phrase.split == split.value]
            splits[split] = Texts([p.text for p in mine], [number[p.language] for p in mine])
        card = DataCard(
            name="language_names",
            version=names.data_version(),
            licence=names.LICENCE,
            source=names.SOURCE,
            fingerprint=names.fingerprint(phrases),
            sizes={split.value: len(splits[split].texts) for split in Split},
            notes="split by CLDR key",
        )
        return TextSet(splits, names.LANGUAGES, card)


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
        files = _split_files(root)
        skipped: list[str] = []
        rows = {split: self._read(file, cache, skipped) for split, file in files.items()}
        classes = _classes(label for _, label in rows[Split.TRAIN])
        rows = self._complete(rows)
        number = {name: k for k, name in enumerate(classes)}
        splits = {}
        for split in Split:
            if not rows[split]:
                raise DataError(
                    f"data.path={root}: no text is left for {split.value}; give more texts or a "
                    f"{split.value} file"
                )
            unseen = sorted({label for _, label in rows[split]} - number.keys())
            if unseen:
                raise DataError(
                    f"{files.get(split, root)}: label '{unseen[0]}' in column "
                    f"'{self.label_column}' does not occur in training; mend the label or move it"
                )
            splits[split] = Texts(
                [text for text, _ in rows[split]], [number[label] for _, label in rows[split]]
            )
        shared = len({t for t, _ in rows[Split.TRAIN]} & {t for t, _ in rows[Split.TEST]})
        card = DataCard(
            name=self.name or (root.stem if root.is_file() else root.name),
            version="as found",
            licence="as found",
            source="files",
            fingerprint=_fingerprint(rows),
            sizes={split.value: len(rows[split]) for split in Split},
            skipped=skipped,
            notes=f"{shared} texts are in train and in test, as found" if shared else "",
        )
        return TextSet(splits, classes, card)

    def _read(self, file: Path, cache: Path, skipped: list[str]) -> list[tuple[str, str]]:
        table = _table(file, cache)
        for column in (self.text_column, self.label_column):
            if column not in table.column_names:
                key = "text_column" if column == self.text_column else "label_column"
                raise DataError(
                    f"{file}: has no column '{column}'{nearest(column, table.column_names)}; "
                    f"its columns are {', '.join(table.column_names)}: set data.{key}=…"
                )
        feature = table.features[self.label_column]
        named = getattr(feature, "names", None)
        rows = []
        for index, (text, label) in enumerate(
            zip(table[self.text_column], table[self.label_column], strict=True)
        ):
            if not isinstance(text, str) or not text.strip() or label is None or label == "":
                place = f"{file}: row {index + 1}"
                if self.on_error is OnError.stop:
                    raise DataError(
                        f"{place} has no text or no label; mend it, or set data.on_error=skip"
                    )
                skipped.append(place)
                continue
            rows.append((text, named[label] if named else str(label)))
        if not rows:
            raise DataError(f"{file}: holds no row; data.path needs texts and labels")
        return rows

    def _complete(
        self, rows: dict[Split, list[tuple[str, str]]]
    ) -> dict[Split, list[tuple[str, str]]]:
        """Hold out what has no file of its own, equal texts together."""
        for split, share in ((Split.TEST, self.test), (Split.VALIDATION, self.validation)):
            if split not in rows:
                train = rows[Split.TRAIN]
                kept, held = hold_out(
                    [text for text, _ in train], share, strata=[label for _, label in train]
                )
                rows = {
                    **rows,
                    Split.TRAIN: [train[i] for i in kept],
                    split: [train[i] for i in held],
                }
        return rows


def _split_files(root: Path) -> dict[Split, Path]:
    if not root.exists():
        raise DataError(f"data.path={root}: does not exist; give a folder or a file of texts")
    if root.is_file():
        if root.suffix not in _FORMATS:
            raise DataError(f"data.path={root}: is none of {', '.join(_FORMATS)}")
        return {Split.TRAIN: root}
    found: dict[Split, Path] = {}
    for file in sorted(root.iterdir()):
        for split, stems in _SPLIT_NAMES.items():
            # "train.csv", or "train-00000-of-00001.parquet" as on the Hugging Face hub.
            if file.suffix in _FORMATS and file.stem.split("-")[0] in stems:
                if split in found:
                    raise DataError(
                        f"data.path={root}: has both {found[split].name} and {file.name}; keep one"
                    )
                found[split] = file
    if Split.TRAIN not in found:
        raise DataError(
            f"data.path={root}: has no train file ({', '.join('train' + s for s in _FORMATS)})"
        )
    return found


def _table(file: Path, cache: Path) -> Any:
    """Read a table with the datasets library, which knows all of these formats."""
    import datasets

    datasets.disable_progress_bars()
    # Words such as "NA" and "null" are text, not missing values.
    options = {"keep_default_na": False} if _FORMATS[file.suffix] == "csv" else {}
    if file.suffix == ".tsv":
        options["sep"] = "\t"  # type: ignore[assignment]
    try:
        return datasets.load_dataset(
            _FORMATS[file.suffix],
            data_files=str(file),
            split="train",
            cache_dir=str(cache / "datasets"),
            **options,
        )
    except Exception as error:  # the library wraps whatever its readers raise
        reason = str(error.__cause__ or error).splitlines()[0]
        raise DataError(f"{file}: cannot be read as {file.suffix[1:]} ({reason})") from error


def _classes(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the classes in order, numbers by their value."""
    return tuple(
        sorted(
            set(labels),
            key=lambda name: (not name.isdigit(), len(name) if name.isdigit() else 0, name),
        )
    )


def _fingerprint(rows: Mapping[Split, Sequence[tuple[str, str]]]) -> str:
    digest = hashlib.sha256()
    for split in Split:
        for text, label in rows[split]:
            digest.update(f"{split.value}\0{text}\0{label}\0".encode())
    return digest.hexdigest()
