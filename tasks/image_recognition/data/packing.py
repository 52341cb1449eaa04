"""Copies the images of tables into one file, so that any of them can be read alone.

A parquet file is read by row groups, and a row group may hold thousands of images: to read one of
them would be to read all. So each file is gone through once, a few hundred rows at a time.
"""

import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from suite import DataError, atomic_path
from tasks.image_recognition.data.images import PackedImages, RowNames

_ROWS = 256
"""Rows that are in memory at a time."""
_BUFFER_BYTES = 2**20
_MOST_TIMES = 1000
"""Times that the bytes of a file may grow when they are unpacked, where they become many."""
_MANY_BYTES = 2**28


@dataclass(frozen=True)
class Table:
    """A parquet file: how messages name it, its columns of images and labels, its rows."""

    file: Path
    name: str
    image: str
    label: str
    rows: int


def pack(tables: Sequence[Table], cache: Path) -> PackedImages:
    """Return the images of all tables, in order, from the cache or copied into it.

    Raises a `DataError` where a table cannot be read.
    """
    stamp = _stamp(tables)
    file = cache / "images" / f"{stamp[:32]}.packed"
    ends = file.with_suffix(".ends.npy")
    if not ends.is_file():
        try:
            _write(tables, file, ends)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise DataError(f"cache={cache}: the disk is full; free some or set cache=…") from error
    names = RowNames({table.name: table.rows for table in tables})
    return PackedImages(file, np.load(ends), names, stamp)


def _stamp(tables: Sequence[Table]) -> str:
    digest = hashlib.sha256()
    for table in tables:
        status = table.file.stat()
        digest.update(os.fsencode(table.file))
        digest.update(f" {table.image} {status.st_size} {status.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def _write(tables: Sequence[Table], file: Path, ends: Path) -> None:
    end, end_N = 0, []
    with atomic_path(file) as temporary, temporary.open("wb") as packed:
        for content in (content for table in tables for content in _contents(table)):
            packed.write(content or b"")
            end += len(content or b"")
            end_N.append(end)
    # Written last: where it is, the images are.
    with atomic_path(ends) as temporary, temporary.open("wb") as stream:
        np.save(stream, np.array(end_N, np.int64))


def _contents(table: Table) -> Iterator[bytes | None]:
    """Yield the encoded bytes of each row, which lie in the column or in its field `bytes`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = 0
    try:
        # Not buffered ahead: a whole row group would be in memory.
        opened = pq.ParquetFile(table.file, pre_buffer=False, buffer_size=_BUFFER_BYTES)
        refuse_bomb(opened.metadata, table.file)
        for batch in opened.iter_batches(_ROWS, columns=[table.image]):
            column: Any = batch.column(0)
            if pa.types.is_struct(column.type):
                column = column.flatten()[column.type.get_field_index("bytes")]
            rows += len(column)
            for value in column.to_pylist():
                yield value if isinstance(value, bytes) else None
        if rows != table.rows:
            raise ValueError(f"{rows} rows of {table.rows}")
    except Exception as error:  # the library raises errors of many kinds
        raise DataError(
            f"{table.file}: cannot be read ({first_line(error)}); fetch it again"
        ) from error


def refuse_bomb(metadata: Any, file: Path) -> None:
    """Raise a `ValueError` where a parquet file claims to become far more than it is."""
    # By row groups: to ask for a damaged column aborts the process.
    unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    packed = file.stat().st_size
    if unpacked > max(_MANY_BYTES, _MOST_TIMES * packed):
        raise ValueError(f"{packed} bytes would become {unpacked}")


def first_line(error: Exception) -> str:
    """Return what an error of a library says, in its first line."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
