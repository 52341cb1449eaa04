import pytest
import torch
from torch import nn

from suite.backbones import LSTM, MLP, Conformer, ConvNet, ResNet, Transformer
from suite.features import DeepModel, GridSpec, PooledHead, SequenceSpec
from suite.training.depth import rate_shares
from suite.training.optimizers import adam, adamw, muon, sgd

SEQUENCE = SequenceSpec(features=6)
BACKBONES = {
    "mlp": MLP(SEQUENCE, width=8, depth=3, context=1, dropout=0.0),
    "lstm": LSTM(SEQUENCE, width=8, depth=3, bidirectional=True, dropout=0.0),
    "transformer": Transformer(SEQUENCE, width=8, depth=3, heads=2, expansion=2, dropout=0.0),
    "conformer": Conformer(SEQUENCE, width=8, depth=3, heads=2, expansion=2, kernel=3, dropout=0.0),
    "convnet": ConvNet(
        GridSpec(channels=2, height=4), width=8, wide=8, depth=1, stages=3, dropout=0.0
    ),
    "resnet": ResNet(GridSpec(channels=2, height=4), width=8, depth=1, stages=3, dropout=0.0),
}
BUILD = {
    "sgd": lambda m, d: sgd(
        m, lr=1.0, momentum=0.9, nesterov=True, weight_decay=0.1, layer_decay=d
    ),
    "adam": lambda m, d: adam(
        m, lr=1.0, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1, layer_decay=d
    ),
    "adamw": lambda m, d: adamw(
        m, lr=1.0, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1, layer_decay=d
    ),
    "muon": lambda m, d: muon(
        m, lr=1.0, adamw_lr=1.0, momentum=0.9, weight_decay=0.1, layer_decay=d
    ),
}


def deep(name):
    backbone = BACKBONES[name]
    return DeepModel(nn.Linear(2, 6), backbone, PooledHead(backbone.features, 3))


@pytest.mark.parametrize("name", BACKBONES)
def test_head_has_the_full_rate_and_each_layer_below_half_of_the_one_above(name):
    model = deep(name)
    shares = rate_shares(model, 0.5)
    assert set(shares) == set(model.parameters())
    assert {shares[p] for p in model.head.parameters()} == {1.0}
    assert {shares[p] for p in model.stem.parameters()} == {0.5**4}
    for depth, layer in enumerate(model.backbone.hidden_layers()):
        assert {shares[p] for p in layer.parameters()} == {0.5 ** (3 - depth)}
    assert len(model.backbone.hidden_layers()) == 3


def test_what_surrounds_the_layers_goes_with_input_and_head():
    model = deep("transformer")
    shares = rate_shares(model, 0.5)
    assert shares[model.backbone.entry.weight] == 0.5**4
    assert shares[model.backbone.norm.weight] == 1.0
    front = deep("resnet")
    assert rate_shares(front, 0.5)[front.backbone.entry.convolution.weight] == 0.5**4


def test_without_decay_and_without_layers_all_are_equal():
    assert set(rate_shares(deep("mlp"), 1.0).values()) == {1.0}
    assert set(rate_shares(nn.Linear(2, 2), 0.5).values()) == {1.0}


@pytest.mark.parametrize("optimizer", BUILD)
def test_optimizers_scale_every_parameter_once(optimizer):
    model = deep("transformer")
    shares = rate_shares(model, 0.5)
    optimizers = BUILD[optimizer](model, 0.5)
    optimizers.scale_rates(0.25)
    seen = {
        p: (group["lr"], group["weight_decay"])
        for member in optimizers.members
        for group in member.param_groups
        for p in group["params"]
    }
    assert seen == {p: (0.25 * shares[p], 0.1 if p.ndim >= 2 else 0.0) for p in model.parameters()}
    groups = sum(len(member.param_groups) for member in optimizers.members)
    BUILD[optimizer](model, 1.0)
    assert groups > sum(len(m.param_groups) for m in BUILD[optimizer](model, 1.0).members)


def test_a_step_of_sgd_by_hand():
    model = deep("mlp")
    weights = {
        "stem": model.stem.bias, "first": model.backbone.layers[0][0].bias,
        "head": model.head.output.bias,
    }  # fmt: skip
    before = {name: w.detach().clone() for name, w in weights.items()}
    (member,) = sgd(
        model, lr=0.1, momentum=0.0, nesterov=False, weight_decay=0.0, layer_decay=0.5
    ).members
    for weight in weights.values():
        weight.grad = torch.ones_like(weight)
    member.step()
    for name, rate in (("stem", 0.1 / 16), ("first", 0.1 / 8), ("head", 0.1)):
        moved = before[name] - weights[name].detach()
        torch.testing.assert_close(moved, torch.full_like(moved, rate))
