"""Options of backbones that other libraries define."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, ClassVar

from suite.config.backbone import BackboneConfig, ConformerConfig
from suite.config.node import MISSING, Node, shown
from suite.errors import ConfigError


def _open_dict() -> Any:
    """Return a dict that the command line may add keys to: those of another library."""
    from omegaconf import OmegaConf

    return OmegaConf.create({}, flags={"struct": False})


class Positions(enum.Enum):
    """Which positions of an encoder's output are kept."""

    all = "all"
    first = "first"


@dataclass(kw_only=True)
class LibraryConfig(Node):
    """Options of every backbone that another library defines."""

    group: ClassVar[str] = "backbone"

    _target_: str = ""
    """Dotted path of the backbone class."""
    trainable: str = "all"
    """What is trained: all, none (a linear probe: only the head learns), or a number of layers from
    the top. What is frozen stays in evaluation mode."""

    def __post_init__(self) -> None:
        named = self.trainable in ("all", "none")
        counted = self.trainable.isdecimal() and int(self.trainable) > 0
        self.require("trainable", named or counted, "all, none, or a number of layers above 0")


@dataclass(kw_only=True)
class TorchaudioConformerConfig(LibraryConfig, ConformerConfig):
    """torchaudio's Conformer encoder."""

    _target_: str = "suite.library.torchaudio.TorchaudioConformer"

    def __post_init__(self) -> None:
        LibraryConfig.__post_init__(self)
        ConformerConfig.__post_init__(self)


@dataclass(kw_only=True)
class TorchaudioWav2Vec2Config(LibraryConfig, BackboneConfig):
    """torchaudio's wav2vec 2.0 encoder."""

    _target_: str = "suite.library.torchaudio.TorchaudioWav2Vec2"
    heads: int = 4
    """Attention heads; each has width / heads features."""
    expansion: int = 4
    """Hidden width of the MLP, as a multiple of `width`."""
    convolution: int = 128
    """Channels of the convolutions over the wave."""
    sample_rate: int = 16000
    """Samples per second that the waves come at; 320 of them make a position."""

    def __post_init__(self) -> None:
        LibraryConfig.__post_init__(self)
        BackboneConfig.__post_init__(self)
        self.require_positive("heads", "expansion", "convolution", "sample_rate")
        self.require("width", self.width % self.heads == 0, "a multiple of backbone.heads")
        self.require("width", self.width % 16 == 0, "a multiple of 16, the groups of its positions")


@dataclass(kw_only=True)
class TorchvisionConfig(LibraryConfig):
    """A classifier of torchvision, without its last layer."""

    _target_: str = "suite.library.torchvision.Torchvision"
    model: str = MISSING
    """Its name there: resnet18, efficientnet_b0, vit_b_16, …"""
    weights: str | None = None
    """File of pretrained weights, .safetensors; null draws random ones."""
    size: int | None = None
    """Side in pixels that the input is resized to; null keeps its size where the model can take it
    (else takes the next that it can), and where its width varies stretches it to a square."""
    options: dict[str, Any] = field(default_factory=_open_dict)
    """Options of the model's builder: dropout, …"""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("size")


@dataclass(kw_only=True)
class TransformersConfig(LibraryConfig):
    """An encoder of the transformers library: pretrained (`model`) or new (`architecture`)."""

    _target_: str = "suite.library.transformers.Transformers"
    model: str | None = None
    """Folder with config.json, model.safetensors and what the model reads with (tokenizer.json,
    preprocessor_config.json); or a name on the Hugging Face hub that is in the local cache."""
    download: bool = False
    """Fetch from the hub what the local cache does not have."""
    architecture: str | None = "bert"
    """Kind of a model with random weights: bert, roberta, distilbert, …; null with `model`."""
    options: dict[str, Any] = field(default_factory=_open_dict)
    """Options of the library's configuration class: hidden_size, num_hidden_layers, …"""
    size: int | None = None
    """Side in pixels that images are resized to; null is what the model was trained on, or where it
    is new the grid's own, rounded up to whole patches."""
    positions: Positions = Positions.all
    """all leaves them to the head, which pools them or labels each; first keeps the first alone,
    which BERT and ViT call [CLS]."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("size")
        if (self.model is None) == (self.architecture is None):
            raise ConfigError(
                f"backbone.model={shown(self.model)} backbone.architecture="
                f"{shown(self.architecture)}: give one of them, a pretrained model or a kind"
            )
