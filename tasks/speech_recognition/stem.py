"""Input layers for speech: a log-mel spectrogram as a grid, its frames as a sequence, or the wave.

Legend: B batch, S samples, M mel bands, T frames, D features, C channels.
"""

import math
from typing import ClassVar

import torch.nn.functional as F

from suite import (
    Batch,
    Form,
    Grid,
    GridSpec,
    Sequence,
    SequenceSpec,
    Stem,
    Wave,
    WaveSpec,
    length_mask,
)
from tasks.speech_recognition.config import FrontEnd, SpeechConfig
from tasks.speech_recognition.front_end import ConvolutionFrontEnd
from tasks.speech_recognition.learned_bank import LearnedBank
from tasks.speech_recognition.noise import with_noise
from tasks.speech_recognition.spectrogram import LogMel


class WaveStem(Stem):
    """Waves between -1 and 1 for a backbone that hears them itself, in training with noise."""

    remedy: ClassVar[str] = "choose a backbone that shortens waves less"

    def __init__(self, config: SpeechConfig) -> None:
        super().__init__()
        self.noise = config.noise
        self.sample_rate = config.sample_rate
        self.spec = WaveSpec(sample_rate=config.sample_rate)

    def forward(self, batch: Batch) -> Wave:
        """Read `wave_BS` and `length_B`."""
        wave_BS, length_B = batch["wave_BS"].float() / 32768, batch["length_B"]
        if self.training and self.noise:
            wave_BS = with_noise(wave_BS, length_B, batch["key_B"], share=self.noise)
        return Wave(wave_BS, length_B)

    def positions(self, samples: int, shrink: float = 1.0) -> int:
        """Return how many positions the backbone gets of a recording; see `SpeechStem`."""
        return samples


class SpeechStem(Stem):
    """Offers the spectrogram in either form, `reduce` frames to a position.

    A sequence has the bands of these frames as features. A grid has blocks of `reduce` bands and
    frames as channels (space to depth, Shi et al. 2016), which costs the first convolutions a
    fraction of what the spectrogram itself would.
    With `task.front_end=wave` the spectrogram's bands are filters that are learned on the wave.
    With `task.channels` a sequence is instead what convolutions make of the spectrogram.
    max_width_stride: how far a backbone may shorten a grid's time; None sets no limit.
    """

    remedy: ClassVar[str] = "lower task.reduce or task.hop_seconds"

    def __init__(
        self, config: SpeechConfig, *, form: Form, max_width_stride: int | None = None
    ) -> None:
        super().__init__()
        self.form = form
        learned = config.front_end is FrontEnd.wave
        self.log_mel: LogMel = LearnedBank(config) if learned else LogMel(config)
        self.sample_rate = config.sample_rate
        self.reduce = config.reduce
        self.front_end: ConvolutionFrontEnd | None = None
        if form is Form.GRID:
            self.fold = self.reduce
            self.spec = GridSpec(
                channels=self.reduce**2,
                height=-(-config.mels // self.reduce),
                max_width_stride=max_width_stride,
            )
        elif config.channels:
            self.front_end = ConvolutionFrontEnd(
                config.mels, channels=config.channels, halvings=self.reduce.bit_length() - 1
            )
            self.spec = SequenceSpec(features=self.front_end.features)
        else:
            self.spec = SequenceSpec(features=config.mels * self.reduce)

    def positions(self, samples: int, shrink: float = 1.0) -> int:
        """Return how many positions the backbone gets of a recording.

        shrink: share of its frames that augmentation leaves at least.
        """
        frames = math.floor((samples // self.log_mel.hop + 1) * shrink)
        return -(-frames // self.reduce)

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Read `wave_BS` and `length_B`."""
        values_BMT, frames_B = self.log_mel(batch)
        if self.front_end is not None:
            values_BTD, positions_B = self.front_end(values_BMT, frames_B)
            return Sequence(values_BTD, length_mask(positions_B, values_BTD.shape[1]))
        step = self.reduce
        bands, frames = values_BMT.shape[1:]
        positions = -(-frames // step)
        mask_BT = length_mask((frames_B + step - 1) // step, positions)
        extra_frames = positions * step - frames
        if self.form is Form.SEQUENCE:
            padded_BMT = F.pad(values_BMT, (0, extra_frames))
            stacked = padded_BMT.unflatten(2, (positions, step)).permute(0, 2, 3, 1)
            return Sequence(stacked.flatten(2), mask_BT)
        padded_BMT = F.pad(values_BMT, (0, extra_frames, 0, -bands % step))
        return Grid(F.pixel_unshuffle(padded_BMT.unsqueeze(1), step), mask_BT)
