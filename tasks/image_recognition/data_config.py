"""Options of images on disk and of the standard sets. Nothing here imports torch."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from suite import DataConfig

MISSING = "???"
"""What omegaconf takes for a value that the user has to give."""

PILLOW_PIXELS = 89_478_485
"""Pixels above which Pillow warns of a decompression bomb; the suite takes that for an error."""


class Channels(enum.Enum):
    """Colour or not."""

    grey = "grey"
    rgb = "rgb"


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
        super().__post_init__()
        self.require("validation", 0 < self.validation < 1, "between 0 and 1")


@dataclass(kw_only=True)
class EncodedImagesConfig(ImageDataConfig):
    """Options of sources whose images are PNG, JPEG or the like."""

    size: int | None = None
    """Side in pixels that images are cropped to square and resized to; null keeps their own size,
    which then has to be the same for all."""
    channels: Channels | None = None
    """grey or rgb; null is rgb as soon as one image has colour."""
    validation: float = 0.1
    """Share of the training images held out for validation, where there is no such split."""
    max_pixels: int = 50_000_000
    """Pixels that one image may have: a small file can hold an image that fills the memory."""
    stream: bool | str = "auto"
    """true decodes images when their batch is due, false holds all of them in memory; auto does so
    as long as they fit in data.memory_gib. Splits and batches are the same."""
    memory_gib: float = 4.0
    """Memory that decoded images may take before data.stream=auto streams them, in GiB."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("size", "memory_gib")
        self.require("stream", self.stream in ("auto", True, False), "auto, true or false")
        bounded = 0 < self.max_pixels <= PILLOW_PIXELS
        self.require("max_pixels", bounded, f"between 1 and {PILLOW_PIXELS}, Pillow's own limit")
        self.require("validation", 0 < self.validation < 1, "between 0 and 1")


@dataclass(kw_only=True)
class OwnImagesConfig(EncodedImagesConfig):
    """Options of sources that may have no test split."""

    test: float = 0.2
    """Share of the training images held out for the test, where there is no such split."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("test", 0 < self.test < 1, "between 0 and 1")
        room = self.validation + self.test < 1
        self.require("test", room, f"below 1 - data.validation ({1 - self.validation:g})")


@dataclass(kw_only=True)
class ImageFolderConfig(OwnImagesConfig):
    """A folder of images in a folder for each class."""

    path: str = MISSING
    """Where the images are."""
    name: str | None = None
    """Name that results and references go by; null is the folder's."""
    _target_: str = "tasks.image_recognition.data.ImageFolder"


@dataclass(kw_only=True)
class ImageParquetConfig(OwnImagesConfig):
    """Parquet files with encoded images, as data sets on the Hugging Face hub have."""

    path: str = MISSING
    """Where the files are."""
    name: str | None = None
    """Name that results and references go by; null is the folder's."""
    _target_: str = "tasks.image_recognition.data.ImageParquet"
    image_column: str | None = None
    """Column of images; null finds the only one that holds bytes."""
    label_column: str | None = None
    """Column of labels; null takes `label` or `labels`."""


@dataclass(kw_only=True)
class HubImagesConfig(OwnImagesConfig):
    """A data set of the Hugging Face hub, through the datasets library and its cache."""

    _target_: str = "tasks.image_recognition.data.HubImages"
    id: str = MISSING
    """As the hub names it: user/name."""
    config: str | None = None
    """Which of the data set's configurations; null is its own default."""
    revision: str | None = None
    """Branch, tag or commit; null is the newest. Only a commit is the same data for ever."""
    download: bool = False
    """Fetch what the local cache lacks; false never asks the network."""
    train_split: str = "train"
    """Its split to train on."""
    validation_split: str | None = None
    """Its split to validate on; null takes validation, valid, val or dev, else holds one out."""
    test_split: str | None = None
    """Its split to test on; null takes test, else holds one out."""
    image_column: str | None = None
    """Column of images; null takes the only one."""
    label_column: str | None = None
    """Column of labels; null takes the only one with named classes, else `label` or `labels`."""
    name: str | None = None
    """Name that results go by; null is the id."""


@dataclass(kw_only=True)
class PublishedImagesConfig(ImageDataConfig):
    """Options of the standard sets that a library can fetch."""

    path: str | None = None
    """Folder with the files as published; null is <cache>/data/<set>."""
    download: bool = False
    """Fetch what the folder lacks first, and verify its checksum."""
    validation: float = 0.1
    """Share of the training images held out for validation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("validation", 0 < self.validation < 1, "between 0 and 1")


@dataclass(kw_only=True)
class MnistConfig(PublishedImagesConfig):
    """MNIST."""

    _target_: str = "tasks.image_recognition.data.Mnist"


@dataclass(kw_only=True)
class FashionMnistConfig(PublishedImagesConfig):
    """Fashion-MNIST."""

    _target_: str = "tasks.image_recognition.data.FashionMnist"


@dataclass(kw_only=True)
class Cifar10Config(PublishedImagesConfig):
    """CIFAR-10."""

    _target_: str = "tasks.image_recognition.data.Cifar10"


@dataclass(kw_only=True)
class Cifar100Config(PublishedImagesConfig):
    """CIFAR-100, by its 100 fine labels."""

    _target_: str = "tasks.image_recognition.data.Cifar100"


@dataclass(kw_only=True)
class SvhnConfig(PublishedImagesConfig):
    """Street View House Numbers, cropped digits."""

    _target_: str = "tasks.image_recognition.data.Svhn"
    extra: bool = False
    """Train on the 531,131 easier digits of the extra split too."""


@dataclass(kw_only=True)
class ImageNetConfig(EncodedImagesConfig):
    """ImageNet (ILSVRC 2012). The published validation split is the test, as everywhere."""

    _target_: str = "tasks.image_recognition.data.ImageNet"
    path: str | None = None
    """Folder with train/<wnid>/ and val/<wnid>/; null is <cache>/data/imagenet."""
    size: int | None = 224
    channels: Channels | None = Channels.rgb
    validation: float = 0.01
    """Share of the training images held out for validation."""


DATA_SCHEMAS: dict[str, type] = {
    "data/digits": DigitsConfig,
    "data/idx": IdxConfig,
    "data/imagefolder": ImageFolderConfig,
    "data/image_parquet": ImageParquetConfig,
    "data/hub_images": HubImagesConfig,
    "data/mnist": MnistConfig,
    "data/fashion_mnist": FashionMnistConfig,
    "data/cifar10": Cifar10Config,
    "data/cifar100": Cifar100Config,
    "data/svhn": SvhnConfig,
    "data/imagenet": ImageNetConfig,
}
"""By the name that `conf/` refers to as `/schema/<name>`."""
