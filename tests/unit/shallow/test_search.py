"""Which machine is kept, and when the search ends, for machines that guess as they are told."""

import numpy as np
import pytest
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy

from suite import Direction, HandMade, Split, Target
from suite.errors import TrainingError
from suite.shallow.search import measure, search
from suite.shallow.svm import Machine

LABELS = np.array([0, 1] * 5)


class Guess:
    """Gets `right` of ten labels right."""

    def __init__(self, right):
        self.right = right

    def predict(self, values):
        return np.where(np.arange(10) < self.right, LABELS, 1 - LABELS)


class Scripted:
    """Fits a guess for each C, as a script tells."""

    def __init__(self, script, part=None):
        self.script, self.part, self.seen = script, part, []

    def chosen(self, labels):
        return self.part

    def fit(self, values, labels, C):
        self.seen.append((C, values.shape[0], len(labels)))
        return Machine(Guess(self.script[C]), converged=C < 8)


class OneSecondAFit:
    training_seconds = wall_seconds = 0.0

    def resume(self):
        pass

    def pause(self):
        self.training_seconds += 1.0
        self.wall_seconds += 2.0


class Accuracy:
    primary = "accuracy"
    target = Target(metric="accuracy", threshold=0.65, direction=Direction.MAXIMIZE)

    def metrics(self):
        return MetricCollection({"accuracy": MulticlassAccuracy(2, average="micro")})


def look(script, part=None, labels=LABELS):
    made = HandMade(
        "numbers", dict.fromkeys(Split, np.zeros((10, 3))), dict.fromkeys(Split, labels)
    )
    emitted = []
    svm = Scripted(script, part)
    found = search(
        Accuracy(), svm, sorted(script), made, OneSecondAFit(), lambda *one: emitted.append(one)
    )
    return found, emitted, svm, made


def test_the_best_is_kept_and_of_equals_the_first():
    found, emitted, _, made = look({1: 5, 2: 8, 4: 8, 8: 7})
    assert (found.C, found.best_step, found.steps, found.stopped) == (2, 2, 4, "length")
    assert found.best == {"accuracy": pytest.approx(0.8)}
    assert measure(Accuracy(), found.machine, made, Split.TEST)[0]["accuracy"] == pytest.approx(0.8)
    assert [step for step, _ in emitted] == [1, 2, 3, 4]
    assert [values["train/C"] for _, values in emitted] == [1, 2, 4, 8]
    assert [values["train/converged"] for _, values in emitted] == [1, 1, 1, 0]
    assert emitted[2][1]["validation/accuracy"] == pytest.approx(0.8)
    assert emitted[2][1]["time/training_seconds"] == 3
    assert emitted[2][1]["throughput/examples_per_second"] == 10


def test_the_target_is_reached_once():
    found, *_ = look({1: 5, 2: 7, 4: 9})
    # Twice the ten examples that are fitted.
    assert found.reached == {"step": 2, "examples": 20, "training_seconds": 2, "wall_seconds": 4}
    assert look({1: 5})[0].reached is None


def test_two_worse_in_a_row_end_it():
    found, emitted, *_ = look({1: 5, 2: 9, 4: 8, 8: 7, 16: 10})
    assert (found.C, found.steps, found.stopped, len(emitted)) == (2, 4, "convergence", 4)


def test_one_worse_or_equals_do_not():
    assert look({1: 5, 2: 9, 4: 8, 8: 9, 16: 8, 32: 10})[0].C == 32
    # The majority class is all that a small C finds, and no reason to stop.
    assert look({1: 5, 2: 5, 4: 5, 8: 5, 16: 9})[0].C == 16


def test_a_part_of_the_examples_is_what_is_fitted_and_counted():
    found, _, svm, _ = look({1: 5}, part=np.array([0, 1, 2]))
    assert svm.seen == [(1, 3, 3)]
    assert found.examples == 3


def test_a_single_class_is_refused():
    with pytest.raises(TrainingError, match="of one class"):
        look({1: 5}, labels=np.zeros(10, dtype=np.int64))
