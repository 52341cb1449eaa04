"""From waveform to log-mel spectrogram, on the device, with augmentation drawn for each example.

Legend: B batch, S samples, F frequency bins, M mel bands, T frames.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchaudio.functional import melscale_fbanks

from suite import Batch, length_mask, uniform
from tasks.speech_recognition.config import SpeechConfig
from tasks.speech_recognition.noise import with_noise

_WARP, _BANDS, _TIME = 3, 16, 64
"""Streams of random numbers, one for each use of an example's key; noise has those below."""
_FLOOR = 1e-6
"""Power, relative to the loudest band of the recording, that counts as silence."""
_LOWEST_HERTZ = 60.0


class LogMel(nn.Module):
    """Log-mel spectrogram of int16 waves, normalised over the whole recording.

    Power is taken relative to the recording's loudest band, so that gain drops out.
    """

    window: Tensor
    mel_FM: Tensor

    def __init__(self, config: SpeechConfig) -> None:
        super().__init__()
        self.config = config
        self.hop = round(config.hop_seconds * config.sample_rate)
        window = frame_samples(config)
        self.size = 2 ** math.ceil(math.log2(window))
        self.register_buffer("window", torch.hann_window(window), persistent=False)
        filters = melscale_fbanks(
            self.size // 2 + 1,
            _LOWEST_HERTZ,
            config.sample_rate / 2,
            config.mels,
            config.sample_rate,
        )
        self.register_buffer("mel_FM", filters, persistent=False)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Read `wave_BS`, `length_B`; return values (B, M, T), zero in padding, and frames (B,)."""
        # Half precision cannot hold the range of a power spectrum.
        with torch.autocast(batch["wave_BS"].device.type, enabled=False):
            return self._features(batch)

    def _features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        wave_BS, length_B = batch["wave_BS"].float() / 32768, batch["length_B"]
        if self.training and self.config.noise:
            wave_BS = with_noise(wave_BS, length_B, batch["key_B"], share=self.config.noise)
        frames_B = frame_count(length_B, self.hop)
        values_BMT = self.log_power(wave_BS, frames_B)
        if self.training and (self.config.warp or self.config.shift or self.config.speed):
            values_BMT, frames_B = self._warped(values_BMT, frames_B, batch["key_B"])
        real_B1T = length_mask(frames_B, values_BMT.shape[2]).unsqueeze(1)
        count_B11 = (frames_B * values_BMT.shape[1])[:, None, None]
        mean_B11 = (values_BMT * real_B1T).sum((1, 2), keepdim=True) / count_B11
        centred_BMT = (values_BMT - mean_B11) * real_B1T
        variance_B11 = centred_BMT.square().sum((1, 2), keepdim=True) / count_B11
        values_BMT = centred_BMT * torch.rsqrt(variance_B11 + 1e-3)
        if self.training and (self.config.frequency_masks or self.config.time_masks):
            values_BMT = self._masked(values_BMT, frames_B, batch["key_B"])
        return values_BMT, frames_B

    def log_power(self, wave_BS: Tensor, frames_B: Tensor) -> Tensor:
        """Return (B, M, T), relative to the loudest of a recording's `frames_B` frames."""
        half = self.size // 2
        spectrum = torch.stft(
            F.pad(wave_BS, (half, half)),
            self.size,
            self.hop,
            self.window.shape[0],
            self.window,
            center=False,
            return_complex=True,
        )
        power_BFT = spectrum.real.square() + spectrum.imag.square()
        return log_of_loudest(self.mel_FM.T @ power_BFT, frames_B)

    def _warped(self, values_BMT: Tensor, frames_B: Tensor, key_B: Tensor) -> tuple[Tensor, Tensor]:
        """Stretch the mel axis and time by linear interpolation."""
        config = self.config
        bands, frames = values_BMT.shape[1:]
        drawn_B3 = uniform(key_B, _WARP, 3) * 2 - 1
        stretch_B = (drawn_B3[:, 0] * config.warp).exp()
        shift_B = drawn_B3[:, 1] * config.shift
        new_B = (frames_B * (drawn_B3[:, 2] * config.speed).exp()).floor().long().clamp(min=1)
        # A bound known on the host: the longest may be shorter, then the rest is masked.
        longest = math.ceil(frames * math.exp(config.speed))
        device = values_BMT.device
        middle = (bands - 1) / 2
        band_M = torch.arange(bands, device=device) - middle
        source_BM = band_M * stretch_B[:, None] + middle + shift_B[:, None]
        step_B = (frames_B - 1) / (new_B - 1).clamp(min=1)
        source_BT = torch.arange(longest, device=device) * step_B[:, None]
        vertical_BM = 2 * source_BM / max(bands - 1, 1) - 1
        horizontal_BT = 2 * source_BT / max(frames - 1, 1) - 1
        grid = torch.stack(
            torch.broadcast_tensors(horizontal_BT[:, None, :], vertical_BM[:, :, None]),
            -1,
        )
        warped = F.grid_sample(values_BMT[:, None], grid, padding_mode="border", align_corners=True)
        return warped[:, 0], new_B

    def _masked(self, values_BMT: Tensor, frames_B: Tensor, key_B: Tensor) -> Tensor:
        """Hide stripes of bands and stretches of time; their mean is zero already."""
        config = self.config
        band_M = torch.arange(values_BMT.shape[1], device=values_BMT.device)
        time_T = torch.arange(values_BMT.shape[2], device=values_BMT.device)
        for mask in range(config.frequency_masks):
            width_B, start_B = uniform(key_B, _BANDS + mask, 2).unbind(1)
            hidden_BM = _between(
                band_M, start_B, width_B * config.frequency_width, float(config.mels)
            )
            values_BMT = values_BMT.masked_fill(hidden_BM[:, :, None], 0)
        for mask in range(config.time_masks):
            width_B, start_B = uniform(key_B, _TIME + mask, 2).unbind(1)
            hidden_BT = _between(time_T, start_B, width_B * config.time_width * frames_B, frames_B)
            values_BMT = values_BMT.masked_fill(hidden_BT[:, None, :], 0)
        return values_BMT


def log_of_loudest(power_BMT: Tensor, frames_B: Tensor) -> Tensor:
    """Return the logarithm of power relative to a recording's loudest band, above a floor."""
    # A frame in the padding still reaches the end of the recording, which may be the loudest.
    real_B1T = length_mask(frames_B, power_BMT.shape[2]).unsqueeze(1)
    peak_B11 = (power_BMT * real_B1T).amax((1, 2), keepdim=True)
    return (power_BMT / (peak_B11 + 1e-12) + _FLOOR).log()


def _between(place: Tensor, start_B: Tensor, width_B: Tensor, end_B: Tensor | float) -> Tensor:
    first_B = start_B * (end_B - width_B)
    return (place >= first_B[:, None]) & (place < (first_B + width_B)[:, None])


def frame_samples(config: SpeechConfig) -> int:
    """Return the samples of one frame."""
    return max(round(config.window_seconds * config.sample_rate), 2)


def frame_count(length_B: Tensor, hop: int) -> Tensor:
    """Return the frames of recordings of these lengths in samples."""
    return length_B // hop + 1
