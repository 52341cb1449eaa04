"""What a model scores does not depend on which examples share a batch."""

import math

from suite.checking.check import Broken, Check
from suite.checking.shortened import evaluated
from suite.checking.subject import EVALUATED, MOST, OTHERWISE, Subject
from suite.task import Split

_CLOSE = 1e-3


def _look(subject: Subject) -> str:
    values, _, counted = evaluated(subject.task, subject.model, Split.VALIDATION, MOST)
    others, _, again = evaluated(subject.fresh, subject.model_again, Split.VALIDATION, MOST)
    if counted.examples != again.examples:
        raise Broken(
            f"eval_batches: {counted.examples} examples in batches of {EVALUATED}, "
            f"{again.examples} in those of {OTHERWISE}",
            at="eval_batches",
            mend="cut batches of setup.eval_batch_size, the last one smaller",
        )
    if not close(counted.units, again.units):
        raise Broken(
            f"units: {counted.units:g} in batches of {EVALUATED}, {again.units:g} in those of "
            f"{OTHERWISE}",
            at="eval_batches",
            mend="count units of each example, whatever it shares a batch with",
        )
    for name, value in values.items():
        if not close(value, others[name]):
            raise Broken(
                f"evaluate: {name} is {value} in batches of {EVALUATED}, {others[name]} in those "
                f"of {OTHERWISE}",
                at="evaluate",
                mend="return a loss that is a sum with its count, and let no layer look at other "
                "examples or at padding (batch statistics, a mean over all positions)",
            )
    return f"the same over {counted.examples:,} examples in batches of {EVALUATED} and {OTHERWISE}"


def close(one: float, other: float) -> bool:
    """Return whether two values differ by rounding alone."""
    return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE)


BATCH_SIZE = Check(
    name="batch_size",
    looks_for="loss, metrics and units are those of any evaluation batch size",
    look=_look,
    needs=("opens", "repeatable"),
)
