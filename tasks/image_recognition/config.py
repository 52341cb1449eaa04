"""Options of the image task. Nothing here imports torch."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from suite import TaskConfig
from tasks.image_recognition.data_config import DATA_SCHEMAS


class Padding(enum.Enum):
    """What a shifted image shows where it has no pixels."""

    zero = "zero"
    edge = "edge"
    reflect = "reflect"


@dataclass(kw_only=True)
class ImageRecognitionConfig(TaskConfig):
    """Image recognition. Augmentation is drawn for each example, on the device."""

    data_kind: ClassVar[str] = "image"
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy", "mse")
    hand_made: ClassVar[tuple[str, ...]] = ("pixels", "hog")
    came_later: ClassVar[tuple[str, ...]] = ("resolution",)

    _target_: str = "tasks.image_recognition.task.ImageRecognition"
    resolution: int | None = None
    """Pixels of the shorter side that images are reduced to before all else, each the mean of the
    area it stands for; null leaves images as they are."""
    shift: int | None = None
    """Pixels that a training image moves at most, each way; null is an eighth of its shorter side,
    0 moves none."""
    padding: Padding = Padding.zero
    """What a moved image shows where it has no pixels."""
    flip: bool = False
    """Mirror half of the training images left to right: not for letters, digits or signs."""
    rotate: float = 0.0
    """Degrees that a training image turns at most, each way."""
    zoom: float = 0.0
    """Share by which a training image grows or shrinks at most, each axis by itself."""
    crop: float = 1.0
    """Share of its area that a random part of a training image has at least, which is shown at full
    size (Szegedy et al. 2015; 0.08 there); 1 shows the whole image."""
    cutout: int = 0
    """Side in pixels of the square hidden in each training image (DeVries and Taylor 2017)."""
    patch: int | None = None
    """Side in pixels of the patches that a sequence consists of; null is the smallest, from 2 on,
    that makes at most 64 patches."""
    fold: int = 1
    """Side of the pixel blocks folded into channels for a grid: 2 gives four times the channels at
    half the resolution (Shi et al. 2016), which is cheaper for the first convolutions."""
    whiten: int = 0
    """Side of the patches that a grid is whitened by: its channels become the principal components
    of these patches in the training images, each with its negative (Coates and Ng 2012; Jordan
    2024, section 3.2), and `fold` is left out; 0 leaves pixels as they are."""
    average_mirror: bool = False
    """Judge an image by itself and by its mirror image, logits averaged: outside training a forward
    pass costs twice as much (Krizhevsky et al. 2012, section 4.1)."""
    head_dropout: float = 0.0
    """Share of features dropped before the output layer."""
    target: float | None = None
    """Validation accuracy that time-to-target races to; null is the data set's own, else 0.9."""

    def __post_init__(self) -> None:
        self.require("shift", self.shift is None or self.shift >= 0, "0 or above, or null")
        self.require("rotate", 0 <= self.rotate <= 180, "between 0 and 180")
        self.require_fraction("zoom", "head_dropout")
        self.require("crop", 0 < self.crop <= 1, "above 0, at most 1")
        self.require("cutout", self.cutout >= 0, "0 or above")
        self.require("whiten", self.whiten >= 0, "0 or above")
        self.require("whiten", not self.whiten or self.fold == 1, "0 where task.fold is above 1")
        self.require_positive("patch", "fold", "resolution")
        self.require("target", self.target is None or 0 < self.target <= 1, "above 0, at most 1")


SCHEMAS: dict[str, type] = {"task/image_recognition": ImageRecognitionConfig, **DATA_SCHEMAS}
"""By the name that `conf/` refers to as `/schema/<name>`."""
