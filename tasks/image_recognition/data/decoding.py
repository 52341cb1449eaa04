"""Turns encoded images (PNG, JPEG and whatever else Pillow reads) into one tensor.

Orientation in EXIF is ignored: pixels stay as stored. Decoded images are cached by the content of
their files, so that a second run opens at once.

Legend: N images, B batch, C channels, H height, W width.
"""

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from suite import DataError, OnError, atomic_path
from tasks.image_recognition.data.images import Images
from tasks.image_recognition.data_config import Channels

_VERSION = 2
"""Part of the cache's key; raised when decoding changes."""
_GREY_MODES = {"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
_LOOKS = 64
"""Images looked at for size and colour before all are decoded, or where they never are."""


@dataclass(frozen=True)
class Look:
    """What decoded images look like, going by a few: their channels, height and width."""

    channels: int
    height: int
    width: int

    @property
    def bytes(self) -> int:
        """Bytes of one decoded image."""
        return self.channels * self.height * self.width

    def require(self, array: NDArray[np.uint8], name: str) -> None:
        """Raise a `DataError` for decoded pixels, (H, W) or (H, W, 3), that look otherwise."""
        size = (self.height, self.width)
        if array.shape[:2] != size:
            raise _different("the first", size, name, array.shape)
        if array.ndim == 3 and self.channels == 1:
            raise DataError(
                f"{name}: has colour, but {_LOOKS} images looked at have none; give "
                "data.channels=rgb"
            )


@dataclass(frozen=True)
class Decoded:
    """All images that can be decoded.

    pixels_NCHW: uint8. kept_N: the index of each. faults: what is wrong with the others, by index.
    """

    pixels_NCHW: Tensor
    kept_N: NDArray[np.int64]
    faults: Mapping[int, str]


@dataclass(frozen=True)
class Decoding:
    """How to decode: the side of the square to resize to, colour, and what to refuse."""

    size: int | None
    channels: Channels | None
    max_pixels: int
    on_error: OnError

    def look(self, images: Images) -> Look | None:
        """Decode a few images, spread evenly; return None where none of them can be read."""
        array: NDArray[np.uint8] | None = None
        first, colour = "", self.channels is Channels.rgb
        with quiet_pillow():
            for index in np.linspace(0, len(images) - 1, min(_LOOKS, len(images))).astype(int):
                _, other = self.one(images, int(index))
                if other is None:
                    continue  # reported when all are decoded, or when their batch is due
                if array is None:
                    array, first = other, images.name(int(index))
                elif array.shape[:2] != other.shape[:2]:
                    raise _different(first, array.shape, images.name(int(index)), other.shape)
                colour = colour or other.ndim == 3
        if array is None:
            return None
        return Look(3 if colour else 1, array.shape[0], array.shape[1])

    def all(self, images: Images, cache: Path) -> Decoded:
        """Decode all images, or take them from the cache; the first fault stops unless skipped."""
        key = self._key(images)
        file = cache / "images" / f"{key}.npz"
        # A file that is not whole is made anew.
        with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return _stored(file)
        arrays, kept, faults = self._decode(images)
        pixels_NCHW, kept_N = _stack(arrays, self.channels), np.array(kept, np.int64)
        if key and len(kept) + len(faults) == len(images):
            with atomic_path(file) as temporary, temporary.open("wb") as stream:
                np.savez(stream, pixels_NCHW=pixels_NCHW, kept_N=kept_N, faults=json.dumps(faults))
        return Decoded(torch.from_numpy(pixels_NCHW), kept_N, faults)

    def batch(self, images: Images, indices: Sequence[int], look: Look) -> Tensor:
        """Return pixels (B, C, H, W) in uint8 of images that look as all of them must."""
        pixels_BCHW = np.empty((len(indices), look.channels, look.height, look.width), np.uint8)
        with quiet_pillow():
            for target_CHW, index in zip(pixels_BCHW, indices, strict=True):
                fault, array = self.one(images, index)
                if array is None:
                    fix = ", or set data.on_error=skip"
                    if self.on_error is OnError.skip:
                        fix = ": it could be read before the run"
                    raise DataError(f"{images.name(index)}: {fault}{fix}")
                look.require(array, images.name(index))
                target_CHW[:] = array.transpose(2, 0, 1) if array.ndim == 3 else array
        return torch.from_numpy(pixels_BCHW)

    def one(self, images: Images, index: int) -> tuple[str, NDArray[np.uint8] | None]:
        """Return what is wrong with an image, and its pixels: (H, W) if grey, else (H, W, 3)."""
        try:
            return "", self.pixels(images.read(index))
        except Exception as error:  # Pillow's decoders raise errors of many kinds
            return f"cannot be read as an image ({_reason(error)}); mend or remove it", None

    def pixels(self, content: bytes) -> NDArray[np.uint8]:
        """Decode one image to (H, W) if grey, else (H, W, 3)."""
        with Image.open(io.BytesIO(content)) as opened:
            pixels = opened.width * opened.height
            if pixels > self.max_pixels:
                raise ValueError(f"{pixels} pixels are above data.max_pixels={self.max_pixels}")
            grey = opened.mode in _GREY_MODES if self.channels is None else (
                self.channels is Channels.grey
            )  # fmt: skip
            image: Image.Image = _eight_bits(opened) if opened.mode[0] in "IF" else opened
            image = image.convert("L" if grey else "RGB")
        if self.size is not None:
            image = ImageOps.fit(image, (self.size, self.size), Image.Resampling.BICUBIC)
        return np.asarray(image)

    def _key(self, images: Images) -> str:
        """Return a hash of what decoding depends on; empty where a file cannot be read."""
        digest = hashlib.sha256(f"{_VERSION} {self.size} {self.channels}".encode())
        digest.update(f"{self.max_pixels}".encode())
        try:
            for index in range(len(images)):
                digest.update(hashlib.sha256(images.read(index)).digest())
        except Exception:  # a table's library raises errors of many kinds
            return ""
        return digest.hexdigest()[:32]

    def _decode(self, images: Images) -> tuple[list[NDArray[np.uint8]], list[int], dict[int, str]]:
        arrays: list[NDArray[np.uint8]] = []
        kept: list[int] = []
        faults: dict[int, str] = {}
        with quiet_pillow():
            for index in range(len(images)):
                fault, array = self.one(images, index)
                if array is None:
                    faults[index] = fault
                    if self.on_error is OnError.stop:
                        break  # the caller says so
                    continue
                if arrays and array.shape[:2] != arrays[0].shape[:2]:
                    first = images.name(kept[0])
                    raise _different(first, arrays[0].shape, images.name(index), array.shape)
                arrays.append(array)
                kept.append(index)
        return arrays, kept, faults


def _stored(file: Path) -> Decoded:
    with file.open("rb") as opened, np.load(opened) as stored:
        faults = json.loads(str(stored["faults"]))
        return Decoded(
            torch.from_numpy(stored["pixels_NCHW"]),
            stored["kept_N"],
            {int(index): reason for index, reason in faults.items()},
        )


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep warnings about odd files to ourselves, and take that of a bomb for an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16 bits to 8; Pillow's own conversion would clip."""
    values_HW = np.asarray(image)
    if values_HW.max(initial=0) > 255:
        values_HW = values_HW / 257
    return Image.fromarray(values_HW.clip(0, 255).astype(np.uint8))


def _stack(arrays: Sequence[NDArray[np.uint8]], channels: Channels | None) -> NDArray[np.uint8]:
    if not arrays:
        return np.zeros((0, 1, 1, 1), np.uint8)
    colour = channels is Channels.rgb or any(array.ndim == 3 for array in arrays)
    height, width = arrays[0].shape[:2]
    pixels_NCHW = np.empty((len(arrays), 3 if colour else 1, height, width), np.uint8)
    for target_CHW, array in zip(pixels_NCHW, arrays, strict=True):
        target_CHW[:] = array.transpose(2, 0, 1) if array.ndim == 3 else array
    return pixels_NCHW


def _different(first: str, size: Sequence[int], second: str, other: Sequence[int]) -> DataError:
    """Return the error for two images whose sizes, (H, W, …), differ."""
    shown = [f"{width} x {height}" for height, width in (size[:2], other[:2])]
    return DataError(
        f"{first} is {shown[0]}, {second} is {shown[1]}: images differ in size; "
        f"give data.size={min(size[0], 224)}"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no known format"
    return " ".join(str(error).split()) or type(error).__name__
