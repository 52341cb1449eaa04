"""Street View House Numbers (Netzer et al. 2011), the cropped digits, in MATLAB files.

Legend: N images, H height, W width, C channels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch

from suite import DataError, DataSet, Sieve, Split
from tasks.image_recognition.data.assembly import About, Labelled, assemble
from tasks.image_recognition.data.labels import UNUSABLE
from tasks.image_recognition.data.published import PublishedFile, PublishedSet, differs

_MD5 = {
    "train": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test": "eb5a983be6a315427106f1b164d9cef3",
    "extra": "a93ce644f1a588dc4d68dda5feec44a7",
}
_EXTRA = 531_131
_MOST_VALUES = 2 * _EXTRA * 3 * 32 * 32


@dataclass(frozen=True, kw_only=True)
class Svhn(PublishedSet):
    """`train_32x32.mat` and `test_32x32.mat`, and `extra_32x32.mat` where it is asked for."""

    name: ClassVar[str] = "svhn"
    sizes: ClassVar[Mapping[Split, int]] = {Split.TRAIN: 73_257, Split.TEST: 26_032}

    extra: bool = False

    def lacks(self, root: Path) -> Sequence[PublishedFile]:
        return [
            PublishedFile(_file(part), _MD5[part], [f"{_SERVER}/{_file(part)}"])
            for part in self._parts()
            if not (root / _file(part)).is_file()
        ]

    def _parts(self) -> Sequence[str]:
        return ("train", "test", "extra") if self.extra else ("train", "test")

    def read(self, root: Path, cache: Path) -> DataSet:
        absent = [part for part in self._parts() if not (root / _file(part)).is_file()]
        if absent:
            raise self.missing(root, _file(absent[0]))
        sieve = Sieve(self.on_error)
        found = {
            part: read_mat(root / _file(part)).labelled_below(
                10, Split.TEST if part == "test" else Split.TRAIN, root / _file(part), sieve
            )
            for part in self._parts()
        }
        train, published = found["train"], dict(self.sizes)
        if self.extra:
            more = found["extra"]
            train = Labelled(
                torch.cat([train.pixels_NCHW, more.pixels_NCHW]),
                torch.cat([train.label_N, more.label_N]),
            )
            published[Split.TRAIN] += _EXTRA
        parts = {Split.TRAIN: train, Split.TEST: found["test"]}
        note = differs(published, {split: len(part.label_N) for split, part in parts.items()})
        about = _ABOUT.noting("trained on extra too" if self.extra else "", note)
        classes = tuple("0123456789")
        return assemble(parts, classes, about, validation=self.validation, sieve=sieve)


def read_mat(file: Path) -> Labelled:
    """Read `X`, uint8 (H, W, C, N), and `y`, (N, 1) from 1 to 10, where 10 is the digit 0.

    Any other label becomes `UNUSABLE`.
    """
    from scipy.io import loadmat, whosmat

    try:
        # Headers alone: a small file can hold an array that fills the memory.
        images = {name: math.prod(shape) for name, shape, _ in whosmat(file)}
        if max(images.get("X", 0), images.get("y", 0)) > _MOST_VALUES:
            raise ValueError(f"above {_MOST_VALUES} values")
        held = loadmat(file, variable_names=["X", "y"])
        pixels_HWCN, label_N = held["X"], held["y"].reshape(-1)
    except Exception as error:  # a damaged file raises errors of many kinds
        raise DataError(f"{file}: cannot be read ({error}); fetch it again") from error
    sound = (
        pixels_HWCN.dtype == np.uint8
        and pixels_HWCN.ndim == 4
        and pixels_HWCN.shape[2:] == (3, len(label_N))
        and label_N.dtype.kind in "iu"
        and len(label_N)
    )
    if not sound:
        raise DataError(f"{file}: does not hold X and y of cropped digits; fetch it again")
    pixels_NCHW = np.ascontiguousarray(pixels_HWCN.transpose(3, 2, 0, 1))
    label_N = label_N.astype(np.int64)
    digit_N = np.where((1 <= label_N) & (label_N <= 10), label_N % 10, UNUSABLE)
    return Labelled(torch.from_numpy(pixels_NCHW), torch.from_numpy(digit_N))


def _file(part: str) -> str:
    return f"{part}_32x32.mat"


_SERVER = "http://ufldl.stanford.edu/housenumbers"
_ABOUT = About(
    name=Svhn.name,
    version="2011",
    licence="non-commercial use only",
    source="ufldl.stanford.edu/housenumbers",
)
