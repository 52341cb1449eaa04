"""Reads tables of the formats that people keep texts in, row by row: a bad row is one row.

A cell of bytes that are not UTF-8 keeps them as lone surrogates; who reads the row tells.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import DataError, csv_rows, json_of, lines_of

_BATCH = 256
_MOST_JSON = 2**30
"""Bytes of a list of objects, which has to be parsed whole."""
_MOST_TIMES = 1000
"""Times that parquet may grow when it is unpacked, where it becomes large."""
_LARGE = 2**28


@dataclass(frozen=True)
class Table:
    """Rows of one file, each its cells by column, or in a text what is wrong with it.

    names: of the classes that numbers in a column stand for, where the file tells.
    """

    columns: Sequence[str]
    rows: Iterator[dict[str, Any] | str]
    names: Callable[[str], Sequence[str]] = lambda column: ()


def read_table(file: Path) -> Table:
    """Open a file; raise a `DataError` that names it where it is no table."""
    if not file.is_file():
        raise DataError(f"{file}: is not a file")
    if file.suffix in (".csv", ".tsv"):
        return _csv(file, "," if file.suffix == ".csv" else "\t")
    if file.suffix == ".parquet":
        return _parquet(file)
    return _json(file)


def _csv(file: Path, delimiter: str) -> Table:
    lines = csv_rows(file, delimiter=delimiter)
    columns = next(lines, [])

    def rows() -> Iterator[dict[str, Any] | str]:
        for cells in lines:
            if len(cells) > len(columns):
                yield f"has {len(cells)} cells for {len(columns)} columns; quote its text"
            else:
                yield dict(zip(columns, cells, strict=False))

    return Table(columns, rows())


def _json(file: Path) -> Table:
    """Read an object a line, or a list of objects."""
    lines = lines_of(file)
    first = next((line for line in lines if line.strip()), "")
    if first.lstrip().startswith("["):
        return _objects(iter(_list(file)))

    def objects() -> Iterator[Any]:
        for line in (first, *lines) if first else ():
            if line.strip():
                try:
                    yield json_of(line)
                except ValueError as error:
                    yield f"is not JSON ({error}); write one object a line"

    return _objects(objects())


def _list(file: Path) -> list[Any]:
    size = file.stat().st_size
    if size > _MOST_JSON:
        raise DataError(f"{file}: is a list of {size} bytes; write one object a line (.jsonl)")
    try:
        found: list[Any] = json_of(file.read_text("utf-8-sig", errors="surrogateescape"))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: cannot be read as json ({error}); mend it") from error
    return found


def _objects(values: Iterator[Any]) -> Table:
    def rows() -> Iterator[dict[str, Any] | str]:
        for value in values:
            yield value if isinstance(value, (dict, str)) else "is not an object; write one a row"

    opened = rows()
    seen: list[dict[str, Any] | str] = []
    columns: list[str] = []
    for row in opened:
        seen.append(row)
        if isinstance(row, dict):
            columns = list(row)
            break

    def all_rows() -> Iterator[dict[str, Any] | str]:
        yield from seen
        yield from opened

    return Table(columns, all_rows())


def _parquet(file: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as opened:
            schema, metadata = opened.schema_arrow, opened.metadata
            _refuse_bomb(metadata, file)
    except Exception as error:  # the library raises errors of many kinds
        raise _damaged(file, error) from error
    texts = [
        field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]
    plain = [field.name for field in schema if not pa.types.is_nested(field.type)]

    def rows() -> Iterator[dict[str, Any] | str]:
        count = 0
        try:
            # Texts as numbers of different ones: a text of many rows is in memory once.
            with pq.ParquetFile(file, read_dictionary=texts, pre_buffer=False) as opened:
                for batch in opened.iter_batches(_BATCH, columns=plain):
                    count += batch.num_rows
                    columns = [_cells(column) for column in batch.columns]
                    for cells in zip(*columns, strict=True):
                        yield dict(zip(batch.schema.names, cells, strict=True))
            if count != metadata.num_rows:
                raise ValueError(f"{count} rows of {metadata.num_rows}")
        except Exception as error:  # the library raises errors of many kinds
            raise _damaged(file, error) from error

    return Table(list(schema.names), rows(), lambda column: _class_names(schema, column))


def _cells(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        values = _cells(column.dictionary)
        return [None if place is None else values[place] for place in column.indices.to_pylist()]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        raw = column.cast(pa.large_binary()).to_pylist()
        return [None if one is None else one.decode(errors="surrogateescape") for one in raw]
    cells: list[Any] = column.to_pylist()
    return cells


def _class_names(schema: Any, column: str) -> Sequence[str]:
    """Return the names that the hub's metadata gives to the numbers of a column, if any."""
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        return [str(name) for name in features[column]["names"]]
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()


def _refuse_bomb(metadata: Any, file: Path) -> None:
    # By row groups: to ask for a damaged column aborts the process.
    unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    packed = file.stat().st_size
    if unpacked > max(_LARGE, _MOST_TIMES * packed):
        raise ValueError(f"{packed} bytes would become {unpacked}")


def _damaged(file: Path, error: Exception) -> DataError:
    lines = str(error).strip().splitlines()
    reason = lines[0] if lines else type(error).__name__
    return DataError(f"{file}: cannot be read as parquet ({reason}); fetch it again")
