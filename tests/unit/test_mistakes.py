import io
import wave

import numpy as np
import pytest
import torch
from PIL import Image

from suite import Mistake, shown_pixels, shown_text, shown_wave
from suite.errors import PluginError
from suite.mistakes import LARGEST, MOST, keep_mistakes, read_mistakes


def _mistake(content=b"text", suffix=".txt", **told):
    return Mistake(content=content, suffix=suffix, true="a", predicted="b", **told)


def test_mistakes_come_back_as_they_were_kept(tmp_path):
    kept = keep_mistakes(
        [_mistake(confidence=0.75, name="x/1.wav"), _mistake("süß".encode())], tmp_path
    )
    assert kept == tmp_path / "mistakes"
    assert read_mistakes(tmp_path) == [
        ({"file": "01.txt", "true": "a", "predicted": "b", "confidence": 0.75, "name": "x/1.wav"},
         b"text"),
        ({"file": "02.txt", "true": "a", "predicted": "b", "confidence": None, "name": ""},
         "süß".encode()),
    ]  # fmt: skip


def test_number_and_size_are_bounded(tmp_path):
    many = (_mistake(str(n).encode()) for n in range(1000))
    keep_mistakes(many, tmp_path)
    assert next(many).content == str(MOST).encode()  # and no more were asked for
    assert len(read_mistakes(tmp_path)) == MOST
    large = _mistake(b"x" * (LARGEST + 1))
    assert keep_mistakes([large], tmp_path / "other") is None
    assert read_mistakes(tmp_path / "other") == []


def test_what_nothing_can_show_is_refused(tmp_path):
    with pytest.raises(PluginError, match=r"suffix=\.exe: must be one of \.png, \.txt, \.wav"):
        keep_mistakes([_mistake(suffix=".exe")], tmp_path)


def test_a_list_cannot_reach_out_of_its_folder(tmp_path):
    keep_mistakes([_mistake()], tmp_path / "run")
    (tmp_path / "secret.txt").write_text("secret")
    path = tmp_path / "run" / "mistakes" / "mistakes.json"
    path.write_text(path.read_text().replace("01.txt", "../../secret.txt"))
    assert read_mistakes(tmp_path / "run") == []
    path.write_text("{")
    assert read_mistakes(tmp_path / "run") == []


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_a_png_of_the_same_values(channels):
    pixels_CHW = torch.arange(channels * 20, dtype=torch.uint8).reshape(channels, 4, 5)
    image = Image.open(io.BytesIO(shown_pixels(pixels_CHW).content))
    assert image.size == (5, 4)
    array = np.asarray(image).reshape(4, 5, channels)
    assert np.array_equal(array, pixels_CHW.permute(1, 2, 0).numpy())


def test_large_pictures_are_scaled_down():
    shown = shown_pixels(torch.zeros(3, 300, 600, dtype=torch.uint8))
    assert Image.open(io.BytesIO(shown.content)).size == (128, 64)


def test_waves_are_wav_of_the_same_samples_and_cut():
    samples = torch.arange(-500, 500, dtype=torch.int16)
    with wave.open(io.BytesIO(shown_wave(samples, 100).content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (100, 1, 2)
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.array_equal(frames, samples[:500].numpy())  # five seconds


def test_long_texts_are_cut():
    assert shown_text("short").content == b"short"
    cut = shown_text("é" * 5000).content.decode()
    assert len(cut) == 2000
    assert cut.endswith("é…")
