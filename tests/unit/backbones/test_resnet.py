import pytest
import torch
from torch import nn

from suite.backbones import ResNet
from suite.backbones.grid import MaskedBatchNorm
from suite.features import Grid, GridSpec, length_mask


def _filled(norm):
    """Give a normalisation weights and statistics that are not the trivial ones."""
    torch.manual_seed(3)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    norm.running_mean.normal_(mean=2.0)
    norm.running_var.uniform_(0.5, 2.0)
    return norm


@pytest.mark.parametrize("padding", [0.0, 1e3])
def test_masked_norm_equals_torchs_on_the_real_columns(padding):
    ours, theirs = _filled(MaskedBatchNorm(4)), _filled(nn.BatchNorm2d(4))
    values_BCHW = torch.randn(3, 4, 2, 6) * 3 + 5
    length_B = torch.tensor([6, 3, 1])
    mask_BW = length_mask(length_B, 6)
    padded = torch.where(mask_BW[:, None, None, :], values_BCHW, padding)
    # All real columns, side by side, as one example without padding.
    real = torch.cat([values_BCHW[b, ..., :n] for b, n in enumerate(length_B)], -1)[None]
    for _ in range(3):
        output = ours(padded, mask_BW)
        expected = theirs(real)
    got = torch.cat([output[b, ..., :n] for b, n in enumerate(length_B)], -1)[None]
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=1e-4, atol=1e-4)
    assert ours.num_batches_tracked == theirs.num_batches_tracked == 3
    # The gradient, too, is that of the unpadded batch.
    for norm, value in ((ours, got), (theirs, expected)):
        norm.zero_grad()
        (value * torch.arange(value.numel()).view_as(value)).sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, rtol=1e-3, atol=1e-2)
    ours.eval()
    theirs.eval()
    torch.testing.assert_close(ours(values_BCHW, mask_BW), theirs(values_BCHW))


def test_masked_norm_keeps_digits_where_the_mean_is_large():
    ours, theirs = MaskedBatchNorm(1), nn.BatchNorm2d(1)
    values = torch.randn(4, 1, 1, 50) + 1000
    mask = torch.ones(4, 50, dtype=torch.bool)
    for _ in range(100):  # the running mean has to come near first
        output, expected = ours(values, mask), theirs(values)
    torch.testing.assert_close(output, expected, rtol=1e-2, atol=1e-2)


def test_a_block_starts_as_the_identity():
    model = ResNet(GridSpec(channels=1, height=4, width=4), width=4, depth=2, stages=1, dropout=0.0)
    values = torch.rand(2, 4, 4, 4)
    output, _ = model.blocks[1](values, None)
    assert torch.equal(output, values)


@pytest.mark.parametrize(
    ("limit", "stages", "stride"), [(None, 3, 4), (1, 3, 1), (2, 3, 2), (3, 3, 2), (4, 4, 4)]
)
def test_width_stride_keeps_within_the_limit_and_is_what_happens(limit, stages, stride):
    spec = GridSpec(channels=1, height=8, max_width_stride=limit)
    model = ResNet(spec, width=4, depth=1, stages=stages, dropout=0.0)
    assert model.width_stride == stride
    length_B = torch.tensor([13, 6])
    output = model(Grid(torch.randn(2, 1, 8, 13), length_mask(length_B, 13)))
    assert output.values_BTD.shape == (2, -(-13 // stride), 4 * 2 ** (stages - 1))
    assert output.lengths_B().tolist() == [-(-n // stride) for n in (13, 6)]


def test_a_flat_grid_gets_flat_kernels():
    model = ResNet(GridSpec(channels=3, height=1), width=4, depth=1, stages=2, dropout=0.0)
    kernels = {tuple(m.kernel_size) for m in model.modules() if isinstance(m, nn.Conv2d)}
    assert kernels == {(1, 3), (1, 1)}
