"""Speech recognition of keywords: one label for each recording.

Legend: B batch, S samples, K classes.
"""

from functools import cached_property
from typing import ClassVar

import torch
from torch import nn

from suite import (
    BackboneBuilder,
    Classification,
    DataError,
    DataSet,
    DeepModel,
    Direction,
    Examples,
    HandMade,
    HandMadeConfig,
    PooledHead,
    Ragged,
    Split,
    Target,
)
from tasks.speech_recognition.hand_made import hand_made
from tasks.speech_recognition.recordings import SpeechSet
from tasks.speech_recognition.spectrogram import frame_samples
from tasks.speech_recognition.stem import SpeechStem

_TARGET = 0.95
"""Validation accuracy to race to on a data set that nothing is known of."""


class SpeechRecognition(Classification):
    """Which word is spoken; ranked by accuracy."""

    name: ClassVar[str] = "speech_recognition"
    unit: ClassVar[str] = "second"

    @cached_property
    def recordings(self) -> SpeechSet:
        """The recordings; read or made on first use."""
        speech: SpeechSet = self.setup.data.load(
            self.setup.cache,
            sample_rate=self.config.sample_rate,
            shortest=frame_samples(self.config),
        )
        return speech

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The splits as waves and labels, on the device."""
        speech = self.recordings
        classes = tuple(sorted(set(speech.splits[Split.TRAIN].texts)))
        number = {name: k for k, name in enumerate(classes)}
        splits = {}
        for split, recordings in speech.splits.items():
            for text, name in zip(recordings.texts, recordings.names, strict=True):
                if text not in number:
                    raise DataError(
                        f"{name}: label '{text}' does not occur in training; mend it or move it"
                    )
            waves = Ragged.from_rows(list(recordings.waves))
            labels = torch.tensor([number[text] for text in recordings.texts])
            splits[split] = Examples(
                {"wave_BS": waves, "label_B": labels},
                unit_N=waves.length_N.double() / self.config.sample_rate,
                length_N=waves.length_N,
            )
        return DataSet(splits, speech.card, classes).to(self.setup.device)

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        threshold = self.config.target or self.setup.known.target or _TARGET
        return Target(metric="accuracy", threshold=threshold, direction=Direction.MAXIMIZE)

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        stem = SpeechStem(self.config, form=backbone.takes)
        hidden = backbone(stem.spec)
        classes = len(self.data.classes)
        head = PooledHead(hidden.features, classes, dropout=self.config.head_dropout)
        return DeepModel(stem, hidden, head)

    def hand_made(self, options: HandMadeConfig) -> HandMade:
        return hand_made(options, self.config, self.eval_batches)
