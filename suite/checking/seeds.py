"""The same seed gives the same batches and weights, and another seed gives others."""

import random
from itertools import islice

import numpy as np
import torch

from suite.checking.check import Broken, Check
from suite.checking.naming import same
from suite.checking.subject import LOOKED_AT, Subject
from suite.task import Batch, Task


def _look(subject: Subject) -> str:
    batches = subject.batches
    _weights(subject)
    again = _first(_second(subject), 0)
    if len(again) != len(batches) or not all(map(same, again, batches)):
        raise Broken(
            "train_batches(seed=0, skip=0): must give batch 0 of seed 0, and what follows; another "
            "opening gives others",
            at="train_batches",
            mend="draw order and augmentation from (seed, epoch, index) alone (suite.uniform, "
            "suite.normal), never from a global generator",
        )
    other = _first(_second(subject), 1)
    alike = (same(one, two, but_keys=True) for one, two in zip(other, batches, strict=False))
    if all(alike):
        raise Broken(
            "train_batches(seed=1, skip=0): gives the batches of seed 0; use the seed",
            at="train_batches",
            mend="draw the order from the seed that train_batches is given",
        )
    return f"{len(again)} batches of seed 0 are the same in two openings, those of seed 1 others"


def _second(subject: Subject) -> Task:
    """Return another opening; one that has not acted yet, where the task acts."""
    return subject.make()[0] if subject.stateful else subject.fresh


def _first(task: Task, seed: int) -> list[Batch]:
    # What a generator of the process would give now is not what it gave before.
    torch.manual_seed(seed + 12345)
    state, before = np.random.get_state(), random.getstate()
    try:
        np.random.seed(seed + 12345)
        random.seed(seed + 12345)
        return list(islice(task.train_batches(seed=seed), LOOKED_AT))
    finally:
        np.random.set_state(state)
        random.setstate(before)


def _weights(subject: Subject) -> None:
    one, other = subject.model.state_dict(), subject.model_again.state_dict()
    for name, weights in one.items():
        if name not in other or not torch.equal(weights, other[name]):
            raise Broken(
                f"build_model: {name} differs between two models of one seed",
                at="build_model",
                mend="draw weights from torch's generator, which the suite seeds, and nothing else",
            )


SEEDS = Check(
    name="seeds",
    looks_for="same seed same batches and weights, other seed other batches",
    look=_look,
    needs=("opens", "axes"),
)
