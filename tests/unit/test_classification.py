from types import SimpleNamespace

import torch

from suite import Classification, wilson
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
