"""Which example of one run goes with which of another, so that what they hold can be compared.

On the same data an example goes with itself. On other data, or in another modality, examples go
together that have the same label: a spoken "seven" with an image of a 7. Without common labels
there is nothing that pairs them, and any number would mean nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite.classification import DataSetTask
from suite.errors import ConfigError
from suite.insight.layers import choose
from suite.insight.subject import Subject
from suite.task import Split

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_FEWEST = 2
"""Labels in common."""
_LOOKED_AT, _AT_ONCE = 4096, 256
"""Examples whose labels are looked at, and of a batch."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Examples of the test splits of two runs that go together, in order.

    by: "example" or "label". labels: of each pair, as both know it; empty where `by` is "example".
    """

    one: Sequence[int]
    other: Sequence[int]
    by: str
    labels: Sequence[str] = ()


def pair(one: Subject, other: Subject, most: int) -> Pairs:
    """Return at most `most` pairs; raise a `ConfigError` where nothing pairs the examples."""
    if one.task.card().fingerprint == other.task.card().fingerprint:
        indices = choose(one.task, Split.TEST, most)
        return Pairs(one=indices, other=indices, by="example")
    mine, theirs = _by_label(one.task), _by_label(other.task)
    common = [label for label in mine if label in theirs]
    if len(common) < _FEWEST:
        raise ConfigError(
            f"--against {other.name}: is a run on {other.task.card().name}, which has neither the "
            f"examples nor {_FEWEST} labels of {one.task.card().name}, so nothing says which "
            "examples to compare; give a run on the same data, or on data with the same labels"
        )
    share = most // len(common)
    left: list[int] = []
    right: list[int] = []
    labels: list[str] = []
    rng = np.random.default_rng(0)
    for label in common:
        count = min(len(mine[label]), len(theirs[label]), share)
        left += rng.permutation(mine[label])[:count].tolist()
        right += rng.permutation(theirs[label])[:count].tolist()
        labels += [label] * count
    return Pairs(one=left, other=right, by="label", labels=labels)


def shuffled(count: int) -> list[int]:
    """Return an order of pairs that takes one side of each to another: what chance makes alike."""
    return [int(i) for i in np.random.default_rng(1).permutation(count)]


def label_name(name: str) -> str:
    """Return a label as others may write it: in lower case, digits as words."""
    name = name.strip().lower()
    return _DIGITS[int(name)] if name.isascii() and name.isdigit() and len(name) == 1 else name


def _by_label(task: DataSetTask) -> dict[str, list[int]]:
    """Return test examples by the name of their label; none where examples have no label."""
    classes = getattr(task, "classes", ())
    indices = choose(task, Split.TEST, _LOOKED_AT)
    found: dict[str, list[int]] = {}
    for start in range(0, len(indices), _AT_ONCE):
        part = indices[start : start + _AT_ONCE]
        batch = task.take(Split.TEST, part)
        if "label_B" not in batch or not classes:
            return {}
        for index, number in zip(part, batch["label_B"].tolist(), strict=True):
            found.setdefault(label_name(classes[number]), []).append(index)
    return found
