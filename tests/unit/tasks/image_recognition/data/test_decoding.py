import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from suite import OnError
from tasks.image_recognition.data.decoding import Decoding
from tasks.image_recognition.data.images import FileImages
from tasks.image_recognition.data_config import Channels


def decode(content, *, size=None, channels=None):
    decoding = Decoding(size=size, channels=channels, max_pixels=10**6, on_error=OnError.stop)
    return decoding.pixels(content)


def png(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_lossless_images_come_back_exactly():
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert np.array_equal(decode(png(Image.fromarray(pixels))), pixels)
    assert np.array_equal(decode(png(Image.fromarray(pixels[..., 0]))), pixels[..., 0])


def test_sixteen_bits_are_scaled_not_clipped():
    deep = np.array([[0, 257, 65535], [514, 32896, 25700]], np.uint16)
    expected = np.array([[0, 1, 255], [2, 128, 100]], np.uint8)
    assert np.array_equal(decode(png(Image.fromarray(deep))), expected)


@pytest.mark.parametrize(("mode", "axes"), [("1", 2), ("LA", 2), ("P", 3), ("RGBA", 3)])
def test_other_modes_become_grey_or_rgb(mode, axes):
    image = Image.new("RGB", (3, 2), (255, 255, 255)).convert(mode)
    array = decode(png(image))
    assert array.ndim == axes
    assert array.min() == 255
    assert decode(png(image), channels=Channels.grey).ndim == 2


def test_resizing_crops_to_a_square_first():
    pixels = np.zeros((4, 12), np.uint8)
    pixels[:, 4:8] = 200
    array = decode(png(Image.fromarray(pixels)), size=2)
    assert array.shape == (2, 2)
    assert array.min() > 180  # squeezing the whole width would give a third


def test_orientation_in_exif_is_ignored():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6
    assert np.array_equal(decode(png(image, exif=exif)), pixels)


@pytest.mark.parametrize("side", [10_000, 30_000])
def test_decompression_bomb_is_refused_by_its_header(tmp_path, side):
    content = bytearray(png(Image.new("L", (1, 1))))
    content[16:24] = struct.pack(">II", side, side)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "bomb.png").write_bytes(content)
    decoding = Decoding(size=8, channels=None, max_pixels=80_000_000, on_error=OnError.stop)
    faults = decoding.all(FileImages(tmp_path, ["bomb.png"]), tmp_path).faults
    assert re.match(r"cannot be read as an image .*pixels", faults[0])
