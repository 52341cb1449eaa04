"""Images in parquet files, as the Hugging Face hub stores them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import DataError, DataSet, OnError, Split, nearest
from tasks.image_recognition.config import Channels
from tasks.image_recognition.data.decoding import Decoding, Encoded
from tasks.image_recognition.data.encoded import load_encoded
from tasks.image_recognition.data.paths import SPLIT_NAMES, existing_folder

_LABEL_COLUMNS = ("label", "labels")


@dataclass(frozen=True, kw_only=True)
class ImageParquet:
    """`train-*.parquet`, `test-*.parquet` and the like, anywhere below a folder.

    An image is encoded bytes, or a struct with a field `bytes`; a label is a number or a text.
    """

    path: str
    name: str | None
    size: int | None
    channels: Channels | None
    validation: float
    test: float
    max_pixels: int
    image_column: str | None
    label_column: str | None
    on_error: OnError = OnError.stop

    def load(self, cache: Path) -> DataSet:
        """Return the data set; splits that have no file are held out from the training images."""
        root = existing_folder(self.path)
        rows = {
            split: [row for file in files for row in self._rows(file, root)]
            for split, files in _split_files(root).items()
        }
        labels = [label for part in rows.values() for _, _, label in part]
        names = self._class_names(_split_files(root)[Split.TRAIN][0])
        numbers, classes = _numbered(labels, names, root)
        number = iter(numbers)
        parts = {
            split: [Encoded(name, content, next(number)) for name, content, _ in part]
            for split, part in rows.items()
        }
        return load_encoded(
            parts,
            classes,
            Decoding(self.size, self.channels, self.max_pixels, self.on_error),
            cache,
            name=self.name or root.name,
            source="parquet files",
            validation=self.validation,
            test=self.test,
        )

    def _rows(self, file: Path, root: Path) -> list[tuple[str, bytes | None, Any]]:
        """Return name, encoded bytes and label of each row."""
        schema = _schema(file)
        image = _image_column(file, schema, self.image_column)
        label = _label_column(file, schema, self.label_column)
        table = _table(file, [image, label])
        contents = table[image].to_pylist()
        if contents and isinstance(contents[0], dict):
            contents = [None if content is None else content["bytes"] for content in contents]
        place = file.relative_to(root)
        return [
            (f"{place} row {row}", content, label)
            for row, (content, label) in enumerate(
                zip(contents, table[label].to_pylist(), strict=True)
            )
        ]

    def _class_names(self, file: Path) -> list[str]:
        """Return the names that the hub's metadata gives to the numbers of the label, if any."""
        schema = _schema(file)
        label = _label_column(file, schema, self.label_column)
        try:
            features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
            return [str(name) for name in features[label]["names"]]
        except (KeyError, TypeError, ValueError):
            return []


def _split_files(root: Path) -> dict[Split, list[Path]]:
    files = sorted(root.rglob("*.parquet"))
    if not files:
        raise DataError(f"{root}: has no .parquet files; mend data.path")
    found: dict[Split, list[Path]] = {}
    for file in files:
        # `train-00000-of-00001.parquet`, or `train/0000.parquet` as the hub converts.
        words = [re.split(r"[-_.]", name)[0].lower() for name in (file.name, file.parent.name)]
        split = next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), None)
        if split is not None:
            found.setdefault(split, []).append(file)
    if not found:
        return {Split.TRAIN: files}
    if Split.TRAIN not in found:
        raise DataError(f"{root}: has no train-*.parquet beside {files[0].name}; add it")
    return found


def _schema(file: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_schema(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: is not a parquet file ({error}); fetch it again") from error


def _table(file: Path, columns: list[str]) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(file).read(columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: cannot be read ({error}); fetch it again") from error


def _image_column(file: Path, schema: Any, wanted: str | None) -> str:
    import pyarrow as pa

    if wanted is not None:
        return _present(file, schema, "image_column", wanted)
    holding = [
        field.name
        for field in schema
        if pa.types.is_binary(field.type)
        or (pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
    ]
    if len(holding) != 1:
        raise DataError(
            f"{file}: {len(holding)} columns hold images of {schema.names}; "
            "give data.image_column=…"
        )
    return str(holding[0])


def _label_column(file: Path, schema: Any, wanted: str | None) -> str:
    if wanted is not None:
        return _present(file, schema, "label_column", wanted)
    for name in _LABEL_COLUMNS:
        if name in schema.names:
            return name
    raise DataError(
        f"{file}: has no column {' or '.join(_LABEL_COLUMNS)} among {schema.names}; "
        "give data.label_column=…"
    )


def _present(file: Path, schema: Any, option: str, wanted: str) -> str:
    if wanted not in schema.names:
        raise DataError(
            f"data.{option}={wanted}: {file.name} has {schema.names}{nearest(wanted, schema.names)}"
        )
    return wanted


def _numbered(labels: list[Any], names: list[str], root: Path) -> tuple[list[int], Sequence[str]]:
    """Return labels as numbers from 0 and the classes' names."""
    missing = sum(label is None for label in labels)
    if missing:
        raise DataError(f"{root}: {missing} rows have no label; remove them or give them one")
    odd = next((label for label in labels if not isinstance(label, (int, str))), None)
    if odd is not None:
        raise DataError(f"{root}: a label is {odd!r}; give a column with one number or text each")
    if names and all(isinstance(label, int) and 0 <= label < len(names) for label in labels):
        return labels, names
    values = sorted(set(labels), key=lambda value: (isinstance(value, str), value))
    number = {value: index for index, value in enumerate(values)}
    return [number[label] for label in labels], [str(value) for value in values]
