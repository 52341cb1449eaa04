"""Counts against the arithmetic written out. A multiplication with an addition counts as two."""

import pytest
import torch
from torch import nn

from suite import Batch, DeepModel, FrameHead, Grid, GridSpec, PooledHead, Sequence, SequenceSpec
from suite.backbones import LSTM, MLP, Conformer, ResNet, Transformer
from suite.features import length_mask
from suite.hardware.flops import count_flops, describe_layers

B, T, D = 3, 10, 6


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


def test_mlp():
    hidden = MLP(SequenceSpec(features=D), width=16, depth=2, context=3, dropout=0.0)
    model = DeepModel(AsSequence(), hidden, PooledHead(16, 5))
    first = T * 2 * (D * 3) * 16  # at each position a window of 3
    second = T * 2 * 16 * 16
    head = 2 * 16 * 5
    assert count_flops(model, _sequences()) == B * (first + second + head)


def test_resnet():
    hidden = ResNet(GridSpec(channels=2, height=8), width=4, depth=1, stages=2, dropout=0.0)
    model = DeepModel(AsGrid(), hidden, PooledHead(8, 5))
    full, half = 8 * 12, 4 * 6  # places of the output, by stage
    entry = full * 2 * (2 * 9) * 4
    stage1 = 2 * full * 2 * (4 * 9) * 4
    stage2 = half * 2 * (4 * 9) * 8 + half * 2 * (8 * 9) * 8
    shortcut = half * 2 * (4 * 1) * 8
    head = 2 * 8 * 5
    assert count_flops(model, _grids()) == B * (entry + stage1 + stage2 + shortcut + head)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_lstm(bidirectional):
    hidden = LSTM(
        SequenceSpec(features=D), width=16, depth=2, bidirectional=bidirectional, dropout=0.0
    )
    model = DeepModel(AsSequence(), hidden, PooledHead(16, 5))
    directions, size = (2, 8) if bidirectional else (1, 16)
    first = directions * T * 2 * 4 * size * (D + size)  # four gates of input and hidden state
    second = directions * T * 2 * 4 * size * (16 + size)
    assert count_flops(model, _sequences()) == B * (first + second + 2 * 16 * 5)


def test_transformer():
    hidden = Transformer(
        SequenceSpec(features=D), width=16, depth=2, heads=2, expansion=4, dropout=0.0
    )
    model = DeepModel(AsSequence(), hidden, FrameHead(16, 5))
    entry = T * 2 * D * 16
    projections = T * 2 * 16 * (3 * 16) + T * 2 * 16 * 16
    attention = 2 * (2 * T * T * 8 + 2 * T * T * 8)  # two heads of 8: scores, and weighted sum
    mlp = T * 2 * 16 * 64 * 2
    head = T * 2 * 16 * 5
    expected = entry + 2 * (projections + attention + mlp) + head
    assert count_flops(model, _sequences()) == B * expected


def test_conformer():
    hidden = Conformer(
        SequenceSpec(features=D), width=16, depth=2, heads=2, kernel=5, expansion=4, dropout=0.0
    )
    model = DeepModel(AsSequence(), hidden, FrameHead(16, 5))
    entry = T * 2 * D * 16
    feed_forward = T * 2 * 16 * 64 * 2
    attention = T * 2 * 16 * (3 * 16) + T * 2 * 16 * 16 + 2 * (2 * T * T * 8 + 2 * T * T * 8)
    convolution = T * 2 * 16 * 32 + T * 2 * 16 * 5 + T * 2 * 16 * 16  # gate, depthwise, output
    head = T * 2 * 16 * 5
    expected = entry + 2 * (2 * feed_forward + attention + convolution) + head
    assert count_flops(model, _sequences()) == B * expected


def test_attention_without_a_mask_counts_the_same():
    class Plain(nn.Module):
        def forward(self, batch):
            x = batch["values_BTD"].unsqueeze(1)
            return torch.nn.functional.scaled_dot_product_attention(x, x, x)

    assert count_flops(Plain(), _sequences()) == B * 4 * T * T * D


@pytest.mark.parametrize("train", [True, False])
def test_torchs_own_lstm_counts_in_either_mode(train):
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(D, 7, 2, batch_first=True, bidirectional=True)

        def forward(self, batch):
            return self.lstm(batch["values_BTD"])[0]

    model = Plain().train(train)
    first, second = 2 * T * 2 * 4 * 7 * (D + 7), 2 * T * 2 * 4 * 7 * (14 + 7)
    assert count_flops(model, _sequences()) == B * (first + second)
    assert model.training is train


def test_counting_leaves_the_model_as_it_was():
    hidden = ResNet(GridSpec(channels=2, height=8), width=4, depth=1, stages=1, dropout=0.5)
    model = DeepModel(AsGrid(), hidden, PooledHead(4, 5))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    count_flops(model, _grids())
    describe_layers(model, _grids())
    assert model.training
    torch.testing.assert_close(model.state_dict(), before, rtol=0, atol=0)
    assert all(not module._forward_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("make", "batch"),
    [
        (lambda: LSTM(SequenceSpec(features=D), width=8, depth=2, bidirectional=True, dropout=0),
         _sequences),
        (lambda: Transformer(SequenceSpec(features=D), width=8, depth=2, heads=2, expansion=2,
                             dropout=0), _sequences),
        (lambda: Conformer(SequenceSpec(features=D), width=8, depth=2, heads=2, kernel=3,
                           expansion=2, dropout=0), _sequences),
        (lambda: ResNet(GridSpec(channels=2, height=8), width=8, depth=1, stages=2, dropout=0),
         _grids),
    ],
    ids=["lstm", "transformer", "conformer", "resnet"],
)  # fmt: skip
def test_layer_table_adds_up_to_the_model(make, batch):
    hidden = make()
    stem = AsGrid() if batch is _grids else AsSequence()
    model = DeepModel(stem, hidden, PooledHead(hidden.features, 5))
    layers = describe_layers(model, batch())
    assert sum(layer.flops for layer in layers) == count_flops(model, batch()) // B
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in model.parameters())
    assert len({layer.name for layer in layers}) == len(layers)
    assert layers[-1].name == "head.output"
    assert (layers[-1].kind, layers[-1].shape) == ("Linear", (B, 5))
    assert layers[-1].parameters == hidden.features * 5 + 5
    assert layers[-1].flops == 2 * hidden.features * 5
