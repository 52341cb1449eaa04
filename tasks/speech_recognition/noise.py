"""White noise in training, drawn for each recording.

Legend: B batch, S samples.
"""

from torch import Tensor

from suite import length_mask, normal, uniform

_NOISE, _NOISE_DB, _SAMPLES = 0, 1, 2
"""Streams of random numbers, one for each use of an example's key."""
_QUIETEST_DB, _LOUDEST_DB = 40.0, 10.0


def with_noise(wave_BS: Tensor, length_B: Tensor, key_B: Tensor, *, share: float) -> Tensor:
    """Return the waves, of which this share has noise, 10 to 40 dB below the speech."""
    power_B = wave_BS.square().sum(1) / length_B
    below_B = _LOUDEST_DB + (_QUIETEST_DB - _LOUDEST_DB) * uniform(key_B, _NOISE_DB)
    amplitude_B = (power_B * 10 ** (-below_B / 10)).sqrt()
    amplitude_B = amplitude_B * (uniform(key_B, _NOISE) < share)
    noise_BS = normal(key_B, _SAMPLES, wave_BS.shape[1])
    real_BS = length_mask(length_B, wave_BS.shape[1])
    return wave_BS + amplitude_B[:, None] * noise_BS * real_BS
