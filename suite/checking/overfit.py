"""A model learns a few examples by heart: what it cannot, no data set will teach it."""

from suite.checking.by_heart import is_perfect, scores_by_heart
from suite.checking.check import Broken, Check
from suite.checking.subject import Subject


def _look(subject: Subject) -> str:
    subject.require_examples()
    task, fitted = subject.task, subject.fitted
    told = (
        f"{fitted.batch.examples} examples: loss from {fitted.first:.4g} to {fitted.last:.4g} in "
        f"{fitted.steps} steps"
    )
    if fitted.near_zero:
        return told
    score = 0.0
    for score in scores_by_heart(subject, fitted.model):
        if is_perfect(score, task.target.direction):  # of a loss that no answer makes zero
            return f"{told}; {task.primary} {score:.4g}"
    raise Broken(
        f"overfit: {told}, {task.primary} {score:.4g}; must come near zero",
        at="build_model",
        mend="see that what is needed reaches the model (input, mask), that the loss compares its "
        "output with the labels, and that both have the same order",
    )


OVERFIT = Check(
    name="overfit",
    looks_for="a few examples are learned by heart",
    look=_look,
    needs=("opens", "loss", "metrics"),
    trains=True,
)
