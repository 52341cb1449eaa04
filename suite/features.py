"""What flows between stem, backbone and head, and how a model is put together.

A stem offers its input in one of several forms, a backbone states which ones it takes, and always
returns a sequence. Every stem can offer a sequence or a grid, so every backbone that takes one of
these runs on every task; the other forms are what pretrained models were trained on.

Legend: B batch, T positions, D features, C channels, H height, W width, S samples, K classes.
Masks are True where the input is real and False where it is padding; None means no padding.
"""

import enum
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from suite.errors import ConfigError
from suite.task import Batch


class Form(enum.Enum):
    """The forms in which a stem can offer its input.

    SEQUENCE, GRID: features that the stem has learned or normalised on the task's own data.
    PIXELS: a grid of colours between 0 and 1, for a model that normalises them itself.
    TOKENS: numbers of the model's own tokenizer. WAVE: samples at the model's own rate.
    """

    SEQUENCE = "sequence"
    GRID = "grid"
    PIXELS = "pixels"
    TOKENS = "tokens"
    WAVE = "wave"


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
    pixels: the form is `PIXELS`.
    """

    channels: int
    height: int
    width: int | None = None
    max_width_stride: int | None = None
    pixels: bool = False


@dataclass(frozen=True, kw_only=True)
class TokenSpec:
    """Texts as numbers of the tokenizer that came with the backbone (`Intake.tokenizer`)."""


@dataclass(frozen=True, kw_only=True)
class WaveSpec:
    """Waves at `sample_rate` samples per second, those of `Intake.sample_rate`."""

    sample_rate: int


Spec = SequenceSpec | GridSpec | TokenSpec | WaveSpec


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

    def widths_B(self) -> Tensor:
        """Return the number of real columns of each example, (B,) int64."""
        if self.mask_BW is None:
            batch, width = self.values_BCHW.shape[0], self.values_BCHW.shape[3]
            return torch.full((batch,), width, device=self.values_BCHW.device)
        return self.mask_BW.sum(1)


@dataclass(frozen=True)
class Tokens:
    """A batch of texts: numbers (B, T) int64, mask (B, T) of bool."""

    ids_BT: Tensor
    mask_BT: Tensor


@dataclass(frozen=True)
class Wave:
    """A batch of waves: samples (B, S) in float between -1 and 1, zero in padding; length (B,)."""

    values_BS: Tensor
    length_B: Tensor


class Tokenizer(Protocol):
    """Cuts texts as a pretrained model is used to."""

    def encode(self, texts: list[str], most: int) -> list[list[int]]:
        """Return the numbers of each text, with special tokens. most: of a text."""

    def decode(self, ids: list[int]) -> list[str]:
        """Return the piece of text that each number stands for."""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """What a backbone takes in, known before it is built.

    forms: those it takes, the best first.
    width: features that suit it, where a stem of a sequence may choose them.
    positions: its output has positions along the input; False where one vector is all it returns.
    tokenizer: opens the tokenizer for `TOKENS`. sample_rate: samples per second for `WAVE`.
    """

    forms: tuple[Form, ...]
    width: int = 128
    positions: bool = True
    tokenizer: Callable[[], Tokenizer] | None = None
    sample_rate: int | None = None


class Backbone(nn.Module):
    """The hidden layers between a task's stem and head.

    takes: the form of its input, where that is always the same (else see `intake`).
    features: width of its output (D of the returned sequence).
    width_stride: by how much it shortens the last axis.
    longest: columns, positions or samples that it reads at most; what is longer is cut.
    """

    takes: ClassVar[Form]
    features: int
    width_stride: int = 1
    longest: int | None = None

    @classmethod
    def intake(cls, options: Mapping[str, Any]) -> Intake:
        """Return what a backbone of these options takes in."""
        return Intake(forms=(cls.takes,), width=int(options.get("width", 128)))

    @classmethod
    def rebuilt(cls, options: Mapping[str, Any], kept: Path) -> Mapping[str, Any]:
        """Return the options that build it again, for weights that a run left.

        kept: the folder that `keep` wrote into; it need not exist.
        """
        return options

    @abstractmethod
    def forward(self, inputs: Any) -> Sequence:
        """Map what a stem offers (see `takes`) to a `Sequence`."""

    def hidden_layers(self) -> list[nn.Module]:
        """Return the hidden layers from input to output; the learning rate may fall towards the
        input. What is registered before them counts as input, what comes after as output.
        """
        return [self]

    def positions(self, length: int) -> int:
        """Return how many positions it makes of `length` columns, positions or samples."""
        return -(-length // self.width_stride)

    def keep(self, folder: Path) -> None:
        """Write what it takes to build it again, beside options and weights, into this folder."""


@dataclass(frozen=True)
class BackboneBuilder:
    """A backbone with its options fixed, waiting for the shape that a task's stem will offer.

    name: what it was chosen by, for messages.
    """

    kind: Callable[..., Backbone]
    options: Mapping[str, Any]
    name: str = "…"

    @cached_property
    def intake(self) -> Intake:
        """What the backbone takes in."""
        found: Intake = self.kind.intake(self.options)  # type: ignore[attr-defined]
        return found

    @property
    def takes(self) -> Form:
        """The form that a stem has to offer which knows no others than sequences and grids."""
        return self.choose(Form.SEQUENCE, Form.GRID)

    @property
    def width(self) -> int:
        """Hidden width, a sensible width for a sequence stem's output too."""
        return self.intake.width

    def choose(self, *offered: Form, positions: bool = False) -> Form:
        """Return the form that suits the backbone best, or raise a `ConfigError`.

        offered: what the task's stem can be. positions: the task needs them in the output.
        """
        intake = self.intake
        if positions and not intake.positions:
            raise ConfigError(
                f"backbone={self.name}: returns one vector for a whole input, but this task labels "
                "every position; choose a backbone that keeps positions"
            )
        for form in intake.forms:
            if form in offered:
                return form
        takes, has = (", ".join(f.value for f in forms) for forms in (intake.forms, offered))
        raise ConfigError(
            f"backbone={self.name}: takes {takes}, but the input of this task can be {has}; "
            "choose another backbone or task"
        )

    def __call__(self, spec: Spec) -> Backbone:
        """Build the backbone for inputs of this shape."""
        return self.kind(spec, **self.options)


class Stem(nn.Module):
    """The input layer: turns a batch into the form that the backbone takes. `spec` is its shape.

    fold: side of the blocks of a picture (an image, a spectrogram) that a grid has as channels, as
        `pixel_unshuffle` lays them out.
    sample_rate: samples per second of the waves it reads, where it does.
    """

    spec: Spec
    fold: int = 1
    sample_rate: int | None = None

    @abstractmethod
    def forward(self, batch: Batch) -> Sequence | Grid | Tokens | Wave:
        """Return the batch in the form that `spec` declares."""


class PooledHead(nn.Module):
    """Output layer for one label per example: pool over real positions, dropout, linear.

    features: D of what the backbone returns. classes: K. dropout: share of features dropped.
    pool: "mean", "max" (Collobert et al. 2011: each feature where it is strongest), or "both", one
        beside the other (Howard and Ruder 2018, section 3.3).
    """

    def __init__(
        self, features: int, classes: int, *, dropout: float = 0.0, pool: str = "mean"
    ) -> None:
        super().__init__()
        pools = {"mean": [masked_mean], "max": [masked_max], "both": [masked_mean, masked_max]}
        self.pools = pools[pool]
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(len(self.pools) * features, classes)

    def forward(self, inputs: Sequence) -> Tensor:
        """Return logits (B, K)."""
        pooled_BD = torch.cat([pool(inputs) for pool in self.pools], 1)
        return self.output(self.dropout(pooled_BD))  # type: ignore[no-any-return]


class FrameHead(nn.Module):
    """Output layer for one label per position (CTC): dropout, linear.

    features: D of what the backbone returns. classes: K. dropout: share of features dropped.
    """

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
    """Return the mask (B, T) that is True at the first `length` positions of each example.

    length_B: int64. positions: T.
    """
    return torch.arange(positions, device=length_B.device) < length_B.unsqueeze(1)
