"""Options of the image task and of its data sources. Nothing here imports torch."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from suite import DataConfig, TaskConfig

MISSING = "???"
"""What omegaconf takes for a value that the user has to give."""

PILLOW_PIXELS = 89_478_485
"""Pixels above which Pillow warns of a decompression bomb; the suite takes that for an error."""


class Padding(enum.Enum):
    """What a shifted image shows where it has no pixels."""

    zero = "zero"
    edge = "edge"
    reflect = "reflect"


class Channels(enum.Enum):
    """Colour or not."""

    grey = "grey"
    rgb = "rgb"


@dataclass(kw_only=True)
class ImageRecognitionConfig(TaskConfig):
    """Image recognition. Augmentation is drawn for each example, on the device."""

    data_kind: ClassVar[str] = "image"
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy", "mse")
    hand_made: ClassVar[tuple[str, ...]] = ("pixels", "hog")

    _target_: str = "tasks.image_recognition.task.ImageRecognition"
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
    cutout: int = 0
    """Side in pixels of the square hidden in each training image (DeVries and Taylor 2017)."""
    patch: int | None = None
    """Side in pixels of the patches that a sequence consists of; null is the smallest, from 2 on,
    that makes at most 64 patches."""
    fold: int = 1
    """Side of the pixel blocks folded into channels for a grid: 2 gives four times the channels at
    half the resolution (Shi et al. 2016), which is cheaper for the first convolutions."""
    head_dropout: float = 0.0
    """Share of features dropped before the output layer."""
    target: float | None = None
    """Validation accuracy that time-to-target races to; null is the data set's own, else 0.9."""

    def __post_init__(self) -> None:
        self.require("shift", self.shift is None or self.shift >= 0, "0 or above, or null")
        self.require("rotate", 0 <= self.rotate <= 180, "between 0 and 180")
        self.require_fraction("zoom", "head_dropout")
        self.require("cutout", self.cutout >= 0, "0 or above")
        self.require_positive("patch", "fold")
        self.require("target", self.target is None or 0 < self.target <= 1, "above 0, at most 1")


@dataclass(kw_only=True)
class ImageDataConfig(DataConfig):
    """Options of every source of images."""

    kind: ClassVar[str] = "image"


@dataclass(kw_only=True)
class DigitsConfig(ImageDataConfig):
    """The UCI optical digits that scikit-learn carries."""

    _target_: str = "tasks.image_recognition.data.Digits"


@dataclass(kw_only=True)
class IdxConfig(ImageDataConfig):
    """A folder of idx files, as MNIST and its successors use."""

    _target_: str = "tasks.image_recognition.data.Idx"
    path: str = MISSING
    """Folder with train-images-idx3-ubyte and its three siblings, plain or as .gz."""
    name: str | None = None
    """Name that results and references go by; null is the folder's."""
    validation: float = 0.1
    """Share of the training files held out for validation."""

    def __post_init__(self) -> None:
        self.require("validation", 0 < self.validation < 1, "between 0 and 1")


@dataclass(kw_only=True)
class EncodedImagesConfig(ImageDataConfig):
    """Options of sources whose images are PNG, JPEG or the like."""

    path: str = MISSING
    """Where the images are."""
    name: str | None = None
    """Name that results and references go by; null is the folder's."""
    size: int | None = None
    """Side in pixels that images are cropped to square and resized to; null keeps their own size,
    which then has to be the same for all."""
    channels: Channels | None = None
    """grey or rgb; null is rgb as soon as one image has colour."""
    validation: float = 0.1
    """Share of the training images held out for validation, where there is no such split."""
    test: float = 0.2
    """Share of the training images held out for the test, where there is no such split."""
    max_pixels: int = 50_000_000
    """Pixels that one image may have: a small file can hold an image that fills the memory."""

    def __post_init__(self) -> None:
        self.require_positive("size")
        bounded = 0 < self.max_pixels <= PILLOW_PIXELS
        self.require("max_pixels", bounded, f"between 1 and {PILLOW_PIXELS}, Pillow's own limit")
        self.require("validation", 0 < self.validation < 1, "between 0 and 1")
        self.require("test", 0 < self.test < 1, "between 0 and 1")
        room = self.validation + self.test < 1
        self.require("test", room, f"below 1 - data.validation ({1 - self.validation:g})")


@dataclass(kw_only=True)
class ImageFolderConfig(EncodedImagesConfig):
    """A folder of images in a folder for each class."""

    _target_: str = "tasks.image_recognition.data.ImageFolder"


@dataclass(kw_only=True)
class ImageParquetConfig(EncodedImagesConfig):
    """Parquet files with encoded images, as data sets on the Hugging Face hub have."""

    _target_: str = "tasks.image_recognition.data.ImageParquet"
    image_column: str | None = None
    """Column of images; null finds the only one that holds bytes."""
    label_column: str | None = None
    """Column of labels; null takes `label` or `labels`."""


SCHEMAS: dict[str, type] = {
    "task/image_recognition": ImageRecognitionConfig,
    "data/digits": DigitsConfig,
    "data/idx": IdxConfig,
    "data/imagefolder": ImageFolderConfig,
    "data/image_parquet": ImageParquetConfig,
}
"""By the name that `conf/` refers to as `/schema/<name>`."""
