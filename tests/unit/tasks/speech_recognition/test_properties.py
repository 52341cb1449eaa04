import math

import pytest
import torch

from suite import Split
from tasks.speech_recognition.properties import centroid_octaves, pitch_hz


def _voice(hz, *, rate=8_000, seconds=0.4, weights=(1.0, 0.7, 0.5, 0.3)):
    at = torch.arange(int(seconds * rate), dtype=torch.float64) / rate
    return sum(w * torch.sin(2 * math.pi * hz * k * at) for k, w in enumerate(weights, 1)) / 4


@pytest.mark.parametrize("hz", [75, 110, 167.5, 220, 350])
@pytest.mark.parametrize("weights", [(1.0, 0.7, 0.5, 0.3), (0.1, 1.0, 0.9, 0.5), (1.0,)])
def test_pitch_of_a_voice_is_its_fundamental(hz, weights):
    wave = _voice(hz, weights=weights)
    wave += 0.02 * torch.randn(len(wave), dtype=wave.dtype)
    assert pitch_hz(wave, 8_000) == pytest.approx(hz, rel=0.02)


def test_half_a_recording_of_silence_changes_no_pitch():
    wave = torch.cat([_voice(150), torch.zeros(4_000, dtype=torch.float64), _voice(150)])
    assert pitch_hz(wave, 8_000) == pytest.approx(150, rel=0.02)


def test_noise_silence_and_a_click_have_no_pitch():
    assert math.isnan(pitch_hz(torch.randn(8_000, dtype=torch.float64), 8_000))
    assert math.isnan(pitch_hz(torch.zeros(8_000, dtype=torch.float64), 8_000))
    assert math.isnan(pitch_hz(torch.ones(5, dtype=torch.float64), 8_000))


def test_centroid_is_where_the_power_is():
    assert centroid_octaves(_voice(1_000, weights=(1.0,)), 8_000) == pytest.approx(0, abs=0.02)
    assert centroid_octaves(_voice(2_000, weights=(1.0,)), 8_000) == pytest.approx(1, abs=0.02)
    assert math.isnan(centroid_octaves(torch.zeros(100, dtype=torch.float64), 8_000))


@pytest.mark.parametrize("name", ["spoken_words", "spoken_digits_ctc"])
def test_a_speaker_has_one_number_in_all_splits(open_task, name):
    task = open_task(name)
    speakers = {}
    for split in Split:
        voices = task.recordings.splits[split].speakers
        found = task.properties(split, range(len(voices)))
        assert found["seconds"].min() > 0.1
        assert found["pitch"].isfinite().double().mean() > 0.5
        for voice, number in zip(voices, found["speaker"].tolist(), strict=True):
            assert speakers.setdefault(voice, number) == number
    assert len(set(speakers.values())) == len(speakers) == 12
