"""Takes a batch through the model in parts that fit into memory.

Losses are sums with counts, so the gradients of the parts add up to that of the whole. What a
batch's model draws (dropout), and the statistics of batch normalisation, are those of each part.
"""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from suite.config import AUTO
from suite.task import Batch
from suite.training.course import Course
from suite.training.exhausted import exhausted, in_training, memory_ran_out

if TYPE_CHECKING:
    from suite.training.loop import Training

T = TypeVar("T")
Accumulate = Callable[["Training", list[Batch]], tuple[Tensor, int]]


def gradient(
    run: "Training",
    course: Course,
    taken: list[Batch],
    accumulate: Accumulate,
    begin: Callable[[], None],
) -> tuple[Tensor, int]:
    """Leave the gradient of these batches' mean loss; return its sum and count.

    accumulate: does so for batches as they are. begin: what a step begins with, before it is tried
    once more, in smaller parts, where memory ran out and `trainer.micro_batch=auto` allows it.
    Raises `TrainingError` where it ran out.
    """
    halved = False
    while True:
        error: BaseException | None = None
        parts = list(in_parts(taken, part_size(run, course)))
        try:
            done = accumulate(run, parts)
        except (MemoryError, RuntimeError) as raised:
            if not memory_ran_out(raised):
                raise
            error = raised
        else:
            if halved:
                _tell(course)
            return done
        most = max(part.examples for part in parts)
        if run.config.micro_batch != AUTO or most == 1:
            step = course.outcome.steps + 1
            advice = in_training(run.config)
            raise exhausted(error, f"step {step}", parts, advice=advice) from error
        del parts
        # The traceback keeps what the pass had made so far.
        error.__traceback__ = None
        error = None
        _halve(run, course, most)
        halved = True
        if course.before is not None:
            course.before.put_back()
        begin()


def part_size(run: "Training", course: Course) -> int | None:
    """Return the most examples of a part; None takes batches whole."""
    wanted = run.config.micro_batch
    return course.outcome.part_size if wanted == AUTO or wanted is None else int(wanted)


def in_parts(batches: Iterable[Batch], most: int | None) -> Iterator[Batch]:
    """Yield batches, each of more than `most` examples in parts of that size and a rest."""
    for batch in batches:
        if most is None or batch.examples <= most:
            yield batch
        else:
            yield from split(batch, most)


def fitting(work: Callable[[Batch], T], batch: Batch, micro_batch: int | str | None) -> list[T]:
    """Return what work that leaves no trace comes to for each part of a batch.

    micro_batch: as in the configuration; with auto, parts are halved until they fit.
    """
    most = micro_batch if isinstance(micro_batch, int) else batch.examples
    while True:
        try:
            return [work(part) for part in in_parts([batch], most)]
        except (MemoryError, RuntimeError) as error:
            if micro_batch != AUTO or most == 1 or not memory_ran_out(error):
                raise
        most = (most + 1) // 2


def split(batch: Batch, most: int) -> Iterator[Batch]:
    """Yield a batch in parts of at most `most` examples.

    Tensors are cut along B, where their suffix tells; others go with every part. Padding stays what
    it was. How many units a part has nobody knows: each gets its share by examples, in whole
    numbers where the batch has whole ones, so that they add up to the batch's. Throughput counts
    batches, never parts.
    """
    done, units, padded = 0, 0.0, 0.0
    while done < batch.examples:
        end = min(done + most, batch.examples)
        tensors = {name: _cut(name, tensor, done, end) for name, tensor in batch.items()}
        until = _share(batch.units, end / batch.examples)
        until_padded = _share(batch.padded_units or 0.0, end / batch.examples)
        yield replace(
            batch,
            tensors=tensors,
            examples=end - done,
            units=until - units,
            padded_units=None if batch.padded_units is None else until_padded - padded,
        )
        done, units, padded = end, until, until_padded


def _share(whole: float, share: float) -> float:
    return type(whole)(round(whole * share)) if whole == int(whole) else whole * share


def _cut(name: str, tensor: Tensor, start: int, end: int) -> Tensor:
    axes = name.rpartition("_")[2]
    if len(axes) != tensor.ndim or "B" not in axes:
        return tensor
    return tensor.narrow(axes.index("B"), start, end - start)


def _halve(run: "Training", course: Course, most: int) -> None:
    """Have batches cut to half of what did not fit, and free what can be freed."""
    outcome = course.outcome
    outcome.part_size, outcome.part_step = (most + 1) // 2, outcome.steps + 1
    run.optimizers.zero_grad()
    gc.collect()
    if run.precision.device.type == "cuda":
        torch.cuda.empty_cache()


def _tell(course: Course) -> None:
    outcome = course.outcome
    print(
        f"triathlon: memory ran out at step {outcome.part_step}; batches go through the model in "
        f"parts of {outcome.part_size} examples from here on (trainer.micro_batch=auto)",
        file=sys.stderr,
    )
