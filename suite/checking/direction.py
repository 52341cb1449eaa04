"""The primary metric says better of a model that is better, in the direction of the target."""

from suite.checking.by_heart import is_perfect, scores_by_heart
from suite.checking.check import Broken, Check, DoesNotApply
from suite.checking.subject import Subject
from suite.task import Direction


def _look(subject: Subject) -> str:
    task = subject.task
    name, target = task.primary, task.target
    told = getattr(task.metrics()[name], "higher_is_better", None)
    declared = target.direction if target.metric == name else None
    if declared is None and told is not None:
        declared = Direction.MAXIMIZE if told else Direction.MINIMIZE
    if declared is None:
        raise Broken(
            f"{name}: neither the target nor the metric tells its direction",
            at="target",
            mend="set the metric's higher_is_better, or make the target one of this metric",
        )
    if told is not None and told != (declared is Direction.MAXIMIZE):
        raise Broken(
            f"{name}: the target says {declared.value}, the metric higher_is_better={told}",
            at="target",
            mend="mend the one that is wrong",
        )
    subject.require_examples()
    untrained, learned = subject.new_model(), subject.fitted.model
    told = []
    for before, after in zip(
        scores_by_heart(subject, untrained), scores_by_heart(subject, learned), strict=True
    ):
        told.append(f"{before:.4g} untrained, {after:.4g} after learning")
        if declared.better(after, before):
            return f"{name} goes from {before:.4g} to {after:.4g}, {declared.value}"
        if before == after and is_perfect(after, declared):
            raise DoesNotApply(f"{name} is {after:.4g} on a few examples whatever was learned")
    raise Broken(
        f"{name}: {'; '.join(told)} the same examples by heart, while the target says "
        f"{declared.value}",
        at="evaluate",
        mend="mend the target's direction, or what evaluate gives the metric",
    )


DIRECTION = Check(
    name="direction",
    looks_for="the primary metric gets better, as the target means it, when the model does",
    look=_look,
    needs=("opens", "metrics", "overfit"),
    trains=True,
)
