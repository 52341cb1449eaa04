"""The input layer of sound: a log-mel spectrogram.

Legend: B batch, S samples, F frequency bins, M mel bands, T frames.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from suite.features import BackboneBuilder, Sequence, length_mask
from suite.stems.sequence import SequenceStem
from suite.task import Batch

_WINDOW, _HOP = 0.025, 0.010
"""Seconds of a frame, and from one to the next."""
_FLOOR = 1e-6
"""Power, relative to the loudest band of the recording, that counts as silence."""
_LOWEST_HERTZ = 60.0


class LogMelStem(SequenceStem):
    """Log-mel bands of each frame, of mean 0 and deviation 1 over the recording.

    It reads `wave_BS`, int16 or float between -1 and 1, and `length_B` in samples. Power is taken
    relative to the recording's loudest band, so that gain drops out.
    sample_rate: samples per second.
    """

    window: Tensor
    mel_FM: Tensor

    def __init__(self, backbone: BackboneBuilder, sample_rate: int, *, mels: int = 40) -> None:
        from torchaudio.functional import melscale_fbanks

        super().__init__(backbone, features=mels)
        self.sample_rate = sample_rate
        self.hop = round(_HOP * sample_rate)
        window = max(round(_WINDOW * sample_rate), 2)
        self.size = 2 ** math.ceil(math.log2(window))
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        filters = melscale_fbanks(
            self.size // 2 + 1, _LOWEST_HERTZ, sample_rate / 2, mels, sample_rate
        )
        self.register_buffer("mel_FM", filters, persistent=False)

    def sequence(self, batch: Batch) -> Sequence:
        wave_BS = batch["wave_BS"]
        scale = 1.0 if wave_BS.is_floating_point() else 1 / 32768
        # Half precision cannot hold the range of a power spectrum.
        with torch.autocast(wave_BS.device.type, enabled=False):
            power_BMT = self._power(wave_BS.float() * scale)
            mask_BT = length_mask(batch["length_B"] // self.hop + 1, power_BMT.shape[2])
            return Sequence(_normalised(power_BMT, mask_BT).transpose(1, 2), mask_BT)

    def _power(self, wave_BS: Tensor) -> Tensor:
        half = self.size // 2
        spectrum_BFT = torch.stft(
            F.pad(wave_BS, (half, half)),
            self.size,
            self.hop,
            self.window.shape[0],
            self.window,
            center=False,
            return_complex=True,
        )
        return self.mel_FM.T @ (spectrum_BFT.real.square() + spectrum_BFT.imag.square())


def _normalised(power_BMT: Tensor, mask_BT: Tensor) -> Tensor:
    """Return the logarithm of power, of mean 0 and deviation 1 where it is real, else zero."""
    real_B1T = mask_BT.unsqueeze(1)
    peak_B11 = (power_BMT * real_B1T).amax((1, 2), keepdim=True)
    values_BMT = (power_BMT / (peak_B11 + 1e-12) + _FLOOR).log()
    count_B11 = real_B1T.sum((1, 2), keepdim=True) * power_BMT.shape[1]
    mean_B11 = (values_BMT * real_B1T).sum((1, 2), keepdim=True) / count_B11
    centred_BMT = (values_BMT - mean_B11) * real_B1T
    variance_B11 = centred_BMT.square().sum((1, 2), keepdim=True) / count_B11
    return centred_BMT * torch.rsqrt(variance_B11 + 1e-3)
