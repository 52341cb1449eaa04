"""Makes a step of a run again: from what was kept of it, or by training up to it exactly.

Nothing is written to the run's folder; it may be running.
"""

import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch

from suite.config import HandMadeConfig, OnNonfinite, RunConfig
from suite.errors import ConfigError, DataError, TrainingError
from suite.hardware.device import choose_device, prepare_process
from suite.hardware.meter import Meter
from suite.resumption import begun_of, configured, folder_of
from suite.run import build_model, build_optimizers, build_schedule, build_task
from suite.task import Batch
from suite.training import evidence
from suite.training.checkpoint import Checkpoints
from suite.training.determinism import hold
from suite.training.inspection import Inspection, inspect
from suite.training.loop import Training, fit, length_in_steps
from suite.training.parallel import Alone
from suite.training.precision import Precision
from suite.training.weights import Best, put_back


@dataclass(frozen=True)
class Replayed:
    """A step made again. told: what was found of it when it was made. source: of its weights."""

    found: Inspection
    told: str
    source: str
    training: Training

    @property
    def number(self) -> str:
        """The number format that it ran in."""
        precision = self.training.precision
        products = "" if precision.products == precision.number.value else precision.products
        return precision.number.value + (f", products in {products}" if products else "")


class _Reached(Exception):
    """Training has come to the step that is wanted."""


class _UpTo:
    """Ends training where a step begins."""

    def __init__(self, step: int) -> None:
        self._step = step

    def begin(self, step: int) -> None:
        if step == self._step:
            raise _Reached

    def part(self, name: str) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        pass


def replay(results: Path, name: str, step: int | None) -> Replayed:
    """Make a step of a run again; None is the last one of which something was kept."""
    folder = folder_of(results, name)
    begun = begun_of(folder)
    config = configured(folder, begun)
    processes = 1 if begun is None else int(begun.machine.get("processes", 1))
    if processes > 1:
        raise ConfigError(
            f"{folder.name}: {processes} processes made its steps, of which one alone makes others "
            "in their last bits, and draws other dropout; resume it without torchrun first"
        )
    wanted = step if step is not None else evidence.newest(folder)
    if wanted is None:
        raise DataError(
            f"{folder.name}: no step of it had a loss or gradient that is not finite; give one to "
            "look at, --step N"
        )
    with tempfile.TemporaryDirectory() as scratch:
        training = _training(config, folder, Path(scratch))
        steps, _ = length_in_steps(training.task, config.trainer)
        if not 0 < wanted <= steps:
            raise ConfigError(f"--step {wanted}: {folder.name} has steps 1 to {steps}")
        kept = evidence.read(folder, wanted)
        if kept is None or kept.weights is None:
            return _trained(training, config, folder, wanted)
        return _of(training, kept, "kept with the run")


def _of(training: Training, kept: evidence.Evidence, source: str) -> Replayed:
    """Make a step again from what was kept of it."""
    assert kept.weights is not None
    put_back(training.model, kept.weights, Path(f"step {kept.step}"))
    batches = [batch.to(training.precision.device) for batch in kept.batches]
    found = inspect(training, batches, kept.step, kept.part_size)
    return Replayed(found, kept.told, source, training)


def _trained(training: Training, config: RunConfig, folder: Path, step: int) -> Replayed:
    """Train exactly as the run did until the step begins, and make that."""
    saved = Checkpoints(folder, config.trainer.checkpoint).before(step)
    start = 0 if saved is None else saved.step
    source = "trained again from " + ("the start" if saved is None else f"checkpoint {start}")
    if step - start > 1:
        print(f"training again from step {start} to {step - 1}", file=sys.stderr)
    training = replace(training, saved=saved, profile=_UpTo(step))
    try:
        outcome = fit(training)
    except _Reached:
        count = config.trainer.accumulate
        taken = training.task.train_batches(seed=config.seed, skip=(step - 1) * count)
        batches: list[Batch] = list(islice(taken, count))
        most = config.trainer.micro_batch
        found = inspect(training, batches, step, most if isinstance(most, int) else None)
        return Replayed(found, "", source, training)
    except TrainingError as error:
        # A step before it went wrong: that is where to look.
        earlier = evidence.newest(training.best.path.parent)
        kept = None if earlier is None else evidence.read(training.best.path.parent, earlier)
        if kept is None or kept.weights is None:
            raise error
        return _of(training, kept, source)
    raise ConfigError(
        f"--step {step}: {folder.name} ended with step {outcome.steps} ({outcome.stopped})"
    )


def _training(config: RunConfig, folder: Path, scratch: Path) -> Training:
    """Return the run's training, with nothing that would leave a trace of it."""
    if isinstance(config.backbone, HandMadeConfig):
        raise ConfigError(f"{folder.name}: its model is fitted on hand-made features, in no steps")
    device = choose_device(config.hardware)
    prepare_process(config.hardware, device)
    task = build_task(config, device)
    fingerprint = task.card().fingerprint
    model = build_model(config, task, device)
    precision = Precision(config.precision, device)
    hold(task, model, precision, seed=config.seed, micro_batch=config.trainer.micro_batch)
    trainer = config.trainer
    if device.type != "cpu" and trainer.on_nonfinite is OnNonfinite.stop:
        # So that it is seen in its step.
        trainer = replace(trainer, on_nonfinite=OnNonfinite.skip, max_nonfinite=0)
    return Training(
        task=task,
        model=model,
        engine=Alone(model),
        optimizers=build_optimizers(config, model),
        schedule=build_schedule(config),
        config=trainer,
        precision=precision,
        meter=Meter(torch.device(device)),
        emit=lambda step, values: None,
        best=Best(scratch / folder.name),
        seed=config.seed,
        identity={"the data's fingerprint": fingerprint},
    )
