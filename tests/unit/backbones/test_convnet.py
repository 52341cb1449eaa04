import pytest
import torch
from torch import nn

from suite.backbones import ConvNet, ResNet
from suite.features import Grid, GridSpec, length_mask


@pytest.mark.parametrize(("limit", "stages", "stride"), [(None, 3, 8), (1, 3, 1), (2, 3, 2)])
def test_width_stride_keeps_within_the_limit_and_is_what_happens(limit, stages, stride):
    spec = GridSpec(channels=1, height=8, max_width_stride=limit)
    model = ConvNet(spec, width=8, wide=16, depth=2, stages=stages, dropout=0.0)
    assert model.width_stride == stride
    length_B = torch.tensor([13, 6])
    output = model(Grid(torch.randn(2, 1, 8, 13), length_mask(length_B, 13)))
    assert output.values_BTD.shape == (2, -(-13 // stride), 16)
    assert output.lengths_B().tolist() == [-(-n // stride) for n in (13, 6)]


def test_kernels_start_as_the_identity():
    model = ConvNet(
        GridSpec(channels=8, height=4, width=4), width=8, wide=8, depth=2, stages=1, dropout=0.0
    )
    values = torch.randn(2, 8, 4, 4)
    for convolution in model.stages[0].convolutions:
        torch.testing.assert_close(convolution(values), values)


def test_more_channels_out_than_in_keep_the_input_among_them():
    model = ConvNet(
        GridSpec(channels=3, height=4, width=4), width=8, wide=8, depth=1, stages=1, dropout=0.0
    )
    values = torch.randn(2, 3, 4, 4)
    output = model.stages[0].convolutions[0](values)
    torch.testing.assert_close(output[:, :3], values)
    assert output[:, 3:].abs().sum() > 0


def test_a_flat_grid_gets_flat_kernels_and_keeps_its_height():
    model = ConvNet(GridSpec(channels=3, height=1), width=8, wide=8, depth=1, stages=2, dropout=0.0)
    kernels = {tuple(m.kernel_size) for m in model.modules() if isinstance(m, nn.Conv2d)}
    assert kernels == {(1, 3)}
    assert model(Grid(torch.randn(2, 3, 1, 8))).values_BTD.shape == (2, 2, 8)


@pytest.mark.parametrize("kind", [ConvNet, ResNet])
def test_a_larger_first_kernel_keeps_the_grid(kind):
    options = {"wide": 8} if kind is ConvNet else {}
    spec = GridSpec(channels=3, height=8, width=8)
    built = [
        kind(spec, width=4, depth=2, stages=2, dropout=0.0, **options, **kernel)
        for kernel in ({}, {"kernel": 7})
    ]
    shapes = [model(Grid(torch.randn(2, 3, 8, 8))).values_BTD.shape for model in built]
    assert shapes[0] == shapes[1]
    sides = [
        [m.kernel_size[0] for m in model.modules() if isinstance(m, nn.Conv2d)] for model in built
    ]
    assert (sides[0][0], sides[1][0]) == (3, 7)
    assert sides[0][1:] == sides[1][1:]
