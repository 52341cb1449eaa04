"""Turns encoded images (PNG, JPEG and whatever else Pillow reads) into one tensor.

Orientation in EXIF is ignored: pixels stay as stored. Decoded images are cached by the content of
their files, so that a second run opens at once.

Legend: N images, B batch, C channels, H height, W width.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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

_VERSION = 1
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
                try:
                    other = self.one(images, int(index))
                except DataError:
                    continue  # reported when all are decoded, or when their batch is due
                if array is None:
                    array, first = other, images.name(int(index))
                elif array.shape[:2] != other.shape[:2]:
                    raise _different(first, array.shape, images.name(int(index)), other.shape)
                colour = colour or other.ndim == 3
        if array is None:
            return None
        return Look(3 if colour else 1, array.shape[0], array.shape[1])

    def all(self, images: Images, cache: Path) -> tuple[Tensor, NDArray[np.int64]]:
        """Return pixels (N, C, H, W) in uint8 and the indices of those images, without skipped."""
        key = self._key(images)
        file = cache / "images" / f"{key}.npz"
        if key and file.is_file():
            with np.load(file) as stored:
                return torch.from_numpy(stored["pixels_NCHW"]), np.arange(len(images))
        arrays, kept = self._decode(images)
        pixels_NCHW = _stack(arrays, self.channels)
        if key and len(kept) == len(images):
            with atomic_path(file) as temporary, temporary.open("wb") as stream:
                np.savez(stream, pixels_NCHW=pixels_NCHW)
        return torch.from_numpy(pixels_NCHW), np.array(kept, np.int64)

    def batch(self, images: Images, indices: Sequence[int], look: Look) -> Tensor:
        """Return pixels (B, C, H, W) in uint8 of images that look as all of them must."""
        pixels_BCHW = np.empty((len(indices), look.channels, look.height, look.width), np.uint8)
        with quiet_pillow():
            for target_CHW, index in zip(pixels_BCHW, indices, strict=True):
                array = self.one(images, index)
                if array.shape[:2] != (look.height, look.width):
                    size = (look.height, look.width)
                    raise _different("the first", size, images.name(index), array.shape)
                if array.ndim == 3 and look.channels == 1:
                    raise DataError(
                        f"{images.name(index)}: has colour, but {_LOOKS} images looked at have "
                        "none; give data.channels=rgb"
                    )
                target_CHW[:] = array.transpose(2, 0, 1) if array.ndim == 3 else array
        return torch.from_numpy(pixels_BCHW)

    def one(self, images: Images, index: int) -> NDArray[np.uint8]:
        """Return the pixels of one image, (H, W) if grey, else (H, W, 3); raise a `DataError`."""
        try:
            return self.pixels(images.read(index))
        except Exception as error:  # Pillow's decoders raise errors of many kinds
            fix = "" if self.on_error is OnError.skip else ", or use data.on_error=skip"
            raise DataError(
                f"{images.name(index)}: cannot be read as an image ({_reason(error)}); "
                f"mend or remove it{fix}"
            ) from error

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
        except OSError:
            return ""
        return digest.hexdigest()[:32]

    def _decode(self, images: Images) -> tuple[list[NDArray[np.uint8]], list[int]]:
        arrays: list[NDArray[np.uint8]] = []
        kept: list[int] = []
        with quiet_pillow():
            for index in range(len(images)):
                try:
                    array = self.one(images, index)
                except DataError:
                    if self.on_error is OnError.stop:
                        raise
                    continue
                if arrays and array.shape[:2] != arrays[0].shape[:2]:
                    first = images.name(kept[0])
                    raise _different(first, arrays[0].shape, images.name(index), array.shape)
                arrays.append(array)
                kept.append(index)
        return arrays, kept


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
    return str(error) or type(error).__name__
