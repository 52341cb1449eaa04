"""What is told of examples beside their labels is a number for each, whatever their order."""

import torch

from suite.checking.check import Broken, Check, DoesNotApply
from suite.checking.subject import Subject
from suite.task import Split

_TOLD = 24
"""Examples whose properties are looked at."""


def _look(subject: Subject) -> str:
    count = min(subject.sizes.get(Split.TEST, 0), _TOLD)
    indices = list(range(count))
    told = dict(subject.task.properties(Split.TEST, indices))
    again = subject.fresh.properties(Split.TEST, indices[::-1])

    def require(holds: bool, wrong: str, mend: str) -> None:
        if not holds:
            raise Broken(f"properties: {wrong}", at="properties", mend=mend)

    same_names = told.keys() == again.keys()
    require(same_names, "other names for other examples", "tell the same of every example")
    for name, values in told.items():
        shape = tuple(values.shape)
        wrong = f"{name} has shape {shape}, must be ({count},)"
        require(shape == (count,), wrong, "return a number for each index")
        kinds = values.dtype is torch.int64
        wrong = f"{name} is {values.dtype}, must be a float or torch.int64"
        require(kinds or values.is_floating_point(), wrong, "convert it")
        infinite = values.is_floating_point() and bool(values.isinf().any())
        require(not infinite, f"{name} is infinite; NaN stands for none", "put NaN there")
        alike = torch.allclose(values.double(), again[name].double().flip(0), equal_nan=True)
        wrong = f"{name} differs with the order of the examples or the opening"
        require(alike, wrong, "make it of each example alone")
    if not told:
        raise DoesNotApply("the task tells none (Task.properties)")
    return ", ".join(sorted(told))


PROPERTIES = Check(
    name="properties",
    looks_for="a number for each example, whatever their order",
    look=_look,
    needs=("opens",),
)
