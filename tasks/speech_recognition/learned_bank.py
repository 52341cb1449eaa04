"""A filter bank that is learned on the wave, in the place of the mel spectrogram.

Each sample loses most of the one before it. Pairs of filters of a frame's length step over that
several times a hop; the sum of the squares of a pair (its power, whatever the phase) is averaged
over a frame by a Hann window, and goes on as the power of a mel band does.

After Zeghidour et al. 2018, "Learning filterbanks from raw speech for phone recognition", section
2, with three departures: filters start as windowed noise and not as mel filters, so that what they
become was learned; they step over some samples, as a CPU has to train them; and power is taken
relative to the recording's loudest.

Legend: B batch, S samples, M bands, T frames, P steps of the filters, N samples of a filter.
"""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite import Batch, length_mask, uniform
from tasks.speech_recognition.config import SpeechConfig
from tasks.speech_recognition.spectrogram import LogMel, frame_samples, log_of_loudest

_SPEED = 5
"""The stream of random numbers that a recording's speed is drawn from."""
_PRE_EMPHASIS = 0.97
"""Share of the sample before that is taken off each: speech has little power at high frequencies,
and filters that noise begins would all move to low ones."""
_STEPS_OF_A_HOP = 4
"""Steps that filters take at least from one frame to the next."""


class LearnedBank(LogMel):
    """`task.mels` learned bands of int16 waves, normalised and masked as a log-mel spectrogram is.

    In training recordings are played faster or slower by up to `task.speed` (Ko et al. 2015), which
    moves frequencies with it; `task.warp` and `task.shift` have no part.
    """

    window_P: Tensor

    def __init__(self, config: SpeechConfig) -> None:
        super().__init__(replace(config, warp=0.0, shift=0.0, speed=0.0))
        self.speed = config.speed
        samples = frame_samples(config)
        step = next(
            n for n in range(max(self.hop // _STEPS_OF_A_HOP, 1), 0, -1) if not self.hop % n
        )
        self.pairs = nn.Conv1d(1, 2 * config.mels, samples, step, bias=False)
        with torch.no_grad():
            windowed = torch.randn(self.pairs.weight.shape) * torch.hann_window(samples)
            self.pairs.weight.copy_(windowed / windowed.norm(dim=2, keepdim=True))
        self.steps_of_a_hop = self.hop // step
        # Odd, so that a frame has a middle step.
        width = 2 * (samples // step // 2) + 1
        window_P = torch.hann_window(width + 2, periodic=False)[1:-1]
        self.register_buffer("window_P", window_P / window_P.sum(), persistent=False)

    def _features(self, batch: Batch) -> tuple[Tensor, Tensor]:
        if self.training and self.speed:
            wave_BS, length_B = at_speed(
                batch["wave_BS"], batch["length_B"], self._drawn(batch["key_B"]), self.speed
            )
            tensors = {**batch.tensors, "wave_BS": wave_BS, "length_B": length_B}
            batch = replace(batch, tensors=tensors)
        return super()._features(batch)

    def _drawn(self, key_B: Tensor) -> Tensor:
        return ((uniform(key_B, _SPEED, 1)[:, 0] * 2 - 1) * self.speed).exp()

    def log_power(self, wave_BS: Tensor, frames_B: Tensor) -> Tensor:
        # The middle of frame t is at sample t * hop, as in the spectrogram.
        samples, side = self.pairs.kernel_size[0], len(self.window_P) // 2
        before = samples // 2 + side * self.pairs.stride[0]
        frames = wave_BS.shape[1] // self.hop + 1
        steps = (frames - 1) * self.steps_of_a_hop + len(self.window_P)
        needed = (steps - 1) * self.pairs.stride[0] + samples
        # One more in front, for the difference. What is missing behind is at least a sample, as the
        # last frame reaches beyond the end: padding of the batch changes nothing.
        padded_BS = F.pad(wave_BS, (before + 1, max(needed - before - wave_BS.shape[1], 0)))
        padded_BS = padded_BS[:, 1:] - _PRE_EMPHASIS * padded_BS[:, :-1]
        pair_BMP = self.pairs(padded_BS[:, None]).unflatten(1, (-1, 2))
        power_BMP = pair_BMP.square().sum(2)
        window_11P = self.window_P[None, None]
        power_BMT = F.conv1d(
            power_BMP.flatten(0, 1).unsqueeze(1), window_11P, stride=self.steps_of_a_hop
        )
        power_BMT = power_BMT.reshape(*power_BMP.shape[:2], -1)[..., :frames]
        return log_of_loudest(power_BMT, frames_B)


def at_speed(
    wave_BS: Tensor, length_B: Tensor, stretch_B: Tensor, most: float
) -> tuple[Tensor, Tensor]:
    """Return waves stretched in time by these factors, at most exp(most), and their lengths.

    By linear interpolation: what it takes from the highest frequencies is small beside the noise
    that training adds.
    """
    # A bound known on the host, as waiting for the longest would stall the device.
    longest = math.ceil(wave_BS.shape[1] * math.exp(most))
    new_B = (length_B * stretch_B).floor().long().clamp(min=1)
    place_BS = torch.arange(longest, device=wave_BS.device) / stretch_B[:, None]
    last = wave_BS.shape[1] - 1
    before_BS = place_BS.long().clamp(max=last)
    after_BS = (before_BS + 1).clamp(max=last)
    share_BS = (place_BS - before_BS).clamp(0, 1)
    values_BS = wave_BS.float()
    stretched_BS = torch.lerp(
        values_BS.gather(1, before_BS), values_BS.gather(1, after_BS), share_BS
    )
    return stretched_BS * length_mask(new_B, longest), new_B
