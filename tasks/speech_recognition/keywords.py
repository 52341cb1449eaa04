"""Speech recognition of keywords: one label for each recording.

Legend: B batch, S samples, K classes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn

from suite import (
    BackboneBuilder,
    Classification,
    DataSet,
    DeepModel,
    Direction,
    Form,
    HandMade,
    HandMadeConfig,
    PooledHead,
    Shown,
    Sieve,
    Split,
    Stem,
    Target,
    shown_wave,
)
from tasks.speech_recognition.config import SpeechConfig
from tasks.speech_recognition.examples import examples
from tasks.speech_recognition.hand_made import hand_made
from tasks.speech_recognition.labelled import labelled
from tasks.speech_recognition.properties import properties
from tasks.speech_recognition.recordings import SpeechSet
from tasks.speech_recognition.spectrogram import frame_samples
from tasks.speech_recognition.stem import SpeechStem, WaveStem
from tasks.speech_recognition.subset import part_of_labelled

_TARGET = 0.95
"""Validation accuracy to race to on a data set that nothing is known of."""


class SpeechRecognition(Classification):
    """Which word is spoken; ranked by accuracy."""

    name: ClassVar[str] = "speech_recognition"
    unit: ClassVar[str] = "second"

    backbone_rate: int | None = None
    """Samples per second that a backbone takes which hears waves itself."""

    @property
    def heard(self) -> SpeechConfig:
        """The task's options at the sample rate that recordings are heard at."""
        rate = self.backbone_rate or self.config.sample_rate
        heard: SpeechConfig = replace(self.config, sample_rate=rate)
        return heard

    @cached_property
    def recordings(self) -> SpeechSet:
        """The recordings; read or made on first use."""
        speech: SpeechSet = self.setup.data.load(
            self.setup.cache,
            sample_rate=self.heard.sample_rate,
            shortest=frame_samples(self.heard),
        )
        known = labelled(speech, Sieve(self.setup.data.on_error))
        part = part_of_labelled(known, self.setup)
        return part.below(self.config.bandwidth, self.heard.sample_rate)

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The splits as waves and labels, on the device."""
        speech = self.recordings
        classes = tuple(sorted(set(speech.splits[Split.TRAIN].texts)))
        number = {name: k for k, name in enumerate(classes)}
        splits = {}
        for split, recordings in speech.splits.items():
            labels = torch.tensor([number[text] for text in recordings.texts])
            splits[split] = examples(recordings, {"label_B": labels}, self.heard.sample_rate)
        return DataSet(splits, speech.card, classes).to(
            self.setup.device,
            workers=self.setup.workers,
            worker_timeout=self.setup.worker_timeout,
        )

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        threshold = self.config.target or self.setup.known.target or _TARGET
        return Target(metric="accuracy", threshold=threshold, direction=Direction.MAXIMIZE)

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        form = backbone.choose(Form.WAVE, Form.SEQUENCE, Form.GRID)
        self._hear_at(backbone.intake.sample_rate if form is Form.WAVE else None)
        stem: Stem = (
            WaveStem(self.heard) if form is Form.WAVE else SpeechStem(self.config, form=form)
        )
        hidden = backbone(stem.spec)
        classes = len(self.data.classes)
        head = PooledHead(hidden.features, classes, dropout=self.config.head_dropout)
        return DeepModel(stem, hidden, head)

    def hand_made(self, options: HandMadeConfig) -> HandMade:
        return hand_made(options, self.config, self.eval_batches)

    def groups(self, split: Split, indices: Sequence[int]) -> list[str]:
        return self.recordings.splits[split].groups(indices)

    def properties(self, split: Split, indices: Sequence[int]) -> Mapping[str, Tensor]:
        return properties(self.recordings, split, indices, self.heard.sample_rate)

    def show(self, split: Split, index: int) -> Shown:
        recordings = self.recordings.splits[split]
        wave_S, name = recordings.waves[index], recordings.names[index]
        return shown_wave(wave_S, self.heard.sample_rate, name)

    def _hear_at(self, rate: int | None) -> None:
        """Take recordings at another sample rate; those read at the old one are read again."""
        if rate != self.backbone_rate:
            self.backbone_rate = rate
            for name in ("recordings", "data"):
                self.__dict__.pop(name, None)
