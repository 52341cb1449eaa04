import pytest
import torch
from torch import nn

from suite.training.average import Average


def _set(layer, value):
    with torch.no_grad():
        layer.weight.fill_(value)


def test_average_by_hand():
    layer = nn.Linear(1, 1, bias=False)
    _set(layer, 1.0)
    average = Average(layer, 0.15)
    mean = 1.0
    for updates, value in enumerate((2.0, 5.0, 11.0)):
        _set(layer, value)
        average.update()
        decay = min(0.15, (1 + updates) / (10 + updates))  # 0.1, 0.15, 0.15
        mean = decay * mean + (1 - decay) * value
    with average.applied():
        assert layer.weight.item() == pytest.approx(mean)
    assert layer.weight.item() == 11.0


def test_weights_come_back_even_after_an_error():
    layer = nn.Linear(2, 2)
    average = Average(layer, 0.9)
    before = layer.weight.detach().clone()
    _set(layer, 3.0)

    def fail():
        with average.applied():
            assert torch.equal(layer.weight, before)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert layer.weight.unique().tolist() == [3.0]
    with average.applied():  # and the average has not been lost
        assert torch.equal(layer.weight, before)


def test_statistics_are_averaged_and_counters_left_alone():
    norm = nn.BatchNorm1d(1)
    average = Average(norm, 0.5)
    norm(torch.tensor([[10.0], [20.0]]))
    live = norm.running_mean.item()
    average.update()
    with average.applied():
        # A first update has a decay of 0.1: 0.1 * 0 + 0.9 * 1.5
        assert norm.running_mean.item() == pytest.approx(0.9 * live)
        assert norm.num_batches_tracked.item() == 1
    assert norm.running_mean.item() == live


def test_without_a_decay_the_weights_are_the_live_ones():
    layer = nn.Linear(1, 1, bias=False)
    average = Average(layer, None)
    _set(layer, 3.0)
    average.update()
    with average.applied():
        assert layer.weight.item() == 3.0
