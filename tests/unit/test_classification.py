import json
import math
from types import SimpleNamespace

import pytest
import torch

from suite import Classification, DataSet, Examples, Loss, Split, shown_text, wilson
from suite.statistics import bootstrap_macro_f1


class Letters(Classification):
    name, unit = "letters", "letter"
    data = SimpleNamespace(classes=("a", "b", "c"))


def test_intervals_are_those_of_the_metrics_it_measured() -> None:
    task = Letters(None, None)
    metrics = task.metrics()
    true_B = torch.tensor([0] * 50 + [1] * 40)
    predicted_B = torch.cat([true_B[:80], torch.full((10,), 2)])
    metrics.update(predicted_B, true_B)
    values, intervals = metrics.compute(), task.intervals(metrics)
    assert intervals["accuracy"] == wilson(80, 90)
    assert intervals["macro_f1"] == bootstrap_macro_f1([[50, 0, 0], [0, 30, 10], [0, 0, 0]])
    assert set(intervals) == {"accuracy", "macro_f1"}
    for name, interval in intervals.items():
        assert float(values[name]) in interval
        assert 0 < interval.high - interval.low < 0.4


class Sorted(Classification):
    """Its examples have a length, by which they are evaluated."""

    name, unit = "sorted", "token"
    texts = ("ccc", "a", "bb", "dddd", "e")
    data = DataSet(
        {
            Split.TEST: Examples(
                {"label_B": torch.tensor([0, 1, 0, 1, 2])},
                unit_N=torch.ones(5),
                length_N=torch.tensor([3, 1, 2, 4, 1]),
            )
        },
        None,
        ("x", "y", "z"),
    )

    def show(self, split, index):
        return shown_text(self.texts[index], f"number {index}")


def test_mistakes_are_the_surest_wrong_predictions_and_show_the_right_example() -> None:
    setup = SimpleNamespace(eval_batch_size=2, loss=lambda logits, batch: Loss(logits.sum(), 1))
    task = Sorted(None, setup)
    metrics = task.metrics()
    logits = {
        "ccc": [0.0, 1.0, 0.0],  # wrong, not sure
        "a": [0.0, 4.0, 0.0],  # right
        "bb": [0.0, 0.0, 9.0],  # wrong, surest
        "dddd": [3.0, 0.0, 0.0],  # wrong, sure
        "e": [0.0, 0.0, 2.0],  # right
    }
    rows = iter(sorted(task.texts, key=len))
    for batch in task.eval_batches(Split.TEST):
        logits_BK = torch.tensor([logits[next(rows)] for _ in range(batch.examples)])
        task.evaluate(lambda _, logits_BK=logits_BK: logits_BK, batch, metrics)
    found = list(task.mistakes(metrics))
    assert [one.content.decode() for one in found] == ["bb", "dddd", "ccc"]
    assert [(one.true, one.predicted) for one in found] == [("x", "z"), ("y", "x"), ("x", "y")]
    assert found[0].confidence == pytest.approx(math.exp(9) / (math.exp(9) + 2))
    assert found[0].name == "number 2"
    assert "predictions" not in {k for k, v in metrics.compute().items() if v.numel() == 1}


def test_classes_without_confidence_leave_no_mistakes() -> None:
    task = Sorted(None, SimpleNamespace(eval_batch_size=2))
    metrics = task.metrics()
    metrics.update(torch.tensor([1, 1]), torch.tensor([0, 1]))
    assert list(task.mistakes(metrics)) == []


def test_counts_of_the_confusion_matrix_are_kept_as_numbers() -> None:
    task = Letters(None, None)
    metrics = task.metrics()
    metrics.update(torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2]))
    picture, counts = task.figures(metrics)
    assert picture.suffix == ".png"
    assert counts.suffix == ".json"
    assert json.loads(counts.content) == {
        "classes": ["a", "b", "c"],
        "true_predicted_count": [[0, 0, 1], [1, 1, 1], [2, 1, 1], [2, 2, 1]],
    }
