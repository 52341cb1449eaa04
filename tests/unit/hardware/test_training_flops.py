"""Forward and backward counts against the arithmetic written out, for every backbone.

A layer costs its forward pass three times: once forward, once for the gradient of its weights, once
for that of its input; the first layer needs no gradient of its input.
"""

from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from suite import Batch, DeepModel, FrameHead, Grid, GridSpec, Loss, PooledHead, Sequence
from suite import SequenceSpec as Spec
from suite.backbones import LSTM, MLP, Conformer, ConvNet, ResNet, Transformer
from suite.features import length_mask
from suite.hardware.flops import count_training_flops
from suite.training.losses import CTC

B, T, D, K = 3, 10, 6, 5


class AsSequence(nn.Module):
    def forward(self, batch):
        return Sequence(batch["values_BTD"], length_mask(batch["length_B"], T))


class AsGrid(nn.Module):
    def forward(self, batch):
        return Grid(batch["values_BCHW"])


def _sequences():
    return Batch({"values_BTD": torch.randn(B, T, D), "length_B": torch.tensor([10, 4, 2])}, B, B)


def _grids():
    return Batch({"values_BCHW": torch.randn(B, 2, 8, 12)}, B, B)


def _sum(outputs):
    return (outputs.values_BTD if isinstance(outputs, Sequence) else outputs).sum()


TASK = SimpleNamespace(loss=lambda model, batch: Loss(_sum(model(batch)), B))


def _counted(hidden, head, batch=None, stem=None):
    batch = batch or _sequences()
    return count_training_flops(TASK, DeepModel(stem or AsSequence(), hidden, head), batch)


def test_mlp():
    hidden = MLP(Spec(features=D), width=16, depth=2, context=3, dropout=0.0)
    first, second = T * 2 * (D * 3) * 16, T * 2 * 16 * 16
    expected = 2 * first + 3 * second + 3 * 2 * 16 * K
    assert _counted(hidden, PooledHead(16, K)) == B * expected


def test_resnet():
    hidden = ResNet(GridSpec(channels=2, height=8), width=8, depth=1, stages=2, dropout=0.0)
    full, half = 8 * 12, 4 * 6
    entry = full * 2 * (2 * 9) * 8
    rest = 2 * full * 2 * (8 * 9) * 8  # first stage
    rest += half * 2 * (8 * 9) * 16 + half * 2 * (16 * 9) * 16 + half * 2 * 8 * 16
    expected = 2 * entry + 3 * (rest + 2 * 16 * K)
    assert _counted(hidden, PooledHead(16, K), _grids(), AsGrid()) == B * expected


def test_convnet():
    spec = GridSpec(channels=2, height=8)
    hidden = ConvNet(spec, width=8, wide=16, depth=2, stages=2, dropout=0.0)
    full, half, quarter = 8 * 12, 4 * 6, 2 * 3
    entry = full * 2 * (2 * 9) * 8
    rest = half * 2 * (8 * 9) * 8 + half * 2 * (8 * 9) * 16 + quarter * 2 * (16 * 9) * 16
    expected = 2 * entry + 3 * (rest + 2 * 16 * K)
    assert _counted(hidden, PooledHead(16, K), _grids(), AsGrid()) == B * expected


@pytest.mark.parametrize("bidirectional", [True, False])
def test_lstm(bidirectional):
    hidden = LSTM(Spec(features=D), width=16, depth=2, bidirectional=bidirectional, dropout=0.0)
    directions, size = (2, 8) if bidirectional else (1, 16)
    first = directions * T * 2 * 4 * size * (D + size)
    second = directions * T * 2 * 4 * size * (16 + size)
    # One kernel makes all gradients of a layer, that of the first input too.
    assert _counted(hidden, PooledHead(16, K)) == B * 3 * (first + second + 2 * 16 * K)


def test_transformer():
    hidden = Transformer(Spec(features=D), width=16, depth=2, heads=2, expansion=4, dropout=0.0)
    projections = T * 2 * 16 * (4 * 16)
    attention = 2 * (2 * T * T * 8 + 2 * T * T * 8)
    layer = projections + attention + T * 2 * 16 * 64 * 2
    expected = 2 * T * 2 * D * 16 + 3 * (2 * layer + T * 2 * 16 * K)
    assert _counted(hidden, FrameHead(16, K)) == B * expected


def test_conformer_has_a_grouped_convolution():
    hidden = Conformer(
        Spec(features=D), width=16, depth=2, heads=2, kernel=5, expansion=4, dropout=0.0
    )
    feed_forward = T * 2 * 16 * 64 * 2
    attention = T * 2 * 16 * (4 * 16) + 2 * (2 * T * T * 8 + 2 * T * T * 8)
    convolution = T * 2 * 16 * 32 + T * 2 * 16 * 5 + T * 2 * 16 * 16
    layer = 2 * feed_forward + attention + convolution
    expected = 2 * T * 2 * D * 16 + 3 * (2 * layer + T * 2 * 16 * K)
    assert _counted(hidden, FrameHead(16, K)) == B * expected


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("transposed", [False, True])
def test_convolutions_of_any_kind(groups, transposed):
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(2, 4, 1)
            self.second = kind(4, 8, 3, stride=2, groups=groups)

        def forward(self, batch):
            return self.second(self.first(batch["values_BCHW"]))

    model = Model()
    places = 8 * 12 if transposed else 3 * 5  # of the input, or of the output
    first, second = 8 * 12 * 2 * 2 * 4, places * 2 * 9 * 4 * 8 // groups
    assert count_training_flops(TASK, model, _grids()) == B * (2 * first + 3 * second)


def test_ctc_counts_its_nodes():
    symbols = torch.randint(1, K, (B, 4))
    batch = Batch(
        {**_sequences().tensors, "symbols_BL": symbols, "symbol_length_B": torch.full((B,), 4)},
        B,
        B,
    )
    model = DeepModel(AsSequence(), MLPish(), FrameHead(D, K))
    loss = CTC()
    task = SimpleNamespace(loss=lambda model, batch: loss(model(batch), batch))
    nodes = T * (2 * 4 + 1)
    head = T * 2 * D * K
    assert count_training_flops(task, model, batch) == B * (2 * head + (3 + 5) * nodes)


class MLPish(nn.Module):
    """Passes its input on, without weights."""

    def forward(self, inputs):
        return inputs


def test_frozen_layers_cost_no_gradient():
    hidden = MLP(Spec(features=D), width=16, depth=2, context=1, dropout=0.0)
    hidden.requires_grad_(False)
    forward = T * 2 * D * 16 + T * 2 * 16 * 16
    assert _counted(hidden, PooledHead(16, K)) == B * (forward + 2 * 2 * 16 * K)


def test_counting_touches_neither_gradients_nor_statistics_nor_random_numbers():
    hidden = ResNet(GridSpec(channels=2, height=8), width=4, depth=1, stages=1, dropout=0.5)
    model = DeepModel(AsGrid(), hidden, PooledHead(4, K, dropout=0.5))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    batch = _grids()
    state = torch.get_rng_state()
    count_training_flops(TASK, model, batch)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert model.training
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)


def test_a_loss_without_gradient_is_its_forward_pass():
    layer = nn.Linear(D, K).requires_grad_(False)
    task = SimpleNamespace(
        loss=lambda model, batch: Loss(F.relu(model(batch["values_BTD"])).sum(), B)
    )
    assert count_training_flops(task, layer, _sequences()) == B * T * 2 * D * K
