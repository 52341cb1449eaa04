import math

import numpy as np
import pytest
import soundfile
import torch

from suite import ConfigError, Split
from suite.compose import compose
from suite.run import build_task
from tasks.speech_recognition.reading import Stretch
from tasks.speech_recognition.waves import InMemory, OnDisk, low_pass

RATE = 8000


def tone(hertz, samples=RATE):
    time_S = torch.arange(samples) / RATE
    return (8000 * torch.sin(2 * math.pi * hertz * time_S)).to(torch.int16)


def test_what_lies_above_goes_and_the_rest_stays():
    low, high = tone(400), tone(1600)
    heard = low_pass(low + high, 1000, RATE)
    assert heard.dtype is torch.int16
    assert len(heard) == len(low)
    torch.testing.assert_close(heard.float(), low.float(), atol=4, rtol=0)


def test_recordings_on_disk_are_silenced_as_those_in_memory(tmp_path):
    wave = tone(400, 1001) + tone(1600, 1001)
    soundfile.write(tmp_path / "a.wav", wave.numpy().astype(np.int16), RATE)
    stretch = Stretch(tmp_path / "a.wav", 0, 1001, RATE, True, "")
    streamed = OnDisk([stretch, stretch], RATE, "name").below(1000, RATE).only([1])
    held = InMemory.from_rows([wave]).below(1000, RATE)
    assert torch.equal(streamed[0], held[0])
    assert not torch.equal(held[0], wave)
    assert streamed.length_N.tolist() == held.length_N.tolist() == [1001]


def test_a_task_hears_less_in_as_many_frames(embedded):
    wide, narrow = (
        build_task(compose([*embedded["spoken_words"], *more]), torch.device("cpu"))
        for more in ([], ["task.bandwidth=500"])
    )
    one, other = (task.take(Split.TEST, [0, 1])["wave_BS"].double() for task in (wide, narrow))
    assert one.shape == other.shape
    power_F = torch.fft.rfft(other).abs().square().sum(0)
    # What rounding to 16 bits adds lies above 500 Hz too.
    assert power_F[len(power_F) // 8 + 1 :].sum() < 1e-4 * power_F.sum()
    # An eighth of the frequencies holds a part of what was said.
    assert other.square().sum() < 0.9 * one.square().sum()
    with pytest.raises(ConfigError, match=r"task.bandwidth=5000: must be at most half"):
        compose([*embedded["spoken_words"], "task.bandwidth=5000"])
