"""The loss depends on the labels: other ones are not what a model has learned by heart."""

import torch

from suite.checking.check import Broken, Check, DoesNotApply
from suite.checking.naming import labels_of, with_labels_of
from suite.checking.subject import Subject


def _look(subject: Subject) -> str:
    subject.require_examples()
    fitted = subject.fitted
    labels = labels_of(fitted.batch)
    if not labels:
        raise DoesNotApply("batches have no tensor label…_B or target…_B, a row for each example")
    batch = fitted.batch
    other = with_labels_of(batch, torch.arange(batch.examples).roll(1))
    moved = any(not torch.equal(batch[name], other[name]) for name in labels)
    if not moved:
        raise DoesNotApply(f"{batch.examples} examples have one and the same label")
    with torch.no_grad():
        model = fitted.model.train()
        torch.manual_seed(0)
        learned = float(subject.task.loss(model, batch).total)
        torch.manual_seed(0)
        wrong = float(subject.task.loss(model, other).total)
    if not wrong > learned:
        raise Broken(
            f"labels: the loss of a model that has learned {batch.examples} examples is "
            f"{learned:.4g} with their labels, {wrong:.4g} with those of others",
            at="loss",
            mend=f"compare the model's output with {', '.join(labels)}",
        )
    return f"the loss grows from {learned:.4g} to {wrong:.4g} with the labels of others"


LABELS = Check(
    name="labels",
    looks_for="the loss grows when examples get the labels of others",
    look=_look,
    needs=("opens", "loss"),
    trains=True,
)
