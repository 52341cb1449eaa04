import numpy as np
import pytest

from suite.insight.hearing import mel, rank_correlation, spacing, tuning

RATE, SAMPLES, COUNT = 16_000, 400, 120
NOISE = np.random.default_rng(0).normal(size=COUNT)


def _bank(hertz, width):
    """Return tones under Gaussians whose spectra are `width` hertz wide (deviation)."""
    time = (np.arange(SAMPLES) - SAMPLES / 2) / RATE
    envelope = np.exp(-((2 * np.pi * width[:, None] * time) ** 2) / 2)
    return envelope * np.cos(2 * np.pi * hertz[:, None] * time)


def test_a_planted_mel_bank_and_a_planted_linear_bank_are_told_apart() -> None:
    steps = np.linspace(0.05, 0.95, COUNT)
    mel_hertz = 700 * (10 ** (steps * mel(8000.0) / 2595) - 1)
    on_mel = tuning(_bank(mel_hertz, 30 + mel_hertz / 20), RATE)
    np.testing.assert_allclose(on_mel.centre_N, mel_hertz, atol=12)
    assert rank_correlation(on_mel.centre_N, on_mel.width_N).low > 0.9
    shuffled = np.random.default_rng(1).permutation(on_mel.centre_N)  # filters come in any order
    found = spacing(np.abs(shuffled + 10 * NOISE), 8000)
    assert (found.gain.verdict, found.verdict) == ("yes", "mel")
    assert found.mel < 0.06 < 0.15 < found.linear
    linear = tuning(_bank(8000 * steps, np.full(COUNT, 60.0)), RATE)
    assert abs(rank_correlation(linear.centre_N, linear.width_N).value) < 0.5
    assert spacing(linear.centre_N, 8000).verdict == "linear"
    # What lies between the two is neither's, and crowding at the bottom is not the mel scale.
    between = 0.5 * (mel_hertz + 8000 * steps) + 50 * NOISE
    assert spacing(between, 8000).gain.verdict == "unclear"
    crowded = spacing([*(400 * steps), 7900.0], 8000)
    assert (crowded.gain.verdict, crowded.verdict) == ("yes", "neither")


def test_tuning_knows_the_width_of_what_passes_and_leaves_out_silence() -> None:
    one = _bank(np.array([2000.0]), np.array([100.0]))
    found = tuning(np.concatenate([one, np.zeros((1, SAMPLES))]), RATE)
    assert len(found.centre_N) == 1
    # Of a Gaussian power spectrum of deviation 100 / sqrt(2): 2 sqrt(pi) deviations.
    assert found.width_N[0] == pytest.approx(2 * np.sqrt(np.pi) * 100 / np.sqrt(2), rel=0.02)


def test_no_filters_have_no_spacing() -> None:
    with pytest.raises(ValueError, match="there is no filter"):
        spacing([], 4000)
