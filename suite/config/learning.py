"""Options of losses, optimizers and schedules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from suite.config.node import Node


@dataclass(kw_only=True)
class LossConfig(Node):
    """A loss without options."""

    group: ClassVar[str] = "loss"

    _target_: str = ""
    """Dotted path of the loss class."""


@dataclass(kw_only=True)
class CrossEntropyConfig(LossConfig):
    """Cross-entropy."""

    _target_: str = "suite.training.losses.CrossEntropy"
    smoothing: float = 0.0
    """Share of the target spread evenly over all classes."""

    def __post_init__(self) -> None:
        self.require_fraction("smoothing")


@dataclass(kw_only=True)
class MSEConfig(LossConfig):
    """Mean squared error on real targets, or on one-hot labels."""

    _target_: str = "suite.training.losses.MeanSquaredError"


@dataclass(kw_only=True)
class CTCConfig(LossConfig):
    """Connectionist temporal classification."""

    _target_: str = "suite.training.losses.CTC"


@dataclass(kw_only=True)
class OptimizerConfig(Node):
    """Options that every optimizer has."""

    group: ClassVar[str] = "optimizer"
    came_later: ClassVar[tuple[str, ...]] = ("base_width",)

    _target_: str = ""
    """Dotted path of the function that builds it."""
    lr: float = 1e-3
    """Learning rate at the schedule's peak."""
    weight_decay: float = 0.0
    """Weight decay of matrices and kernels; biases and normalisations have none."""
    layer_decay: float = 1.0
    """Learning rate of a layer as a share of that of the layer above it, from the head, which has
    `lr`, down to the input (Clark et al. 2020, Bao et al. 2022); 1 is the same for all."""
    base_width: int | None = None
    """Width (`backbone.width`) that `lr` was found at: a model of another width gets the first
    weights and the learning rates with which it learns alike (µP, Yang et al. 2022; see
    docs/scaling.md). null has the same rates at every width."""

    def __post_init__(self) -> None:
        self.require_positive("lr", "base_width")
        self.require("layer_decay", 0 < self.layer_decay <= 1, "above 0, at most 1")
        self.require("weight_decay", self.weight_decay >= 0, "0 or above")


@dataclass(kw_only=True)
class SGDConfig(OptimizerConfig):
    """Stochastic gradient descent."""

    _target_: str = "suite.training.optimizers.sgd"
    lr: float = 0.1
    momentum: float = 0.9
    """Share of the last update kept."""
    nesterov: bool = True
    """Look ahead along the momentum."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("momentum")
        sound = not self.nesterov or self.momentum > 0
        self.require("nesterov", sound, "false where optimizer.momentum=0")


@dataclass(kw_only=True)
class AdamConfig(OptimizerConfig):
    """Adam; its weight decay is an L2 penalty."""

    _target_: str = "suite.training.optimizers.adam"
    beta1: float = 0.9
    """Decay of the mean of gradients."""
    beta2: float = 0.999
    """Decay of the mean of squared gradients."""
    eps: float = 1e-8
    """Added to the root of the second mean."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("beta1", "beta2")
        self.require_positive("eps")


@dataclass(kw_only=True)
class AdamWConfig(AdamConfig):
    """Adam with decoupled weight decay."""

    _target_: str = "suite.training.optimizers.adamw"
    weight_decay: float = 0.01


@dataclass(kw_only=True)
class MuonConfig(OptimizerConfig):
    """Muon for hidden matrices, AdamW for the rest."""

    _target_: str = "suite.training.optimizers.muon"
    lr: float = 0.02
    weight_decay: float = 0.01
    momentum: float = 0.95
    """Share of the last update kept."""
    adamw_lr: float = 1e-3
    """Learning rate of AdamW for stem, head, biases and normalisations."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("momentum")
        self.require_positive("adamw_lr")


@dataclass(kw_only=True)
class ScheduleConfig(Node):
    """Options that every schedule has. All lengths are shares of the run."""

    group: ClassVar[str] = "schedule"

    _target_: str = ""
    """Dotted path of the schedule."""
    warmup: float = 0.0
    """Share of the run in which the learning rate rises."""
    final: float = 0.0
    """Learning rate at the end, as a share of the peak."""

    def __post_init__(self) -> None:
        self.require_fraction("warmup")
        self.require("final", 0 <= self.final <= 1, "between 0 and 1")


@dataclass(kw_only=True)
class ConstantConfig(ScheduleConfig):
    """The same learning rate after the warm-up; `final` has no part in it."""

    _target_: str = "suite.training.schedules.Constant"
    final: float = 1.0


@dataclass(kw_only=True)
class CosineConfig(ScheduleConfig):
    """Linear warm-up, then half a cosine."""

    _target_: str = "suite.training.schedules.Cosine"
    warmup: float = 0.05


@dataclass(kw_only=True)
class OneCycleConfig(ScheduleConfig):
    """Half a cosine up, half a cosine down."""

    _target_: str = "suite.training.schedules.OneCycle"
    warmup: float = 0.3


@dataclass(kw_only=True)
class TrapezoidConfig(ScheduleConfig):
    """Linear warm-up, constant, linear decay."""

    _target_: str = "suite.training.schedules.Trapezoid"
    warmup: float = 0.1
    decay: float = 0.3
    """Share of the run in which the learning rate falls."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_fraction("decay")
        self.require("decay", self.decay + self.warmup <= 1, "at most 1 - schedule.warmup")
