"""The training loop, the same for every task: forward, backward, step, and now and then a look.

It knows neither modality nor tracker: batches and losses come from the task, numbers leave through
`emit`, and time is kept by the meter.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from suite.config import TrainerConfig
from suite.data.counter import step_seed
from suite.errors import TrainingError
from suite.task import Batch, Split, Target, Task
from suite.training.average import Average
from suite.training.checkpoint import Checkpoints
from suite.training.convergence import Convergence
from suite.training.evaluation import evaluate
from suite.training.optimizers import Optimizers
from suite.training.precision import Precision, clip_gradient
from suite.training.schedules import Schedule


class Meter(Protocol):
    """What the loop needs of a meter. Between `resume` and `pause` the training clock runs."""

    @property
    def training_seconds(self) -> float:
        """Seconds on the training clock."""

    @property
    def wall_seconds(self) -> float:
        """Seconds since the run began."""

    @property
    def joules(self) -> float | None:
        """Joules spent on the training clock until it last stopped; None where unknown."""

    def resume(self) -> None:
        """Start the training clock, with the device idle."""

    def pause(self) -> None:
        """Stop the training clock, with the device idle."""

    def take(self, batches: Iterator[Batch], count: int) -> list[Batch]:
        """Return the next batches; the time until they are there is that of waiting for data."""

    def step(self, taken: Sequence[Batch]) -> None:
        """Count one optimizer step, on these batches."""

    def interval(self) -> Mapping[str, float]:
        """Return figures since the last call, by name."""


class Profile(Protocol):
    """What the loop tells of where it is: at the beginning of a step, and around its parts."""

    def begin(self, step: int) -> None:
        """Take notice that a step begins."""

    def part(self, name: str) -> AbstractContextManager[None]:
        """Return the context of a part: data, forward, backward, optimizer or logging."""

    def close(self) -> None:
        """Take notice that training has ended."""


class Unprofiled:
    """No profile, at next to no cost."""

    _nothing = nullcontext()

    def begin(self, step: int) -> None:
        """Do nothing."""

    def part(self, name: str) -> AbstractContextManager[None]:
        """Return a context that does nothing."""
        return self._nothing

    def close(self) -> None:
        """Do nothing."""


Emit = Callable[[int, Mapping[str, float]], None]
"""Takes a step and values by name."""


@dataclass(kw_only=True)
class Outcome:
    """How a run went. `best` are the validation metrics of the weights that were kept."""

    steps: int = 0
    examples: int = 0
    units: float = 0.0
    stopped: str = "length"
    best_step: int = 0
    best: dict[str, float] = field(default_factory=dict)
    reached: dict[str, float] | None = None


@dataclass(kw_only=True)
class Training:
    """The parts of one training run.

    compiled: the same model through torch.compile, for the forward passes of training; None does
        without. All else sees the model itself: evaluation would compile anew for its shapes.
    """

    task: Task
    model: nn.Module
    optimizers: Optimizers
    schedule: Schedule
    config: TrainerConfig
    precision: Precision
    meter: Meter
    emit: Emit
    checkpoints: Checkpoints
    seed: int
    profile: Profile = field(default_factory=Unprofiled)
    compiled: nn.Module | None = None


def fit(run: Training) -> Outcome:
    """Train until the length, the target, convergence or the time limit is reached."""
    config, model, meter, part = run.config, run.model, run.meter, run.profile.part
    total, evaluate_every = length_in_steps(run.task, config)
    average = Average(model, config.ema_decay)
    judge = Judge(run, average)
    outcome = judge.outcome
    batches = run.task.train_batches(seed=run.seed)
    logged = LoggedLoss()
    model.train()
    meter.resume()
    for step in range(1, total + 1):
        run.profile.begin(step)
        # What the model draws (dropout) is a function of seed and step, like everything else.
        seed_draws(run.precision.device, step_seed(run.seed, step))
        factor = run.schedule((step - 0.5) / total)
        run.optimizers.scale_rates(factor)
        with part("data"):
            taken = meter.take(batches, config.accumulate)
        logged.add(*accumulate(run, taken))
        with part("optimizer"):
            norm = clip_gradient(model, config.clip_norm)
            run.precision.step(run.optimizers)
            run.optimizers.zero_grad()
            average.update()
        outcome.steps = step
        outcome.examples += sum(batch.examples for batch in taken)
        outcome.units += sum(batch.units for batch in taken)
        meter.step(taken)
        due = step % evaluate_every == 0 or step == total
        late = config.max_seconds is not None and meter.training_seconds >= config.max_seconds
        if step % config.log_every == 0 or due or late:
            meter.pause()
            with part("logging"):
                values = {"train/loss": logged.mean(step), "train/learning_rate_factor": factor}
                if norm is not None:
                    values["train/gradient_norm"] = float(norm)
                run.emit(step, {**values, **meter.interval()})
            if due or late:
                stop = judge.validate(step)
                outcome.stopped = stop or ("time" if late else outcome.stopped)
                if stop or late:
                    break
            meter.resume()
    meter.pause()
    run.profile.close()
    run.checkpoints.keep_last(
        model, {"step": outcome.steps, "optimizers": run.optimizers.state_dict()}
    )
    return outcome


def seed_draws(device: torch.device, seed: int) -> None:
    """Seed what the model draws on the host and on the device.

    `torch.manual_seed` would do, but where CUDA is not in use it notes the whole call stack for
    later, at every call: half a millisecond, and memory that is never given back.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def accumulate(run: Training, batches: list[Batch]) -> tuple[Tensor, int]:
    """Leave the gradient of the mean loss over all examples of these batches; return sum and count.

    A batch's count is known only with its loss, so gradients are of sums over the first batch's
    share until all have been seen, and are brought to the exact mean then.
    """
    model = run.model if run.compiled is None else run.compiled
    totals: list[Tensor] = []
    count, divisor = 0, 0
    for batch in batches:
        with run.profile.part("forward"), run.precision.autocast():
            loss = run.task.loss(model, batch)
        divisor = divisor or max(loss.count * len(batches), 1)
        with run.profile.part("backward"):
            run.precision.backward(loss.total / divisor)
        totals.append(loss.total.detach())
        count += loss.count
    run.precision.unscale(run.optimizers)
    if count != divisor:
        gradients = [p.grad for p in run.model.parameters() if p.grad is not None]
        torch._foreach_mul_(gradients, divisor / max(count, 1))
    return sum(totals[1:], start=totals[0]), count


def length_in_steps(task: Task, config: TrainerConfig) -> tuple[int, int]:
    """Return the optimizer steps of the run, and those from one validation to the next."""
    batches = task.batches_per_epoch()
    per_epoch = 1.0 if batches is None else max(batches / config.accumulate, 1.0)
    if config.steps is None and batches is None:
        raise TrainingError(
            f"trainer.epochs={config.epochs}: task {task.name} has no epochs; give trainer.steps=…"
        )
    steps = config.steps or math.ceil((config.epochs or 0) * per_epoch)
    return steps, max(round(config.evaluate_every * per_epoch), 1)


class LoggedLoss:
    """Keeps the losses on the device, so that the host waits, and adds up, only when it reads."""

    def __init__(self) -> None:
        self.totals: list[Tensor] = []
        self.count = 0

    def add(self, total: Tensor, count: int) -> None:
        """Take in one step: the sum of the loss, and what it sums over."""
        self.totals.append(total)
        self.count += count

    def mean(self, step: int) -> float:
        """Return the mean since the last call; raise where it is not a number."""
        whole = 0.0
        for total in torch.stack(self.totals).tolist():
            whole += total
        mean = whole / max(self.count, 1)
        self.totals.clear()
        self.count = 0
        if not math.isfinite(mean):
            raise TrainingError(
                f"the training loss is {mean} at step {step}: lower optimizer.lr, "
                "or set trainer.clip_norm"
            )
        return mean


class Judge:
    """Validates, keeps the best weights, and says when to stop."""

    def __init__(self, run: Training, average: Average) -> None:
        self.run = run
        self.average = average
        self.outcome = Outcome()
        convergence = run.config.convergence
        self.convergence = Convergence(
            direction=run.task.target.direction,
            patience=convergence.patience,
            minimum_gain=convergence.minimum_gain,
        )

    def validate(self, step: int) -> str | None:
        """Return why to stop after this step ("target", "convergence"), or None to go on."""
        run, outcome = self.run, self.outcome
        with self.average.applied():
            values, _ = evaluate(run.task, run.model, Split.VALIDATION, run.precision)
            if self._best_yet(values):
                outcome.best, outcome.best_step = values, step
                run.checkpoints.keep_best(run.model)
        clocks = {
            "time/training_seconds": run.meter.training_seconds,
            "time/wall_seconds": run.meter.wall_seconds,
        }
        run.emit(step, {**{f"validation/{k}": v for k, v in values.items()}, **clocks})
        if outcome.reached is None and run.task.target.reached(_watched(run.task.target, values)):
            outcome.reached = {"step": step, "examples": outcome.examples}
            outcome.reached |= {k.split("/")[1]: v for k, v in clocks.items()}
            if run.meter.joules is not None:
                outcome.reached["joules"] = run.meter.joules
        converged = self.convergence.reached(values[run.task.primary])
        if run.config.stop_at_target and outcome.reached is not None:
            return "target"
        if run.config.convergence.enabled and converged:
            return "convergence"
        return None

    def _best_yet(self, values: Mapping[str, float]) -> bool:
        """Compare the primary metric; of equals the lower loss is better."""
        best, task = self.outcome.best, self.run.task
        if not best:
            return True
        value, incumbent = values[task.primary], best[task.primary]
        if value == incumbent:
            return values["loss"] < best["loss"]
        return task.target.direction.better(value, incumbent)


def _watched(target: Target, values: Mapping[str, float]) -> float:
    if target.metric not in values:
        known = ", ".join(sorted(values))
        raise TrainingError(f"target metric {target.metric} is not among the metrics: {known}")
    return values[target.metric]
