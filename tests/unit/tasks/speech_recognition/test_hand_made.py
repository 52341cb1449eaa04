import math

import numpy as np
import pytest
import torch

from suite import Batch, ConfigError, HandMadeConfig, Split
from tasks.speech_recognition.config import SpeechConfig
from tasks.speech_recognition.hand_made import cepstrum, hand_made, statistics


def test_statistics_of_one_band():
    values_BDT = torch.tensor([[[1.0, 3.0, 5.0, 11.0]]])
    mean_1, mean_2, deviation, moved = statistics(values_BDT, torch.tensor([4]), 2)[0].tolist()
    assert (mean_1, mean_2) == (2, 8)
    assert deviation == pytest.approx(math.sqrt((16 + 4 + 0 + 36) / 4))
    # Differences 2, 2, 6: mean 10/3.
    assert moved == pytest.approx(math.sqrt((2 * (4 / 3) ** 2 + (8 / 3) ** 2) / 3))


def test_padding_and_neighbours_change_nothing():
    values_BDT = torch.randn(2, 3, 9)
    frames_B = torch.tensor([5, 9])
    values_BDT[0, :, 5:] = 1e3
    together = statistics(values_BDT, frames_B, 4)
    alone = statistics(values_BDT[:1, :, :5], frames_B[:1], 4)
    assert torch.allclose(together[:1], alone, atol=1e-5)


def test_fewer_frames_than_segments():
    features = statistics(torch.ones(1, 1, 2), torch.tensor([2]), 4)[0].tolist()
    assert features == [1, 0, 1, 0, 0, 0]
    assert statistics(torch.ones(1, 1, 1), torch.tensor([1]), 2)[0].tolist() == [1, 0, 0, 0]


def test_cepstrum_is_the_cosine_transform():
    """Of an even spectrum all but the first coefficient are 0; the first is its sum / sqrt(M)."""
    flat = cepstrum(torch.full((1, 16, 2), 3.0), 4)
    assert flat.shape == (1, 4, 2)
    assert flat[0, :, 0].tolist() == pytest.approx([3 * math.sqrt(16), 0, 0, 0], abs=1e-5)
    band_M = torch.arange(16) + 0.5
    wave = torch.cos(math.pi / 16 * 2 * band_M)[None, :, None]
    assert cepstrum(wave, 4)[0, :, 0].tolist() == pytest.approx([0, 0, math.sqrt(8), 0], abs=1e-5)


def serve(split):
    """Yield six recordings one by one; those of the test split have padding behind them."""
    noise = torch.Generator().manual_seed(1)
    for one, length in enumerate([4000, 3000, 2000, 4000, 2500, 1000]):
        wave_S = (torch.randn(length, generator=noise) * 3000).short()
        padding = 500 if split is Split.TEST else 0
        tensors = {
            "wave_BS": torch.nn.functional.pad(wave_S, (0, padding))[None],
            "length_B": torch.tensor([length]),
            "label_B": torch.tensor([one % 2]),
        }
        yield Batch(tensors, 1, 1.0)


@pytest.mark.parametrize(("kind", "rows"), [("log_mel", 32), ("mfcc", 20)])
def test_training_features_have_mean_0_and_deviation_1(kind, rows):
    made = hand_made(HandMadeConfig(features=kind), SpeechConfig(), serve)
    train_NF = made.values[Split.TRAIN]
    assert train_NF.shape == (6, rows * (8 + 2))
    assert np.abs(train_NF.mean(0)).max() < 1e-5
    deviation_F = train_NF.std(0)
    assert np.allclose(deviation_F[deviation_F > 0], 1, atol=1e-3)
    assert np.allclose(made.values[Split.TEST], train_NF, atol=1e-2)
    assert made.labels[Split.TEST].tolist() == [0, 1, 0, 1, 0, 1]


def test_auto_is_the_spectrogram():
    assert hand_made(HandMadeConfig(), SpeechConfig(), serve).kind == "log_mel"


def test_more_coefficients_than_bands():
    options = HandMadeConfig(features="mfcc", coefficients=33)
    with pytest.raises(
        ConfigError, match=r"backbone\.coefficients=33: must be at most task.mels, 32"
    ):
        hand_made(options, SpeechConfig(), serve)
