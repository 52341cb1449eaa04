import math

import pytest
import torch
from torchmetrics import MetricCollection
from torchmetrics.regression import MeanSquaredError

from suite import RatioMetric, bootstrap_ratio


def test_is_the_ratio_of_the_sums_whatever_the_batches():
    errors_N, words_N = torch.tensor([1, 0, 4, 2]), torch.tensor([5, 3, 4, 8])
    metric = RatioMetric(higher_is_better=False)
    for part in (slice(0, 1), slice(1, 4)):
        metric.update(errors_N[part], words_N[part])
    assert float(metric.compute()) == 7 / 20
    assert metric.higher_is_better is False
    assert RatioMetric(higher_is_better=True).higher_is_better is True


def test_root_of_squared_errors_is_that_of_torchmetrics():
    predicted_N, true_N = torch.randn(50), torch.randn(50)
    metric = RatioMetric(higher_is_better=False, transform=torch.sqrt)
    metric.update((predicted_N - true_N).square())
    theirs = MeanSquaredError(squared=False)(predicted_N, true_N)
    assert float(metric.compute()) == pytest.approx(float(theirs), rel=1e-6)


def test_interval_is_the_transformed_one_over_examples():
    nats_N, tokens_N = torch.rand(40) * 6, torch.randint(1, 9, (40,))
    metric = RatioMetric(higher_is_better=False, transform=torch.exp)
    metric.update(nats_N[:7], tokens_N[:7])
    metric.update(nats_N[7:], tokens_N[7:])
    plain = bootstrap_ratio(nats_N.double().numpy(), tokens_N.numpy())
    interval = metric.interval()
    assert interval.low == pytest.approx(math.exp(plain.low))
    assert interval.high == pytest.approx(math.exp(plain.high))
    assert float(metric.compute()) in interval


def test_metrics_of_one_collection_are_told_apart():
    metrics = MetricCollection(
        {name: RatioMetric(higher_is_better=True) for name in ("ones", "halves")}
    )
    for _ in range(2):
        metrics["ones"].update(torch.ones(3))
        metrics["halves"].update(torch.ones(3), 2 * torch.ones(3))
    assert {name: float(value) for name, value in metrics.compute().items()} == {
        "ones": 1.0,
        "halves": 0.5,
    }
    metrics.reset()
    metrics["ones"].update(torch.zeros(1))
    assert float(metrics["ones"].compute()) == 0.0
