"""The image recognition task."""

from collections.abc import Mapping, Sequence
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
    Split,
    Stem,
    Target,
    shown_pixels,
)
from tasks.image_recognition.data.subset import part_of
from tasks.image_recognition.hand_made import hand_made
from tasks.image_recognition.mirrored import MirroredModel
from tasks.image_recognition.properties import properties
from tasks.image_recognition.resolution import at_resolution
from tasks.image_recognition.sample import training_pixels
from tasks.image_recognition.stems import GridStem, PatchStem, PixelStem
from tasks.image_recognition.whitening import WhiteningStem

_TARGET = 0.9
"""Validation accuracy to race to on a data set that nothing is known of."""


class ImageRecognition(Classification):
    """One label for each image; ranked by accuracy."""

    name: ClassVar[str] = "image_recognition"
    unit: ClassVar[str] = "image"

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The splits, on the device; read on first use."""
        data = part_of(self.setup.data.load(self.setup.cache), self.setup)
        data = data.to(
            self.setup.device,
            workers=self.setup.workers,
            worker_timeout=self.setup.worker_timeout,
        )
        return at_resolution(data, self.config.resolution)

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        threshold = self.config.target or self.setup.known.target or _TARGET
        return Target(metric="accuracy", threshold=threshold, direction=Direction.MAXIMIZE)

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        form = backbone.choose(Form.PIXELS, Form.GRID, Form.SEQUENCE)
        pixels_NCHW = training_pixels(self.data.splits[Split.TRAIN], self.setup.eval_batch_size)
        stem: Stem
        if form is Form.PIXELS:
            stem = PixelStem(self.config, pixels_NCHW)
        elif form is Form.GRID:
            kind = WhiteningStem if self.config.whiten else GridStem
            stem = kind(self.config, pixels_NCHW)
        else:
            stem = PatchStem(self.config, pixels_NCHW, features=backbone.width)
        hidden = backbone(stem.spec)
        classes = len(self.data.classes)
        head = PooledHead(hidden.features, classes, dropout=self.config.head_dropout)
        model = MirroredModel if self.config.average_mirror else DeepModel
        return model(stem, hidden, head).to(self.setup.device)

    def hand_made(self, options: HandMadeConfig) -> HandMade:
        first = next(iter(self.eval_batches(Split.TRAIN)))
        side = min(first["pixels_BCHW"].shape[2:])
        return hand_made(options, self.eval_batches, side)

    def properties(self, split: Split, indices: Sequence[int]) -> Mapping[str, Tensor]:
        return properties(self.take(split, indices)["pixels_BCHW"].cpu())

    def show(self, split: Split, index: int) -> Shown:
        return shown_pixels(self.data.splits[split].take(torch.tensor([index]))["pixels_BCHW"][0])
