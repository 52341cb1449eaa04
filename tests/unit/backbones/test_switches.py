"""Shortcuts and normalisation taken out of the suite's own backbones."""

import pytest
import torch
from torch import nn

from suite.backbones import MLP, ResNet, Transformer
from suite.features import Grid, GridSpec, Sequence, SequenceSpec, length_mask

SWITCHES = [(True, True), (True, False), (False, True), (False, False)]


def _built(kind, depth, residual, normalise):
    torch.manual_seed(0)
    options = {"dropout": 0.0, "residual": residual, "normalise": normalise, "depth": depth}
    if kind == "resnet":
        spec = GridSpec(channels=2, height=3)
        return ResNet(spec, width=8, stages=1, **options)
    spec = SequenceSpec(features=6)
    if kind == "transformer":
        return Transformer(spec, width=8, heads=2, expansion=2, **options)
    return MLP(spec, width=8, context=1, **options)


def _output(kind, model, examples=3):
    mask = length_mask(torch.tensor([7, 3, 1]), 7)
    values = torch.randn(3, 6, 7, generator=torch.Generator().manual_seed(1))
    if kind == "resnet":
        return model(Grid(values.unflatten(1, (2, 3)), mask)).values_BTD
    return model(Sequence(values.transpose(1, 2), mask)).values_BTD


@pytest.mark.parametrize(("residual", "normalise"), SWITCHES)
@pytest.mark.parametrize("kind", ["mlp", "resnet", "transformer"])
def test_without_normalisation_there_is_none_and_all_weights_learn(kind, residual, normalise):
    model = _built(kind, 2, residual, normalise)
    norms = [m for m in model.modules() if isinstance(m, (nn.LayerNorm, nn.BatchNorm2d))]
    assert bool(norms) is normalise
    if residual and kind == "resnet":  # what starts at zero lets no gradient through at first
        for block in model.blocks:
            nn.init.normal_((block.second.norm or block.second.convolution).weight)
    _output(kind, model).square().sum().backward()
    assert all(bool(p.grad.abs().sum() > 0) for p in model.parameters())


@pytest.mark.parametrize("normalise", [True, False])
def test_what_passes_a_block_at_first(normalise):
    values = torch.rand(2, 8, 4, 4)
    with_shortcut, _ = _built("resnet", 2, True, normalise).blocks[1](values, None)
    without, _ = _built("resnet", 2, False, normalise).blocks[1](values, None)
    assert torch.equal(with_shortcut, values)
    assert without.std() > 0.1


@pytest.mark.parametrize("kind", ["mlp", "transformer"])
def test_without_shortcuts_a_layer_whose_output_is_zero_passes_nothing_on(kind):
    for residual in (True, False):
        model = _built(kind, 2, residual, False)
        with torch.no_grad():
            for parameter in model.layers[1].parameters():
                parameter.zero_()
            assert bool((_output(kind, model) != 0).any()) is residual
