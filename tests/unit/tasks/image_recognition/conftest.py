import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Encode an array of (H, W) or (H, W, 3), or a grey level as an image of one colour."""

    def encoded(
        pixels: NDArray[np.uint8] | int, *, size: tuple[int, int] = (6, 6), kind: str = "PNG"
    ) -> bytes:
        if isinstance(pixels, int):
            pixels = np.full(size, pixels, np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, kind)
        return buffer.getvalue()

    return encoded


@pytest.fixture
def folder(tmp_path: Path, encode: Callable[..., bytes]) -> Callable[..., Path]:
    """Write a folder of grey images, 12 for each of two classes, all different."""

    def write(*splits: str) -> Path:
        level = 0
        for split in splits or ("",):
            for name in ("cat", "dog"):
                place = tmp_path / "pets" / split / name
                place.mkdir(parents=True)
                for number in range(12):
                    (place / f"{number:02}.png").write_bytes(encode(level))
                    level += 1
        return tmp_path / "pets"

    return write
