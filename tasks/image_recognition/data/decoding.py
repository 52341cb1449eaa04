"""Turns encoded images (PNG, JPEG and whatever else Pillow reads) into one tensor.

Orientation in EXIF is ignored: pixels stay as stored. Decoded images are cached by the content of
their files, so that a second run opens at once.

Legend: N images, C channels, H height, W width.
"""

import hashlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from suite import DataError, OnError, atomic_path
from tasks.image_recognition.config import Channels

_VERSION = 1
"""Part of the cache's key; raised when decoding changes."""
_GREY_MODES = {"1", "L", "LA", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}


@dataclass(frozen=True)
class Encoded:
    """One image: how messages name it, its bytes or the file that has them, its class."""

    name: str
    content: bytes | Path | None
    label: int

    def read(self) -> bytes:
        """Return the encoded bytes."""
        if self.content is None:
            raise OSError("it holds no bytes")
        return self.content.read_bytes() if isinstance(self.content, Path) else self.content


@dataclass(frozen=True)
class Decoding:
    """How to decode: the side of the square to resize to, colour, and what to refuse."""

    size: int | None
    channels: Channels | None
    max_pixels: int
    on_error: OnError

    def all(self, images: Sequence[Encoded], cache: Path) -> tuple[Tensor, list[int], list[str]]:
        """Return pixels (N, C, H, W) in uint8, the indices of those images, and names skipped."""
        key = self._key(images)
        file = cache / "images" / f"{key}.npz"
        if key and file.is_file():
            with np.load(file) as stored:
                return torch.from_numpy(stored["pixels_NCHW"]), list(range(len(images))), []
        arrays, kept, skipped = self._decode(images)
        pixels_NCHW = _stack(arrays, self.channels)
        if key and not skipped:
            with atomic_path(file) as temporary, temporary.open("wb") as stream:
                np.savez(stream, pixels_NCHW=pixels_NCHW)
        return torch.from_numpy(pixels_NCHW), kept, skipped

    def _key(self, images: Sequence[Encoded]) -> str:
        """Return a hash of what decoding depends on; empty where a file cannot be read."""
        digest = hashlib.sha256(f"{_VERSION} {self.size} {self.channels}".encode())
        digest.update(f"{self.max_pixels}".encode())
        try:
            for image in images:
                digest.update(hashlib.sha256(image.read()).digest())
        except OSError:
            return ""
        return digest.hexdigest()[:32]

    def _decode(
        self, images: Sequence[Encoded]
    ) -> tuple[list[NDArray[np.uint8]], list[int], list[str]]:
        arrays: list[NDArray[np.uint8]] = []
        kept: list[int] = []
        skipped: list[str] = []
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="PIL")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            for index, image in enumerate(images):
                try:
                    array = self.one(image.read())
                except Exception as error:  # Pillow's decoders raise errors of many kinds
                    if self.on_error is OnError.stop:
                        raise DataError(
                            f"{image.name}: cannot be read as an image ({_reason(error)}); mend or "
                            "remove it, or use data.on_error=skip"
                        ) from error
                    skipped.append(image.name)
                    continue
                if arrays and array.shape[:2] != arrays[0].shape[:2]:
                    raise DataError(_different(images[kept[0]], arrays[0], image, array))
                arrays.append(array)
                kept.append(index)
        return arrays, kept, skipped

    def one(self, content: bytes) -> NDArray[np.uint8]:
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


def _different(
    first: Encoded, pixels: NDArray[np.uint8], second: Encoded, others: NDArray[np.uint8]
) -> str:
    sizes = [f"{array.shape[1]} x {array.shape[0]}" for array in (pixels, others)]
    return (
        f"{first.name} is {sizes[0]}, {second.name} is {sizes[1]}: images differ in size; "
        f"give data.size={min(pixels.shape[0], 224)}"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "no known format"
    return str(error) or type(error).__name__
