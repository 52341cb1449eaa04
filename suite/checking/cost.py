"""What a first epoch takes: seconds and memory, measured over some steps."""

import resource
import sys
import time
from itertools import islice

from suite.checking.check import Broken, Check
from suite.checking.descent import RATES, descend
from suite.checking.subject import Subject

_SECONDS = 2.0
"""Time to measure in; of a longer epoch the rest follows from it."""
_WARM = 2
_MIB = 2**20


def _look(subject: Subject) -> str:
    task, config = subject.task, subject.config
    epoch = task.batches_per_epoch()
    batches = islice(task.train_batches(seed=0), _WARM + epoch if epoch else None)
    before, steps = _peak_bytes(), 0
    began = late = time.perf_counter()
    for number, _ in enumerate(descend(task, subject.new_model(), batches, RATES[0])):
        late = time.perf_counter()
        if number < _WARM:
            began = late
            continue
        steps += 1
        if late - began > _SECONDS:
            break
    if not steps:
        raise Broken("train_batches: ends within an epoch", at="train_batches", mend="see resume")
    step = (late - began) / steps
    grown = (_peak_bytes() - before) / _MIB
    per_second = config.trainer.batch_size / step
    told = f"{1000 * step:.1f} ms a step ({per_second:,.0f} examples a second)"
    memory = f"peak memory grew by {grown:,.0f} MiB" if grown >= 1 else "no more memory at its peak"
    if epoch is None:
        return f"{told}, no epochs; {memory}"
    how = "measured" if steps >= epoch else f"extrapolated from {steps} of {epoch} steps"
    return f"{step * epoch:.1f} s an epoch, {how}; {told}; {memory}"


def _peak_bytes() -> int:
    """Return the most memory that this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


COST = Check(
    name="cost",
    looks_for="seconds and memory of a first epoch",
    look=_look,
    needs=("opens", "loss"),
    trains=True,
)
