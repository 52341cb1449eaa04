"""Copies the images of tables into one file, so that any of them can be read alone.

A parquet file is read by row groups, and a row group may hold thousands of images: to read one of
them would be to read all. So each file is gone through once, a few hundred rows at a time.
"""

import errno
import hashlib
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
        digest.update(
            f"{table.file} {table.image} {status.st_size} {status.st_mtime_ns}\0".encode()
        )
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

    try:
        # Not buffered ahead: a whole row group would be in memory.
        opened = pq.ParquetFile(table.file, pre_buffer=False, buffer_size=_BUFFER_BYTES)
        for batch in opened.iter_batches(_ROWS, columns=[table.image]):
            column: Any = batch.column(0)
            if pa.types.is_struct(column.type):
                column = column.flatten()[column.type.get_field_index("bytes")]
            yield from column.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{table.file}: cannot be read ({error}); fetch it again") from error
