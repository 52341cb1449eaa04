import pytest
import torch
from torch import nn

from suite.backprop import tiny
from suite.features import Sequence
from suite.insight.double import in_double
from suite.insight.gradients import AGREE, largest_error, slopes


class _Scaled(torch.autograd.Function):
    """The identity, whose backward pass is wrong by a factor."""

    @staticmethod
    def forward(ctx, values, factor):
        ctx.factor = factor
        return values.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.factor, None


class _Net(nn.Module):
    def __init__(self, factor=1.0, activation=torch.tanh):
        super().__init__()
        torch.manual_seed(0)
        self.backbone = nn.Linear(3, 5)
        self.head = nn.Linear(5, 1)
        self.factor, self.activation = factor, activation

    def forward(self, x):
        return self.head(_Scaled.apply(self.activation(self.backbone(x)), self.factor))


X = torch.randn(16, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def _loss(model):
    return model(X).square().mean()


@pytest.mark.parametrize("activation", [torch.tanh, torch.relu], ids=["smooth", "kinks"])
def test_right_backward_agrees(activation):
    assert largest_error(_Net(activation=activation).double(), _loss) < AGREE


@pytest.mark.parametrize("factor", [1.001, 0.5, -1.0])
def test_wrong_backward_is_caught_where_it_is_and_its_size_is_told(factor):
    assert largest_error(_Net(factor).double(), _loss) > 10 * AGREE
    model, loss = tiny("mlp", "mse")

    def wrong(module, inputs):
        return Sequence(_Scaled.apply(inputs[0].values_BTD, factor), inputs[0].mask_BT)

    model.head.register_forward_pre_hook(wrong)
    error = {one.layer: one.error for one in slopes(model, loss)}
    assert error.pop("output") < AGREE
    expected = abs(1 - factor) / max(1, abs(factor))
    assert error == pytest.approx({"layer 1": expected, "layer 2": expected}, rel=1e-3)


def test_weights_are_as_they_were():
    model = _Net().double()
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    slopes(model, _loss)
    assert all(torch.equal(kept[name], value) for name, value in model.state_dict().items())


def test_a_slope_that_is_zero_is_no_error():
    """A bias in front of a normalisation changes nothing: rounding is all that there is of it."""
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, affine=False)).double()
    model[0].weight.requires_grad_(False)
    assert largest_error(model, lambda m: (m(X) * torch.arange(4)).cos().mean()) < AGREE


def test_what_asks_for_float32_gets_float64():
    x = torch.tensor([1.0, 1e-9], dtype=torch.float64)
    with in_double():
        assert float(x.float().sum()) == 1 + 1e-9
        assert torch.arange(3, dtype=torch.float32).dtype is torch.float64
        assert x.float().log_softmax(0).dtype is x.to(torch.float32).dtype is torch.float64
        assert torch.zeros(2).dtype is torch.float64
    assert x.float().dtype is torch.float32
