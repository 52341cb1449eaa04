"""The loss falls over the training batches as they come."""

import math
from itertools import chain, islice
from statistics import fmean

from suite.checking.check import Broken, Check
from suite.checking.descent import RATES, descend
from suite.checking.subject import Subject

_STEPS = (40, 200)
"""Steps to train; more of them only where the loss has not fallen by then."""


def _look(subject: Subject) -> str:
    subject.require_examples()
    told = []
    for steps, rate in zip(_STEPS, RATES, strict=True):
        batches = chain(
            subject.batches, subject.task.train_batches(seed=0, skip=len(subject.batches))
        )
        losses = list(descend(subject.task, subject.new_model(), islice(batches, steps), rate))
        part = steps // 4
        first, last = fmean(losses[:part]), fmean(losses[-part:])
        told.append(f"from {first:.4g} to {last:.4g} in {len(losses)} steps")
        if math.isfinite(last) and last < first:
            return f"{told[-1]}"
    raise Broken(
        f"loss: does not fall: {'; '.join(told)}",
        at="loss",
        mend="see that examples keep their labels, that the loss is one to be minimised, and that "
        "its gradient reaches the model",
    )


FALLING = Check(
    name="falling",
    looks_for="the loss falls over the first training batches",
    look=_look,
    needs=("opens", "loss"),
    trains=True,
)
