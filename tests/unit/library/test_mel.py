"""Spectrograms are those of the feature extractors that pretrained models come with."""

import numpy as np
import pytest
import torch
from transformers import ASTFeatureExtractor, WhisperFeatureExtractor

from suite.library.mel import KaldiMel, WhisperMel

LENGTHS = [16_000, 9_001, 400, 48_000]


@pytest.fixture(scope="module")
def waves():
    generator = np.random.default_rng(0)
    return [generator.normal(0, 0.1, n).astype(np.float32) for n in LENGTHS]


def padded(waves, more=0):
    wave_BS = torch.zeros(len(waves), max(LENGTHS) + more)
    for b, wave in enumerate(waves):
        wave_BS[b, : len(wave)] = torch.from_numpy(wave)
    return wave_BS, torch.tensor(LENGTHS)


@pytest.mark.parametrize("more", [0, 777])
@pytest.mark.parametrize(("bands", "seconds"), [(80, 30), (128, 2)])
def test_whisper(waves, bands, seconds, more):
    extractor = WhisperFeatureExtractor(feature_size=bands, chunk_length=seconds)
    expected = extractor(waves, sampling_rate=16_000, return_tensors="pt")["input_features"]
    wave_BS, _ = padded(waves, more)
    got = WhisperMel(bands, seconds * 100)(wave_BS)
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize("more", [0, 777])
@pytest.mark.parametrize(("bands", "frames"), [(128, 1024), (64, 120)])
def test_audio_spectrogram_transformer(waves, bands, frames, more):
    extractor = ASTFeatureExtractor(num_mel_bins=bands, max_length=frames)
    expected = extractor(waves, sampling_rate=16_000, return_tensors="pt")["input_values"]
    model = KaldiMel(bands, frames, mean=extractor.mean, deviation=extractor.std)
    got = model(*padded(waves, more))
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-4)


def test_padding_of_kaldis_bank_is_zero_before_it_is_normalised(waves):
    plain = KaldiMel(32, 120)(*padded(waves))
    assert plain[2, 1:].abs().sum() == 0  # 400 samples are one frame
    assert plain[2, 0].abs().sum() > 0
