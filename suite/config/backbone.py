"""Options of the backbones that the suite has itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from suite.config.node import Node


@dataclass(kw_only=True)
class BackboneConfig(Node):
    """Options that every backbone has."""

    group: ClassVar[str] = "backbone"

    _target_: str = ""
    """Dotted path of the backbone class."""
    width: int = 128
    """Hidden features (for `resnet`: channels of the first stage)."""
    depth: int = 2
    """Hidden layers (for `resnet`: blocks in each stage)."""
    dropout: float = 0.0
    """Share of hidden features dropped in training."""

    def __post_init__(self) -> None:
        self.require_positive("width", "depth")
        self.require_fraction("dropout")


@dataclass(kw_only=True)
class MLPConfig(BackboneConfig):
    """Multilayer perceptron."""

    came_later: ClassVar[tuple[str, ...]] = ("residual", "normalise")

    _target_: str = "suite.backbones.MLP"
    context: int = 1
    """Positions in the window of the first layer, where the input's length varies; odd."""
    residual: bool = False
    """Add the input of a layer to its output, from the second on."""
    normalise: bool = True
    """Normalise each layer (LayerNorm)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("context", self.context > 0 and self.context % 2 == 1, "odd and above 0")


@dataclass(kw_only=True)
class ResNetConfig(BackboneConfig):
    """Residual network."""

    came_later: ClassVar[tuple[str, ...]] = ("residual", "normalise", "kernel")

    _target_: str = "suite.backbones.ResNet"
    stages: int = 3
    """Stages; each doubles the channels and halves the resolution."""
    residual: bool = True
    """Blocks have shortcuts; without, they are plain convolutions."""
    normalise: bool = True
    """Normalise each convolution over the batch; without, it has biases."""
    kernel: int = 3
    """Side of the first convolution's kernels; odd. What they became can be seen from 5 on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("stages")
        self.require("kernel", self.kernel > 0 and self.kernel % 2 == 1, "odd and above 0")


@dataclass(kw_only=True)
class ConvNetConfig(BackboneConfig):
    """Convolutional network of pooling stages."""

    came_later: ClassVar[tuple[str, ...]] = ("kernel",)

    _target_: str = "suite.backbones.ConvNet"
    wide: int = 64
    """Channels of all stages but the first."""
    stages: int = 3
    """Stages; each halves the resolution."""
    kernel: int = 3
    """Side of the first convolution's kernels; odd. What they became can be seen from 5 on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("wide", "stages")
        self.require("kernel", self.kernel > 0 and self.kernel % 2 == 1, "odd and above 0")


@dataclass(kw_only=True)
class LSTMConfig(BackboneConfig):
    """Long short-term memory."""

    _target_: str = "suite.backbones.LSTM"
    bidirectional: bool = True
    """Half of the features read each way."""

    def __post_init__(self) -> None:
        super().__post_init__()
        even = not self.bidirectional or self.width % 2 == 0
        self.require("width", even, "even, as backbone.bidirectional=true gives half to each way")


@dataclass(kw_only=True)
class AttentionConfig(BackboneConfig):
    """Options that every backbone with attention has."""

    heads: int = 4
    """Attention heads; each has width / heads features."""
    expansion: int = 4
    """Hidden width of the MLP, as a multiple of `width`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("heads", "expansion")
        fits = self.width % (2 * self.heads) == 0
        self.require("width", fits, f"a multiple of 2 * backbone.heads ({2 * self.heads})")


@dataclass(kw_only=True)
class TransformerConfig(AttentionConfig):
    """Transformer encoder."""

    came_later: ClassVar[tuple[str, ...]] = ("residual", "normalise")

    _target_: str = "suite.backbones.Transformer"
    residual: bool = True
    """Add the input of each sublayer to its output."""
    normalise: bool = True
    """Normalise before each sublayer, and at the end (LayerNorm)."""


@dataclass(kw_only=True)
class ConformerConfig(AttentionConfig):
    """Conformer encoder."""

    _target_: str = "suite.backbones.Conformer"
    kernel: int = 15
    """Positions that a convolution sees; odd."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("kernel", self.kernel > 0 and self.kernel % 2 == 1, "odd and above 0")
