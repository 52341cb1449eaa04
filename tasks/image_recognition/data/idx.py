"""Images in idx files, the format of MNIST (LeCun, Cortes and Burges 1998).

Legend: N images, H height, W width.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from suite import DataError, DataSet, OnError, Split, gunzip
from tasks.image_recognition.data.assembly import About, Labelled, assemble
from tasks.image_recognition.data.paths import existing_folder

_PARTS = {Split.TRAIN: "train", Split.TEST: "t10k"}
_UNSIGNED_BYTE = 8
_LARGEST = 2 * 2**30
"""Bytes that a gzipped file may unpack to: the largest of EMNIST has 0.55 billion."""


@dataclass(frozen=True, kw_only=True)
class Idx:
    """A folder with the four files of MNIST or of a set in its format, plain or gzipped."""

    path: str
    name: str | None
    validation: float
    on_error: OnError = OnError.stop

    def load(self, cache: Path) -> DataSet:
        """Return the official test split, and validation held out from the training files."""
        folder = existing_folder(self.path)
        parts = read_parts(
            folder,
            lambda name: DataError(f"{folder}: has no {name}; put it there or mend data.path"),
        )
        classes = 1 + max(int(part.label_N.max()) for part in parts.values())
        return assemble(
            parts,
            [str(label) for label in range(classes)],
            About(name=self.name or folder.name, source="idx files"),
            validation=self.validation,
        )


def read_parts(folder: Path, missing: Callable[[str], DataError]) -> dict[Split, Labelled]:
    """Read training and test images. missing: the error for a file that is not there."""
    parts = {split: _labelled(folder, prefix, missing) for split, prefix in _PARTS.items()}
    sizes = {tuple(part.pixels_NCHW.shape[1:]) for part in parts.values()}
    if len(sizes) > 1:
        raise DataError(f"{folder}: training and test images differ in size: {sorted(sizes)}")
    return parts


def _labelled(folder: Path, prefix: str, missing: Callable[[str], DataError]) -> Labelled:
    image_file = _find(folder, f"{prefix}-images", "idx3-ubyte", missing)
    label_file = _find(folder, f"{prefix}-labels", "idx1-ubyte", missing)
    pixels_NHW, label_N = read_idx(image_file, axes=3), read_idx(label_file, axes=1)
    if len(pixels_NHW) != len(label_N):
        raise DataError(
            f"{label_file}: {len(label_N)} labels for the {len(pixels_NHW)} images of "
            f"{image_file.name}; the two files do not belong together"
        )
    return Labelled(
        torch.from_numpy(pixels_NHW).unsqueeze(1), torch.from_numpy(label_N.astype(np.int64))
    )


def _find(folder: Path, stem: str, kind: str, missing: Callable[[str], DataError]) -> Path:
    names = [f"{stem}{dot}{kind}{end}" for dot in "-." for end in ("", ".gz")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise missing(f"{names[0]} (or .gz)")


def read_idx(file: Path, *, axes: int) -> NDArray[np.uint8]:
    """Read unsigned bytes with this number of axes; the file has to be exactly as long as it says.

    The header is two zero bytes, the type, the number of axes and the size of each, big-endian.
    """
    try:
        content = file.read_bytes()
        if file.suffix == ".gz":
            content = gunzip(content, most_bytes=_LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read ({error}); fetch it again") from error
    start = 4 + 4 * axes
    if content[:4] != bytes([0, 0, _UNSIGNED_BYTE, axes]) or len(content) < start:
        raise DataError(
            f"{file}: starts with {content[:4].hex(' ') or 'nothing'}, not with the header of an "
            f"idx file of bytes with {axes} axes (00 00 08 {axes:02x}); fetch it again"
        )
    shape = tuple(np.frombuffer(content, ">u4", axes, offset=4).astype(int).tolist())
    size = int(np.prod(shape, dtype=object))
    if size == 0 or len(content) - start != size:
        raise DataError(
            f"{file}: holds {len(content) - start} bytes after its header, but {shape} needs "
            f"{size}; the file is damaged, fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
