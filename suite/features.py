"""What flows between stem, backbone and head, and how a model is put together.

A stem offers its input in one of two forms, a backbone states which one it takes, and always
returns a sequence; so every backbone runs on every task.

Legend: B batch, T positions, D features, C channels, H height, W width, K classes.
Masks are True where the input is real and False where it is padding; None means no padding.
"""

import enum
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from suite.task import Batch


class Form(enum.Enum):
    """The two forms in which a stem can offer its input."""

    SEQUENCE = "sequence"
    GRID = "grid"


@dataclass(frozen=True, kw_only=True)
class SequenceSpec:
    """Shape of a sequence before any data is seen.

    features: D.
    length: T where every example has the same number of positions (image patches), else None.
    """

    features: int
    length: int | None = None


@dataclass(frozen=True, kw_only=True)
class GridSpec:
    """Shape of a grid before any data is seen.

    channels, height: C and H.
    width: W where every example has the same, else None (time, for text and sound).
    max_width_stride: how far the backbone may reduce W in all; None sets no limit. Transcription
        needs at least as many output positions as symbols.
    """

    channels: int
    height: int
    width: int | None = None
    max_width_stride: int | None = None


@dataclass(frozen=True)
class Sequence:
    """A batch of sequences: values (B, T, D), mask (B, T) of bool or None."""

    values_BTD: Tensor
    mask_BT: Tensor | None = None

    def lengths_B(self) -> Tensor:
        """Return the number of real positions of each example, (B,) int64."""
        if self.mask_BT is None:
            batch, positions = self.values_BTD.shape[:2]
            return torch.full((batch,), positions, device=self.values_BTD.device)
        return self.mask_BT.sum(1)


@dataclass(frozen=True)
class Grid:
    """A batch of grids: values (B, C, H, W), mask over the last axis (B, W) of bool or None."""

    values_BCHW: Tensor
    mask_BW: Tensor | None = None


class Backbone(nn.Module):
    """The hidden layers between a task's stem and head.

    takes: the form of its input. features: width of its output (D of the returned sequence).
    width_stride: by how much it shortens the last axis.
    """

    takes: ClassVar[Form]
    features: int
    width_stride: int = 1

    @abstractmethod
    def forward(self, inputs: Any) -> Sequence:
        """Map a `Sequence` or `Grid` (see `takes`) to a `Sequence`."""


@dataclass(frozen=True)
class BackboneBuilder:
    """A backbone with its options fixed, waiting for the shape that a task's stem will offer."""

    kind: Callable[..., Backbone]
    options: Mapping[str, Any]

    @property
    def takes(self) -> Form:
        """The form that the task's stem has to offer."""
        form: Form = self.kind.takes  # type: ignore[attr-defined]
        return form

    @property
    def width(self) -> int:
        """Hidden width, a sensible width for a sequence stem's output too."""
        return int(self.options["width"])

    def __call__(self, spec: SequenceSpec | GridSpec) -> Backbone:
        """Build the backbone for inputs of this shape."""
        return self.kind(spec, **self.options)


class Stem(nn.Module):
    """The input layer: turns a batch into the form that the backbone takes. `spec` is its shape."""

    spec: SequenceSpec | GridSpec

    @abstractmethod
    def forward(self, batch: Batch) -> Sequence | Grid:
        """Return the batch in the form that `spec` declares."""


class PooledHead(nn.Module):
    """Output layer for one label per example: pool over real positions, dropout, linear.

    pool: "mean", or "max" (Collobert et al. 2011: each feature where it is strongest).
    """

    def __init__(
        self, features: int, classes: int, *, dropout: float = 0.0, pool: str = "mean"
    ) -> None:
        super().__init__()
        self.pool = {"mean": masked_mean, "max": masked_max}[pool]
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(features, classes)

    def forward(self, inputs: Sequence) -> Tensor:
        """Return logits (B, K)."""
        return self.output(self.dropout(self.pool(inputs)))  # type: ignore[no-any-return]


class FrameHead(nn.Module):
    """Output layer for one label per position (CTC): dropout, linear."""

    def __init__(self, features: int, classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(features, classes)

    def forward(self, inputs: Sequence) -> Sequence:
        """Return logits as a sequence (B, T, K) with the mask of its input."""
        return Sequence(self.output(self.dropout(inputs.values_BTD)), inputs.mask_BT)


class DeepModel(nn.Module):
    """Input layer (stem), hidden layers (backbone), output layer (head)."""

    def __init__(self, stem: Stem, backbone: Backbone, head: nn.Module) -> None:
        super().__init__()
        self.stem = stem
        self.backbone = backbone
        self.head = head

    def forward(self, batch: Batch) -> Any:
        """Return what the head returns: logits (B, K), or a `Sequence` of logits (B, T, K)."""
        return self.head(self.backbone(self.stem(batch)))


def masked_mean(inputs: Sequence) -> Tensor:
    """Average real positions: (B, T, D) -> (B, D). An example without any gives zeros."""
    if inputs.mask_BT is None:
        return inputs.values_BTD.mean(1)
    weight_BT1 = inputs.mask_BT.unsqueeze(-1).to(inputs.values_BTD.dtype)
    return (inputs.values_BTD * weight_BT1).sum(1) / weight_BT1.sum(1).clamp(min=1)


def masked_max(inputs: Sequence) -> Tensor:
    """Take the largest value of each feature over real positions: (B, T, D) -> (B, D)."""
    if inputs.mask_BT is None:
        return inputs.values_BTD.amax(1)
    lowest = torch.finfo(inputs.values_BTD.dtype).min
    return inputs.values_BTD.masked_fill(~inputs.mask_BT.unsqueeze(-1), lowest).amax(1)


def length_mask(length_B: Tensor, positions: int) -> Tensor:
    """Return the mask (B, T) that is True at the first `length` positions of each example."""
    return torch.arange(positions, device=length_B.device) < length_B.unsqueeze(1)
