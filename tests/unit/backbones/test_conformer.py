import math

import pytest
import torch

from suite.backbones import Conformer
from suite.features import Sequence, SequenceSpec, length_mask


def _conformer(features=8, depth=1, kernel=3):
    spec = SequenceSpec(features=features)
    model = Conformer(
        spec, width=8, depth=depth, heads=2, kernel=kernel, expansion=3, dropout=0.0
    ).eval()
    for parameter in model.parameters():  # norms that change nothing would hide a missing one
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter)
    return model


def _feed_forward(module, x):
    hidden = module.hidden(module.norm(x))
    return module.output(hidden * hidden.sigmoid())


def _rotated(rows, half):
    """Rotate pairs (i, i + half) of each row by its number * 10000^(-i / half)."""
    out = rows.clone()
    for t in range(len(rows)):
        for i in range(half):
            angle = t * 10_000.0 ** (-i / half)
            a, b = float(rows[t, i]), float(rows[t, i + half])
            out[t, i] = a * math.cos(angle) - b * math.sin(angle)
            out[t, i + half] = a * math.sin(angle) + b * math.cos(angle)
    return out


def _attention(module, x):
    q, k, v = module.query_key_value(module.norm(x)).chunk(3, -1)
    heads = []
    for part in (slice(0, 4), slice(4, 8)):
        weight = (_rotated(q[:, part], 2) @ _rotated(k[:, part], 2).T / 2).softmax(-1)
        heads.append(weight @ v[:, part])
    return module.output(torch.cat(heads, -1))


def _convolution(module, x):
    values, gate = module.gated(module.norm(x)).chunk(2, -1)
    gated = values * gate.sigmoid()
    kernel = module.depthwise.weight[:, 0]  # (D, kernel)
    reach = kernel.shape[1] // 2
    near = torch.zeros_like(gated)
    for t in range(len(gated)):
        for offset in range(-reach, reach + 1):
            if 0 <= t + offset < len(gated):
                near[t] += kernel[:, offset + reach] * gated[t + offset]
    hidden = module.depthwise_norm(near + module.depthwise.bias)
    return module.output(hidden * hidden.sigmoid())


@pytest.mark.parametrize(("features", "kernel"), [(8, 3), (5, 5)])
@torch.no_grad()
def test_equals_the_papers_block_written_out(features, kernel):
    model = _conformer(features, depth=2, kernel=kernel)
    values_BTD, length_B = torch.randn(2, 6, features), torch.tensor([6, 3])
    output = model(Sequence(values_BTD, length_mask(length_B, 6))).values_BTD
    for b, length in enumerate(length_B.tolist()):
        x = model.entry(values_BTD[b, :length])
        for block in model.layers:
            x = x + 0.5 * _feed_forward(block.first, x)
            x = x + _attention(block.attention, x)
            x = x + _convolution(block.convolution, x)
            x = block.norm(x + 0.5 * _feed_forward(block.second, x))
        torch.testing.assert_close(output[b, :length], x, rtol=1e-4, atol=1e-4)


def test_without_a_mask_all_positions_are_real():
    model = _conformer()
    values_BTD = torch.randn(2, 6, 8)
    everything = length_mask(torch.tensor([6, 6]), 6)
    torch.testing.assert_close(
        model(Sequence(values_BTD)).values_BTD,
        model(Sequence(values_BTD, everything)).values_BTD,
    )


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_convolution_sees_its_kernel_and_nothing_else(kernel):
    module = _conformer(kernel=kernel).layers[0].convolution
    values_BTD = torch.randn(1, 9, 8, requires_grad=True)
    module(values_BTD, None)[0, 4].sum().backward()
    seen = (values_BTD.grad.abs().sum((0, 2)) > 0).tolist()
    assert seen == [abs(t - 4) <= kernel // 2 for t in range(9)]


def test_dropout_reaches_every_module():
    model = _conformer().train()
    values_BTD = torch.randn(2, 6, 8)
    block = model.layers[0]
    turned = (torch.ones(6, 2), torch.zeros(6, 2))
    for module, more in (
        (block.first, ()),
        (block.second, ()),
        (block.attention, (None, turned)),
        (block.convolution, (None,)),
    ):
        module.dropout.p = 0.5
        assert (module(values_BTD, *more) == 0).any()
