"""Images in parquet files, as the Hugging Face hub stores them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from suite import DataError, DataSet, Split, nearest
from tasks.image_recognition.data.assembly import About
from tasks.image_recognition.data.encoded import Catalogue, EncodedSource
from tasks.image_recognition.data.labels import numbered
from tasks.image_recognition.data.packing import Table, first_line, pack, refuse_bomb
from tasks.image_recognition.data.paths import SPLIT_NAMES, existing_folder

_LABEL_COLUMNS = ("label", "labels")


@dataclass(frozen=True, kw_only=True)
class ImageParquet(EncodedSource):
    """`train-*.parquet`, `test-*.parquet` and the like, anywhere below a folder.

    An image is encoded bytes, or a struct with a field `bytes`; a label is a number or a text.
    """

    path: str
    name: str | None
    image_column: str | None
    label_column: str | None

    def load(self, cache: Path) -> DataSet:
        """Return the data set; splits that have no file are held out from the training images."""
        root = existing_folder(self.path)
        about = About(name=self.name or root.name, source="parquet files")
        return self.open(self.catalogue(root, cache), about, cache)

    def catalogue(self, root: Path, cache: Path, classes: Sequence[str] | None = None) -> Catalogue:
        """Return what the files hold. classes: names of numbered labels, else as the files tell."""
        files = split_files(root)
        tables = {split: [self._table(file, root) for file in files[split]] for split in files}
        every = [table for split in tables for table in tables[split]]
        names = classes or _class_names(tables[Split.TRAIN][0])
        numbers, names, faults = numbered(
            [v for table in every for v in _labels(table)], names, root
        )
        ends = accumulate((sum(t.rows for t in tables[split]) for split in tables), initial=0)
        parts = {
            split: np.arange(start, end)
            for split, (start, end) in zip(tables, pairwise(ends), strict=True)
        }
        return Catalogue(pack(every, cache), np.array(numbers, np.int64), parts, names, faults)

    def _table(self, file: Path, root: Path) -> Table:
        schema, rows = _schema(file)
        image = _image_column(file, schema, self.image_column)
        label = _label_column(file, schema, self.label_column)
        return Table(file, str(file.relative_to(root)), image, label, rows)


def split_files(root: Path) -> dict[Split, list[Path]]:
    """Return the parquet files of each split, by their names; those without any are training."""
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


def _schema(file: Path) -> tuple[Any, int]:
    """Return the columns and the number of rows."""
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            return opened.schema_arrow, opened.metadata.num_rows
    except Exception as error:  # the library raises errors of many kinds
        raise DataError(
            f"{file}: is not a parquet file ({first_line(error)}); fetch it again"
        ) from error


def _labels(table: Table) -> list[Any]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(table.file) as opened:
            refuse_bomb(opened.metadata, table.file)
            labels: list[Any] = opened.read(columns=[table.label])[table.label].to_pylist()
        if len(labels) != table.rows:
            raise ValueError(f"{len(labels)} labels of {table.rows}")
    except Exception as error:  # the library raises errors of many kinds
        raise DataError(
            f"{table.file}: cannot be read ({first_line(error)}); fetch it again"
        ) from error
    return labels


def _class_names(table: Table) -> list[str]:
    """Return the names that the hub's metadata gives to the numbers of the label, if any."""
    schema, _ = _schema(table.file)
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        return [str(name) for name in features[table.label]["names"]]
    except (KeyError, TypeError, ValueError):
        return []


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
