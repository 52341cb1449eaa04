import math

import pytest
import torch
from torch import nn

from suite import Loss
from suite.training.evidence import places
from suite.training.inspection import inspect
from suite.training.loop import accumulate, seed_draws
from suite.training.pieces import in_parts


class Root(nn.Module):
    """Finite at zero; its slope there is not."""

    def forward(self, values):
        return values.sqrt()


class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(1, 4)
        self.second = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
        self.root = nn.Identity()
        self.last = nn.Linear(4, 1)

    def forward(self, batch):
        return self.last(self.root(self.second(self.first(batch["x_BD"])))).squeeze(1)


@pytest.fixture
def run(bench, line):
    class Layered(line):
        def build_model(self, backbone=None):
            return Deep()

    return bench(Layered).run


def _batches(run, count=1):
    batches = run.task.train_batches(seed=0)
    return [next(batches) for _ in range(count)]


def test_a_step_in_which_all_is_well(run):
    batches = _batches(run, 2)
    found = inspect(run, batches, 1, None)
    assert (found.forward, found.backward, found.broken) == (None, None, [])
    run.optimizers.zero_grad()
    seed_draws(run.precision.device, 1)
    total, count = accumulate(run, batches)
    gradients = [p.grad for p in run.model.parameters()]
    assert found.loss == float(total) / count
    assert found.norm == float(nn.utils.get_total_norm(gradients))
    names = [name for name, *_ in found.layers]
    assert names == ["first", "second.0", "last"]
    squares = sum(norm**2 for _, _, norm, _ in found.layers)
    assert squares == pytest.approx(found.norm**2)
    assert found.layers[0][1:] == (
        8,
        float(nn.utils.get_total_norm([p.grad for p in run.model.first.parameters()])),
        pytest.approx(float(nn.utils.get_total_norm(list(run.model.first.parameters())))),
    )
    # The losses of the examples are those of the step.
    assert [(one.batch, one.index) for one in found.examples[7:9]] == [(0, 7), (1, 0)]
    assert sum(one.loss for one in found.examples) == pytest.approx(float(total))
    assert not any(module._forward_hooks for module in run.model.modules())


def test_an_input_that_is_not_finite_is_found_in_its_example(run):
    batches = _batches(run, 2)
    batches[1]["x_BD"][5] = math.inf
    found = inspect(run, batches, 1, None)
    assert (found.forward.module, found.forward.kind) == ("first", "Linear")
    (numbers,) = found.forward.inputs
    assert (numbers.shape, numbers.wrong, numbers.largest < 1) == ((8, 1), 1, True)
    assert [one.name for one in found.forward.parameters] == ["weight", "bias"]
    (wrong,) = [one for one in found.examples if not one.sound]
    assert (wrong.batch, wrong.index, wrong.wrong) == (1, 5, ["x_BD"])
    assert not math.isfinite(wrong.loss)
    told = places(batches, [1.0, math.nan])
    assert told == " (in batch 2 of 2 x_BD is not finite in example 5)"


def test_weights_that_were_lost_before_are_named(run):
    with torch.no_grad():
        run.model.second[0].weight[1, 2] = math.nan
    found = inspect(run, _batches(run), 1, None)
    assert found.broken == ["second.0.weight"]
    assert found.forward.module == "second.0"
    assert {one.name: one.wrong for one in found.forward.parameters} == {"weight": 1, "bias": 0}


def test_a_gradient_alone_is_found_where_it_arises(run):
    run.model.root = Root()
    run.model.second[1] = nn.Identity()
    for parameter in run.model.second.parameters():  # all that comes to the root is zero
        nn.init.zeros_(parameter)
    found = inspect(run, _batches(run), 1, None)
    assert found.forward is None
    assert (found.backward.module, found.backward.where) == ("second.0", "gradient of its output")
    assert found.backward.behind == "root (gradient of its output)"
    assert not math.isfinite(found.norm)
    assert all(one.sound for one in found.examples)


def test_a_loss_of_no_single_example_is_left_out(run):
    def pairs(model, batch):
        outputs_B = model(batch)
        if batch.examples == 1:
            raise ValueError("of pairs alone")
        return Loss((outputs_B[1:] - outputs_B[:-1]).square().sum(), batch.examples)

    run.task.loss = pairs
    found = inspect(run, _batches(run), 1, None)
    assert [one.loss for one in found.examples] == [None] * 8
    assert found.loss > 0


def test_parts_are_those_of_the_step(run):
    batches = _batches(run)
    found = inspect(run, batches, 1, 3)
    assert [count for _, count in found.losses] == [3, 3, 2]
    assert len(list(in_parts(batches, 3))) == 3
    assert len([one for one in found.examples if one.loss is not None]) == 8
