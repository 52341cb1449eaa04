"""How long and how to train."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import ClassVar

from suite.config.machine import AUTO
from suite.config.node import Node
from suite.errors import ConfigError


@dataclass(kw_only=True)
class ConvergenceConfig(Node):
    """A run has converged when `patience` evaluations in a row bring no gain."""

    group: ClassVar[str] = "trainer.convergence"

    enabled: bool = False
    """Stop at convergence."""
    patience: int = 5
    """Evaluations without a gain that make convergence."""
    minimum_gain: float = 0.001
    """A gain is an improvement of the primary metric by more than this."""

    def __post_init__(self) -> None:
        self.require_positive("patience")
        self.require("minimum_gain", self.minimum_gain >= 0, "0 or above")


@dataclass(kw_only=True)
class CheckpointConfig(Node):
    """When a run writes all that it goes on from after a kill. At a signal it does so anyway."""

    group: ClassVar[str] = "trainer.checkpoint"

    every_steps: int | None = None
    """Optimizer steps from one checkpoint to the next; null goes by the clock alone."""
    every_minutes: float | None = 2.0
    """Minutes from one checkpoint to the next, which a kill costs at most; null goes by steps
    alone. The training clock stands meanwhile."""

    def __post_init__(self) -> None:
        self.require_positive("every_steps", "every_minutes")


class OnNonfinite(enum.Enum):
    """What to do with a step whose loss or gradient is not a finite number."""

    stop = "stop"
    skip = "skip"


class DataStall(enum.Enum):
    """How the time that data costs is measured."""

    direct = "direct"
    differential = "differential"


@dataclass(kw_only=True)
class TrainerConfig(Node):
    """How long and how to train."""

    group: ClassVar[str] = "trainer"

    epochs: float | None = 10.0
    """Length in passes over the training split; null where `steps` is given."""
    steps: int | None = None
    """Length in optimizer steps; wins over `epochs`."""
    max_seconds: float | None = None
    """Stop when the training clock has run for so long."""
    batch_size: int = 64
    """Examples of one forward pass."""
    eval_batch_size: int = 256
    """Examples of one forward pass in evaluation."""
    accumulate: int = 1
    """Forward passes to one optimizer step."""
    micro_batch: int | str | None = None
    """Largest number of examples in one forward pass of training: larger batches are cut, and their
    gradients add up to that of the whole, so that batches, order and steps stay what they are. auto
    begins with whole batches and halves them where memory runs out; null never cuts. Sums are
    rounded otherwise for every number, dropout is drawn otherwise, and batch normalisation sees the
    examples of a part alone."""
    clip_norm: float | None = 1.0
    """Largest norm of the whole gradient; null does not clip."""
    on_nonfinite: OnNonfinite = OnNonfinite.stop
    """A loss or gradient that is not finite stops the run, or the step is skipped: it counts, but
    weights, optimizer and average stay as they were. On the CPU it is seen in its step, before the
    weights are; on CUDA with stop when it is logged, since the device is not waited for, and with
    skip in its step, which waits once a step. What loss scaling skips in fp16 is no error."""
    max_nonfinite: int = 10
    """Steps of a run that may be skipped; one more stops it."""
    ema_decay: float | None = None
    """Decay of the moving average of weights that is evaluated and kept; null has none."""
    evaluate_every: float = 1.0
    """Epochs (steps, where the task has no epochs) from one validation to the next."""
    evaluations: int | None = None
    """Validations, evenly spread over the run; wins over `evaluate_every`. Runs of equally many
    steps on more or less data are then looked at equally often."""
    log_every: int = 10
    """Steps from one line of training metrics to the next."""
    profile: bool = False
    """Profile ten steps: a table of where their time goes, and a trace for chrome://tracing or
    Perfetto, profile/trace.json in the run's folder."""
    data_stall: DataStall = DataStall.direct
    """direct: the share of time in which the loop waits for its next batch. differential: beside
    it, before training, what preparing and fetching batches costs, by steps with batches at hand,
    from the page cache and from the disk."""
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    divergence: float | None = 3.0
    """Warn where the training loss stays above so many times its first value for ten logs in a row,
    or, once it was below the first by this factor, at the first value again; null never."""
    stop_at_divergence: bool = False
    """Stop there, too; the best weights are tested as ever."""
    stall_seconds: float | None = 600.0
    """Warn where no part of a step, batch of an evaluation or checkpoint comes to its end for so
    long, and with what the run is doing; all stacks go to watchdog.txt in its folder. null does
    not."""
    hang_seconds: float | None = None
    """End the process where that lasts so long, with exit code 2; the run goes on from its last
    checkpoint when it is resumed. null never does."""
    stop_at_target: bool = False
    """Stop when validation reaches the task's target."""
    convergence: ConvergenceConfig = field(default_factory=ConvergenceConfig)

    def __post_init__(self) -> None:
        self.require_positive(
            "epochs", "steps", "max_seconds", "batch_size", "eval_batch_size", "accumulate",
            "clip_norm", "evaluate_every", "evaluations", "log_every", "stall_seconds",
            "hang_seconds",
        )  # fmt: skip
        self._check_micro_batch()
        self.require("max_nonfinite", self.max_nonfinite >= 0, "0 or above")
        factor = self.divergence
        self.require("divergence", factor is None or factor > 1, "above 1, or null")
        stops = self.stop_at_divergence and factor is None
        self.require("stop_at_divergence", not stops, "false where trainer.divergence=null")
        decay = self.ema_decay
        self.require("ema_decay", decay is None or 0 < decay < 1, "between 0 and 1, or null")
        if self.epochs is None and self.steps is None:
            raise ConfigError("trainer.epochs=null trainer.steps=null: give one of them")

    def _check_micro_batch(self) -> None:
        given = self.micro_batch
        if isinstance(given, str) and given.isdecimal():
            given = self.micro_batch = int(given)
        sound = given in (None, AUTO) or (type(given) is int and given > 0)
        self.require("micro_batch", sound, "above 0, auto or null")
