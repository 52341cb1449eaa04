"""Going on from a number, or from a kept state, equals having gone on: runs can be resumed."""

import io
import pickle
from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch

from suite.checking.check import Broken, Check
from suite.checking.naming import same
from suite.checking.subject import LOOKED_AT, Subject
from suite.task import Batch, Task

_SKIP = 2
_LONGEST = 400
"""Batches to draw, at most, to see what comes after an epoch."""


def _look(subject: Subject) -> str:
    if len(subject.batches) < LOOKED_AT:
        raise _ends(len(subject.batches))
    return _by_state(subject) if subject.stateful else _by_number(subject)


def _by_number(subject: Subject) -> str:
    first = next(_batches(subject, _SKIP), None)
    if first is None or not same(first, subject.batches[_SKIP]):
        raise Broken(
            f"train_batches(seed=0, skip={_SKIP}): must give batch {_SKIP} of seed 0, and what "
            "follows",
            at="train_batches",
            mend="begin with batch number `skip` (itertools.islice does, if slowly)",
        )
    epoch = subject.task.batches_per_epoch()
    if epoch is None or epoch > _LONGEST:
        return f"batch {_SKIP} is the same by skip as by going on"
    last = list(islice(subject.task.train_batches(seed=0), epoch + 1))
    if len(last) <= epoch:
        raise _ends(len(last))
    skipped = next(_batches(subject, epoch), None)
    if skipped is None or not same(last[-1], skipped):
        raise Broken(
            f"train_batches(skip={epoch}): differs from going on",
            at="train_batches",
            mend="count epochs too: batch i is in epoch i // batches_per_epoch()",
        )
    return f"batches {_SKIP} and {epoch}, beyond an epoch, are the same by skip as by going on"


def _by_state(subject: Subject) -> str:
    """Go on as a task does that acts: from what it kept, with the weights that it had."""
    task, model = subject.make()
    going = task.train_batches(seed=0)
    for _ in range(_SKIP):
        next(going)
    state = _kept(task)
    resumed, other = subject.make()
    other.load_state_dict(model.state_dict())
    resumed.load_state_dict(state)
    gone = list(islice(going, LOOKED_AT))
    came = list(islice(resumed.train_batches(seed=0, skip=_SKIP), LOOKED_AT))
    if len(came) != len(gone) or not all(map(same, gone, came)):
        raise Broken(
            f"load_state_dict: batches after {_SKIP} differ from going on",
            at="state_dict",
            mend="keep all that the next batches depend on: environments, buffers, counters",
        )
    return f"{LOOKED_AT} batches after {_SKIP} are the same from a kept state as by going on"


def _kept(task: Task) -> Any:
    """Return a task's state as a checkpoint would give it back."""
    file = io.BytesIO()
    torch.save(dict(task.state_dict()), file)
    file.seek(0)
    try:
        return torch.load(file, weights_only=True)
    except pickle.UnpicklingError as error:
        raise Broken(
            f"state_dict: holds what a checkpoint cannot: {str(error).splitlines()[0]}",
            at="state_dict",
            mend="keep tensors, numbers, strings, lists, tuples and dicts alone",
        ) from error


def _batches(subject: Subject, skip: int) -> Iterator[Batch]:
    return subject.fresh.train_batches(seed=0, skip=skip)


def _ends(count: int) -> Broken:
    return Broken(
        f"train_batches ends after {count} batches: it must go on without end",
        at="train_batches",
        mend="begin another epoch when one is over",
    )


RESUME = Check(
    name="resume",
    looks_for="skipping batches, or a kept state, equals going on",
    look=_look,
    needs=("opens", "seeds"),
)
