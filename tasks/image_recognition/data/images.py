"""Encoded images by index, wherever they lie: in files of their own, or one after the other in one.

Names and places are kept in arrays, as lists of a million strings would be copied into each worker.

Legend: N images.
"""

import hashlib
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

MOST_BYTES = 2**29
"""Bytes of one encoded image: a sparse file can claim more than memory holds."""
_PIECE = 2**14
_PIECES = 3


class Images(ABC):
    """Encoded images, in a fixed order."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """Return how messages name an image."""

    @abstractmethod
    def read(self, index: int) -> bytes:
        """Return the encoded bytes of an image, or raise an `OSError`."""

    @abstractmethod
    def key(self, index: int) -> bytes:
        """Return the `content_key` of an image, or raise an `OSError`."""

    def files(self, indices: Iterable[int]) -> set[Path]:
        """Return the files that these images are read from; none where that is not known."""
        return set()

    def stamp(self) -> str | None:
        """Return what changes as soon as an image may have; None where that is not known."""
        return None


def content_key(size: int, read: Callable[[int, int], bytes]) -> bytes:
    """Return 33 bytes that equal images share, and different ones in all likelihood don't.

    size: bytes of the encoded image. read: takes a start and a number of bytes.
    It is a hash of the size and of all bytes, or of three pieces of 16 KiB (first, middle, last)
    where there are more: what keeps copies in one split, without reading a data set for it. The
    last byte is 1 where all bytes are in it.
    """
    digest = hashlib.sha256(f"{size} ".encode())
    whole = size <= _PIECES * _PIECE
    if whole:
        digest.update(read(0, size))
    else:
        for piece in range(_PIECES):
            digest.update(read(piece * (size - _PIECE) // (_PIECES - 1), _PIECE))
    return digest.digest() + bytes([whole])


def refuse_huge(size: int) -> None:
    """Raise an `OSError` for an encoded image of so many bytes, where they are too many."""
    if size > MOST_BYTES:
        raise OSError(f"its {size} bytes are above {MOST_BYTES}")


class FileImages(Images):
    """Images in files below a folder."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        self.root = root
        self.name_N: NDArray[np.bytes_] = np.array([os.fsencode(name) for name in names], np.bytes_)

    def __len__(self) -> int:
        return len(self.name_N)

    def name(self, index: int) -> str:
        return os.fsdecode(cast(bytes, self.name_N[index]))

    def files(self, indices: Iterable[int]) -> set[Path]:
        return {self.root / self.name(index) for index in indices}

    def read(self, index: int) -> bytes:
        with self._open(index) as file:
            refuse_huge(os.fstat(file.fileno()).st_size)
            return file.readall()

    def key(self, index: int) -> bytes:
        with self._open(index) as file:
            handle = file.fileno()
            return content_key(
                os.fstat(handle).st_size, lambda start, size: os.pread(handle, size, start)
            )

    def _open(self, index: int) -> FileIO:
        path = self.root / self.name(index)
        if stat.S_ISFIFO(path.stat().st_mode):
            raise OSError("it is a pipe, which may have no end")
        return path.open("rb", buffering=0)

    def stamp(self) -> str | None:
        """Hash names, sizes and times of change."""
        root = os.fsencode(self.root)
        digest = hashlib.sha256(root)
        for name in self.name_N:
            try:
                status = os.stat(os.path.join(root, name))
            except OSError:
                return None
            digest.update(b"\0%b %d %d" % (name, status.st_size, status.st_mtime_ns))
        return digest.hexdigest()


@dataclass(frozen=True)
class RowNames:
    """Names rows of tables: by the table and the row in it. rows: of each table, by its name."""

    rows: Mapping[str, int]

    def __getitem__(self, index: int) -> str:
        for table, count in self.rows.items():
            if index < count:
                return f"{table} row {index}"
            index -= count
        raise IndexError(index)


class PackedImages(Images):
    """Images one after the other in one file.

    end_N: int64, where each ends in the file; an image without bytes ends where it starts.
    """

    def __init__(self, file: Path, end_N: NDArray[np.int64], names: RowNames, stamp: str) -> None:
        self.file = file
        self.end_N = end_N
        self.names = names
        self._stamp = stamp
        self._opened: int | None = None

    def __len__(self) -> int:
        return len(self.end_N)

    def name(self, index: int) -> str:
        return self.names[index]

    def files(self, indices: Iterable[int]) -> set[Path]:
        return {self.file}

    def read(self, index: int) -> bytes:
        start, size = self._place(index)
        refuse_huge(size)
        return os.pread(self._handle(), size, start)

    def key(self, index: int) -> bytes:
        start, size = self._place(index)
        handle = self._handle()
        return content_key(size, lambda first, count: os.pread(handle, count, start + first))

    def stamp(self) -> str | None:
        return self._stamp

    def _place(self, index: int) -> tuple[int, int]:
        start = int(self.end_N[index - 1]) if index else 0
        size = int(self.end_N[index]) - start
        if not size:
            raise OSError("it holds no bytes")
        return start, size

    def _handle(self) -> int:
        """Open the file once in each process; reading at a place needs no handle of one's own."""
        if self._opened is None:
            self._opened = os.open(self.file, os.O_RDONLY)
        return self._opened

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_opened": None}

    def __del__(self) -> None:
        if self._opened is not None:
            os.close(self._opened)
            self._opened = None
