"""Spectrograms as the feature extractors of pretrained models make them, batched on the device.

Legend: B batch, S samples, F frequency bins, M mel bands, T frames, N samples of a frame.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchaudio.compliance.kaldi import get_mel_banks
from transformers.audio_utils import mel_filter_bank

SAMPLE_RATE = 16_000
_HOP, _WINDOW = 160, 400
_KALDI_SIZE = 512
_KALDI_PREEMPHASIS = 0.97
_KALDI_LOWEST_HERTZ = 20.0


class WhisperMel(nn.Module):
    """Log-mel spectrogram of Whisper (Radford et al. 2022, section 2.2).

    Waves are padded with silence, or cut, to `frames` hops of 10 ms.
    """

    window_N: Tensor
    mel_MF: Tensor

    def __init__(self, bands: int, frames: int) -> None:
        super().__init__()
        self.samples = frames * _HOP
        filters = mel_filter_bank(
            num_frequency_bins=1 + _WINDOW // 2,
            num_mel_filters=bands,
            min_frequency=0.0,
            max_frequency=8000.0,
            sampling_rate=SAMPLE_RATE,
            norm="slaney",
            mel_scale="slaney",
        )
        self.register_buffer("mel_MF", torch.tensor(filters).float().T, persistent=False)
        self.register_buffer("window_N", torch.hann_window(_WINDOW), persistent=False)

    def forward(self, wave_BS: Tensor) -> Tensor:
        """Return (B, M, T)."""
        fitted_BS = F.pad(wave_BS, (0, self.samples - wave_BS.shape[1]))
        spectrum_BFT = torch.stft(
            fitted_BS, _WINDOW, _HOP, window=self.window_N, return_complex=True
        )[..., :-1]
        power_BFT = spectrum_BFT.real.square() + spectrum_BFT.imag.square()
        log_BMT = (self.mel_MF @ power_BFT).clamp(min=1e-10).log10()
        loudest_B11 = log_BMT.amax((1, 2), keepdim=True)
        return (torch.maximum(log_BMT, loudest_B11 - 8.0) + 4.0) / 4.0


class KaldiMel(nn.Module):
    """Kaldi's log-mel filter bank, as Audio Spectrogram Transformers take it (Gong et al. 2021).

    Frames are padded with zeros, or cut, to `frames`, and normalised by a mean and deviation of
    AudioSet; `deviation` None leaves them as they are.
    """

    window_N: Tensor
    mel_FM: Tensor

    def __init__(
        self, bands: int, frames: int, *, mean: float = 0.0, deviation: float | None = None
    ) -> None:
        super().__init__()
        self.frames, self.mean, self.deviation = frames, mean, deviation
        filters, _ = get_mel_banks(
            bands, _KALDI_SIZE, SAMPLE_RATE, _KALDI_LOWEST_HERTZ, 0.0, 100.0, -500.0, 1.0
        )
        self.register_buffer("mel_FM", F.pad(filters, (0, 1)).T.contiguous(), persistent=False)
        window = torch.hann_window(_WINDOW, periodic=False)
        self.register_buffer("window_N", window, persistent=False)

    def forward(self, wave_BS: Tensor, length_B: Tensor) -> Tensor:
        """Return (B, T, M)."""
        longest = _WINDOW + (self.frames - 1) * _HOP
        wave_BS = F.pad(wave_BS, (0, max(longest - wave_BS.shape[1], 0)))[:, :longest]
        frame_BTN = wave_BS.unfold(1, _WINDOW, _HOP)
        frame_BTN = frame_BTN - frame_BTN.mean(2, keepdim=True)
        before_BTN = torch.cat([frame_BTN[..., :1], frame_BTN[..., :-1]], 2)
        frame_BTN = (frame_BTN - _KALDI_PREEMPHASIS * before_BTN) * self.window_N
        spectrum_BTF = torch.fft.rfft(frame_BTN, _KALDI_SIZE)
        power_BTF = spectrum_BTF.real.square() + spectrum_BTF.imag.square()
        log_BTM: Tensor = (power_BTF @ self.mel_FM).clamp(min=torch.finfo(torch.float32).eps).log()
        # Kaldi leaves out a frame that reaches beyond the end.
        count_B = (length_B - _WINDOW).div(_HOP, rounding_mode="floor") + 1
        real_BT = torch.arange(self.frames, device=wave_BS.device) < count_B[:, None]
        log_BTM = log_BTM * real_BT[..., None]
        if self.deviation is None:
            return log_BTM
        return (log_BTM - self.mean) / (self.deviation * 2)
