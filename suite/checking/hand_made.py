"""Hand-made features are finite, the same each time, and belong to the examples that are served."""

from typing import Any

import numpy as np
import torch

from suite.checking.check import Broken, Check, DoesNotApply
from suite.checking.subject import Subject
from suite.config import HandMadeConfig
from suite.task import HandMade, Split, Task


def _look(subject: Subject) -> str:
    options = subject.config.backbone
    if not isinstance(options, HandMadeConfig):
        raise DoesNotApply("the model is a network; backbone=svm has it checked")
    task, fresh = subject.task, subject.fresh
    made, again = task.hand_made(options), fresh.hand_made(options)
    kinds = getattr(subject.config.task, "hand_made", ())
    _require(made.kind in kinds, f"made {made.kind}, the task has {', '.join(kinds)}", "name it")
    widths = {_check_split(task, split, made, again) for split in Split}
    wrong = f"splits differ in their number of features, {widths}"
    _require(len(widths) == 1, wrong, "fix them on the training split")
    predicted = torch.from_numpy(made.labels[Split.VALIDATION])
    metrics = task.metrics()
    metrics.update(predicted, predicted)
    wrong = f"{task.primary} is not among the metrics of predicted and true classes"
    _require(task.primary in metrics.compute(), wrong, "let metrics() take classes")
    return f"{made.kind}, {widths.pop():,} features"


def _check_split(task: Task, split: Split, made: HandMade, again: HandMade) -> int:
    """Check the features of one split; return how many there are."""
    values: Any = made.values[split]
    labels = made.labels[split]
    size = task.card().sizes.get(split.value)
    rows = f"{split.value} has {values.shape[0]} rows and {len(labels)} labels, the card {size}"
    _require(values.shape[0] == len(labels) == size, rows, "make a row for each example")
    numbers = values.data if hasattr(values, "tocsr") else values
    finite = bool(np.isfinite(numbers).all())
    _require(finite, f"{split.value} has values that are not finite", "guard divisions")
    equal = bool((values != again.values[split]).sum() == 0)
    _require(equal, f"{split.value} differs from one making to the next", "draw nothing at random")
    served = torch.cat([batch["label_B"] for batch in task.eval_batches(split)]).numpy()
    counts = np.bincount(served, minlength=int(labels.max()) + 1)
    agree = np.array_equal(np.bincount(labels, minlength=len(counts)), counts)
    _require(agree, f"{split.value} has other labels than eval_batches", "take them from there")
    return int(values.shape[1])


def _require(holds: bool, wrong: str, mend: str) -> None:
    if not holds:
        raise Broken(f"hand_made: {wrong}", at="hand_made", mend=mend)


HAND_MADE = Check(
    name="hand_made",
    looks_for="features are finite, repeatable, and of the examples that are served",
    look=_look,
    needs=("opens",),
    of_networks=False,
)
