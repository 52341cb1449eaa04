"""The training loop, the same for every task: forward, backward, step, and now and then a look.

It knows neither modality nor tracker: batches and losses come from the task, numbers leave through
`emit`, and time is kept by the meter.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from suite.config import AUTO, TrainerConfig
from suite.data.counter import step_seed
from suite.errors import ConfigError, TrainingError
from suite.stop import Stop
from suite.task import Batch, Task
from suite.training.average import Average
from suite.training.buffers import Buffers
from suite.training.checkpoint import Checkpoints, Saved
from suite.training.convergence import Convergence
from suite.training.course import Agreed, Course, Outcome
from suite.training.divergence import Divergence, ended_by_divergence, look
from suite.training.judge import validate
from suite.training.keeper import Keeper
from suite.training.nonfinite import is_sound, logged, sees_at_once
from suite.training.optimizers import Optimizers
from suite.training.parallel import Engine
from suite.training.pieces import gradient
from suite.training.precision import Precision, clip_gradient
from suite.training.schedules import Schedule
from suite.training.weights import Best
from suite.world import World


class Meter(Protocol):
    """What the loop needs of a meter. Between `resume` and `pause` the training clock runs."""

    @property
    def running(self) -> bool:
        """Whether the training clock runs."""

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

    def whole(self, examples: int, units: float) -> None:
        """Take notice of what went through all processes in the last step."""

    def interval(self) -> Mapping[str, float]:
        """Return figures since the last call, by name."""

    def state_dict(self) -> dict[str, Any]:
        """Return the clocks and all that was counted, as tensors and plain values."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""


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
class Training:
    """The parts of one training run.

    best: keeps the best weights. checkpoints: keeps all that a killed run goes on from; None does
        not. saved: what this one goes on from; None begins.
    stop: what signals ask for. position: makes what was emitted durable; returns how much it is.
    note: told what is done beside steps: "evaluation" at each of its batches, "checkpoint".
    identity: what must be the same for a checkpoint to fit, by name: the data's fingerprint, say.
    engine: what trains the model: alone, or with other processes, perhaps through torch.compile.
        All else sees the model itself: evaluation would compile anew for its shapes.
    """

    task: Task
    model: nn.Module
    engine: Engine
    optimizers: Optimizers
    schedule: Schedule
    config: TrainerConfig
    precision: Precision
    meter: Meter
    emit: Emit
    best: Best
    seed: int
    checkpoints: Checkpoints | None = None
    saved: Saved | None = None
    stop: Stop = field(default_factory=Stop)
    position: Callable[[], int] = lambda: 0
    note: Callable[[str], None] = lambda doing: None
    identity: Mapping[str, str] = field(default_factory=dict)
    profile: Profile = field(default_factory=Unprofiled)

    @property
    def world(self) -> World:
        """The processes that train together."""
        return self.engine.world


def fit(run: Training) -> Outcome:
    """Train until the length, the target, convergence or the time limit is reached.

    Raises `Interrupted`, with a checkpoint written, where a signal asks for it.
    """
    course = _course(run)
    keeper = Keeper(run, course)
    keeper.restore()
    outcome = course.outcome
    batches = batches_of(run, skip=outcome.steps * run.config.accumulate)
    total, evaluate_every = length_in_steps(run.task, run.config)
    run.model.train()
    with run.stop.deferred(), keeper.writing():
        if not outcome.pending:
            run.meter.resume()
        while not outcome.stopped:
            if not outcome.pending:
                train_step(run, course, batches, total, evaluate_every)
            keeper.look()
            if outcome.pending:
                reason = keeper.undisturbed(partial(validate, run, course))
                if reason is None:
                    continue
                at_end = "length" if outcome.steps == total else ended_by_divergence(run, course)
                outcome.stopped = reason or ("time" if course.agreed.late else at_end)
                outcome.pending = False
                if not outcome.stopped:
                    run.meter.resume()
        run.profile.close()
        keeper.close()
    return outcome


def train_step(
    run: Training, course: Course, batches: Iterator[Batch], total: int, evaluate_every: int
) -> None:
    """Train one step, and log it where that is due; note where validation is.

    total, evaluate_every: steps of the run, and from one validation to the next.
    """
    config, meter, part, outcome = run.config, run.meter, run.profile.part, course.outcome
    step = outcome.steps + 1
    run.profile.begin(step)
    begin = partial(_begin, run, course, step)
    begin()
    factor = run.schedule((step - 0.5) / total)
    run.optimizers.scale_rates(factor)
    with part("data"):
        taken = meter.take(batches, config.accumulate)
    summed, count = gradient(run, course, taken, accumulate, begin)
    with part("optimizer"):
        norm = clip_gradient(run.model, config.clip_norm)
        if is_sound(run, course, taken, summed, norm):
            course.logged.add(summed, count)
            run.precision.step(run.optimizers)
            course.average.update()
        run.optimizers.zero_grad()
    outcome.steps = step
    meter.step(taken)
    agree(run, course, taken)
    outcome.pending = step % evaluate_every == 0 or step == total or course.agreed.late
    if step % config.log_every == 0 or outcome.pending:
        meter.pause()
        with part("logging"):
            values = logged(run, course, norm)
            rates = {"train/learning_rate_factor": factor, **meter.interval()}
            run.emit(step, {**values, **rates})
            outcome.pending = look(run, course, values) or outcome.pending
        if not outcome.pending:
            meter.resume()


def _course(run: Training) -> Course:
    convergence = Convergence(
        direction=run.task.target.direction,
        patience=run.config.convergence.patience,
        minimum_gain=run.config.convergence.minimum_gain,
    )
    config = run.config
    may_be_undone = sees_at_once(run) or config.micro_batch == AUTO
    return Course(
        Average(run.model, config.ema_decay),
        convergence,
        Divergence(config.divergence),
        before=Buffers(run.model) if may_be_undone else None,
    )


def _begin(run: Training, course: Course, step: int) -> None:
    """Begin a step, or begin it once more."""
    seed_step(run, step)
    if course.before is not None:
        course.before.keep()


def batches_of(run: Training, skip: int) -> Iterator[Batch]:
    """Return this process's share of the training batches from number `skip` on."""
    world = run.world
    if world.alone:
        return run.task.train_batches(seed=run.seed, skip=skip)
    if run.config.batch_size < world.size:
        raise ConfigError(
            f"trainer.batch_size={run.config.batch_size}: is shared by {world.size} processes; "
            "give each at least one example"
        )
    if run.config.micro_batch is not None:
        raise ConfigError(
            f"trainer.micro_batch={run.config.micro_batch}: not where {world.size} processes share "
            "a batch; use null, a smaller trainer.batch_size and a larger trainer.accumulate"
        )
    return run.task.share_of_training(seed=run.seed, skip=skip, rank=world.rank, size=world.size)


def seed_step(run: Training, step: int) -> None:
    """Seed what the model draws in a step.

    It (dropout) is a function of seed and step, like everything else.
    """
    seed_draws(run.precision.device, step_seed(run.seed, step, run.world.rank))


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
    engine, world = run.engine, run.world
    totals: list[Tensor] = []
    # All processes have to divide by the same number, and each knows its own counts alone.
    count, divisor = 0, 0 if world.alone else run.config.batch_size * len(batches)
    for number, batch in enumerate(batches, 1):
        with engine.accumulating(number == len(batches)):
            with run.profile.part("forward"), run.precision.autocast():
                loss = run.task.loss(engine.forward, batch)
            divisor = divisor or max(loss.count * len(batches), 1)
            with run.profile.part("backward"):
                run.precision.backward(loss.total / divisor)
        totals.append(loss.total.detach())
        count += loss.count
    run.precision.unscale(run.optimizers)
    summed = sum(totals[1:], start=totals[0])
    if not world.alone:
        wrong = sees_at_once(run) and not math.isfinite(float(summed))
        told, any_wrong = world.sum([count, wrong])
        count = int(told)
        if any_wrong:  # in one of them: none takes the step
            summed = summed + math.nan
    # Gradients of several processes are averaged, not added up.
    factor = divisor * world.size / max(count, 1)
    if factor != 1:
        gradients = [p.grad for p in run.model.parameters() if p.grad is not None]
        torch._foreach_mul_(gradients, factor)
    return summed, count


def agree(run: Training, course: Course, taken: Sequence[Batch]) -> None:
    """Have all processes know what went through them in a step, and what any of them wants."""
    outcome, world, checkpoints = course.outcome, run.world, run.checkpoints
    examples, units = sum(b.examples for b in taken), sum(b.units for b in taken)
    limit = run.config.max_seconds
    late = limit is not None and run.meter.training_seconds >= limit
    due = checkpoints is not None and checkpoints.due(outcome.steps)
    stop = run.stop.asked
    if not world.alone:
        # One clock decides, that of the process that leads.
        lead = float(world.leads)
        told = world.sum([examples, units, stop, late * lead, due * lead])
        examples, units = int(told[0]), told[1]
        stop, late, due = map(bool, told[2:])
        run.meter.whole(examples, units)
    outcome.examples += examples
    outcome.units += units
    course.agreed = Agreed(stop, late, due)


def length_in_steps(task: Task, config: TrainerConfig) -> tuple[int, int]:
    """Return the optimizer steps of the run, and those from one validation to the next."""
    batches = task.batches_per_epoch()
    per_epoch = 1.0 if batches is None else max(batches / config.accumulate, 1.0)
    if config.steps is None and batches is None:
        raise TrainingError(
            f"trainer.epochs={config.epochs}: task {task.name} has no epochs; give trainer.steps=…"
        )
    steps = config.steps or math.ceil((config.epochs or 0) * per_epoch)
    if config.evaluations is not None:
        # Rounded up: a last, shorter stretch beside the end would be one look more.
        return steps, math.ceil(steps / config.evaluations)
    return steps, max(round(config.evaluate_every * per_epoch), 1)
