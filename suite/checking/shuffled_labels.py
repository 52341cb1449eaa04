"""A model trained on permuted labels knows nothing: if it scores all the same, labels leak.

One such model may be right by luck: where classes are easy to tell apart, it puts whole classes
where they belong, or elsewhere. So a score above that of a constant answer, with its whole interval
where it has one, is a leak only if it is in `_TRAININGS` trainings of `_TRAININGS`, each on labels
permuted anew, and if Student's t of the six is beyond what luck does once in a thousand.

Legend: B batch, K classes, N examples of all batches.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import fmean, stdev

import torch
from torch import Tensor, nn

from suite.checking.check import Broken, Check, DoesNotApply
from suite.checking.descent import descend
from suite.checking.naming import labels_of
from suite.checking.shortened import evaluated, scores_on
from suite.checking.subject import MOST, Subject
from suite.task import Batch, Direction, Split

_TRAININGS = 6
_T = 5.893
"""The 99.9th percentile of Student's t with five degrees of freedom."""
_STEPS = 120
_RATE = 1e-2
_CERTAIN = 10.0
"""Logit of a constant answer's class: of the others it is zero."""


def _look(subject: Subject) -> str:
    subject.require_examples()
    if not labels_of(subject.first_batch()):
        raise DoesNotApply("batches have no tensor label…_B or target…_B, a row for each example")
    scores: list[_Score] = []
    while len(scores) < _TRAININGS and all(score.above for score in scores):
        scores.append(_score_of_shuffled(subject, len(scores)))
    last, name = scores[-1], subject.task.primary
    if not last.above or not _beyond_luck(scores):
        return (
            f"{name} {last.of_model:.4g} after training on permuted labels, "
            f"{last.of_constant:.4g} for a constant answer"
        )
    told = ", ".join(f"{score.of_model:.4g}" for score in scores)
    raise Broken(
        f"leak: trained on permuted labels, {name} is {told} in {_TRAININGS} trainings, a constant "
        f"answer has {last.of_constant:.4g}",
        at="build_model",
        mend="the model reads labels, or what only they could tell: let it see nothing of a batch "
        "but the input",
    )


@dataclass(frozen=True)
class _Score:
    of_model: float
    of_constant: float
    above: bool


def _beyond_luck(scores: Sequence[_Score]) -> bool:
    gains = [abs(score.of_model - score.of_constant) for score in scores]
    return fmean(gains) > _T * stdev(gains) / math.sqrt(len(gains))


def _score_of_shuffled(subject: Subject, number: int) -> _Score:
    task = subject.task
    model = subject.new_model(seed=subject.config.seed + 1 + number)
    for _ in descend(task, model, _permuted(subject, number), _RATE):
        pass
    values, metrics, served = evaluated(task, model, Split.VALIDATION, MOST)
    mine, name = values[task.primary], task.primary
    batches = list(_first(subject, served.examples))
    constants = [scores_on(task, one, batches)[name] for one in _constants(model, batches)]
    better = _direction(subject).better
    best = constants[0]
    for constant in constants[1:]:
        best = constant if better(constant, best) else best
    interval = task.intervals(metrics).get(name)
    least = mine
    if interval is not None:
        least = interval.low if better(1, 0) else interval.high
    return _Score(mine, best, better(least, best))


def _direction(subject: Subject) -> Direction:
    """Return the primary metric's direction."""
    task = subject.task
    if task.target.metric == task.primary:
        return task.target.direction
    higher = task.metrics()[task.primary].higher_is_better
    return Direction.MAXIMIZE if higher else Direction.MINIMIZE


def _permuted(subject: Subject, seed: int) -> Iterator[Batch]:
    """Yield training batches in which examples have each other's labels.

    Those of all batches are permuted together: examples of one batch may be alike (in length, where
    they are bucketed), and so may their labels be.
    """

    def batches() -> Iterator[Batch]:
        return islice(subject.task.train_batches(seed=seed), _STEPS)

    rows = [labels_of(batch) for batch in batches()]
    labels = {name: torch.cat([row[name] for row in rows]) for name in rows[0]}
    count = len(next(iter(labels.values())))
    order_N = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    place = 0
    for batch in batches():
        index_B = order_N[place : place + batch.examples]
        place += batch.examples
        others = {name: values[index_B] for name, values in labels.items()}
        yield replace(batch, tensors={**batch.tensors, **others})


def _first(subject: Subject, examples: int) -> Iterator[Batch]:
    for batch in subject.task.eval_batches(Split.VALIDATION):
        yield batch
        examples -= batch.examples
        if examples <= 0:
            return


@torch.no_grad()
def _constants(model: nn.Module, batches: list[Batch]) -> list[nn.Module]:
    """Return models that answer the same whatever they see: the mean answer, the frequent class."""
    output = model.eval()(batches[0])
    if not isinstance(output, Tensor) or not output.is_floating_point():
        raise DoesNotApply("the model's output is no tensor: there is no constant answer to make")
    found: list[nn.Module] = [_Constant(output.mean(0))]
    labels = [next(iter(labels_of(batch).values())) for batch in batches]
    if output.ndim == 2 and labels[0].dtype is torch.int64 and labels[0].ndim == 1:
        counts_K = torch.bincount(torch.cat(labels), minlength=output.shape[1])
        if len(counts_K) == output.shape[1]:
            frequent = torch.zeros(output.shape[1])
            frequent[int(counts_K.argmax())] = _CERTAIN
            found.append(_Constant(frequent))
    return found


class _Constant(nn.Module):
    def __init__(self, answer: Tensor) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, batch: Batch) -> Tensor:
        return self.answer.expand(batch.examples, *self.answer.shape)


SHUFFLED_LABELS = Check(
    name="shuffled_labels",
    looks_for="training on permuted labels scores no better than a constant answer",
    look=_look,
    needs=("opens", "loss", "metrics"),
    trains=True,
)
