"""The same model scores the same when it is evaluated again."""

import torch

from suite.checking.check import Broken, Check
from suite.checking.shortened import evaluated
from suite.checking.subject import EVALUATED, Subject
from suite.task import Split

_MOST = 4 * EVALUATED


def _look(subject: Subject) -> str:
    task, model = subject.task, subject.model
    torch.manual_seed(1)
    one, _, counted = evaluated(task, model, Split.VALIDATION, _MOST)
    torch.manual_seed(2)
    other, _, _ = evaluated(task, model, Split.VALIDATION, _MOST)
    for name, value in one.items():
        if value != other.get(name):
            raise Broken(
                f"evaluate: {name} is {value} once and {other.get(name)} the next time",
                at="evaluate",
                mend="draw nothing at random in evaluation (dropout, crops, sampling) and yield "
                "examples in a fixed order",
            )
    return f"the same twice over {counted.examples:,} examples"


REPEATABLE = Check(
    name="repeatable",
    looks_for="evaluating twice gives the same, bit by bit",
    look=_look,
    needs=("opens", "metrics"),
)
