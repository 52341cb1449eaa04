"""The layout of convolutions: where it is safe, and what is told of it."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from suite.backbones import MLP, ConvNet, ResNet
from suite.backbones.grid import MaskedBatchNorm, lay_out, plain_because, unsafe
from suite.features import Grid, GridSpec, SequenceSpec

IMAGE = GridSpec(channels=1, height=8, width=8)
TRAIN = """
import torch
from suite.backbones import ConvNet, ResNet
from suite.backbones.grid import lay_out
from suite.features import Grid, GridSpec, length_mask
from suite.hardware.device import keep_memory

torch.set_num_threads(1)
keep_memory()  # what is written beyond a block then ends the process
for width in range(1, 17):
    for channels, height in ((1, 8), (3, 5), (2, 1)):
        spec = GridSpec(channels=channels, height=height)
        for model in (
            ResNet(spec, width=width, depth=1, stages=3, dropout=0.0),
            ConvNet(spec, width=width, wide=width, depth=2, stages=2, dropout=0.0),
        ):
            lay_out(model)
            for number, mask in (
                (torch.float32, None),
                (torch.bfloat16, None),
                (torch.float32, length_mask(torch.tensor([38, 20, 4, 1]), 38)),
            ):
                for _ in range(2):
                    values = torch.randn(4, channels, height, 38)
                    with torch.autocast("cpu", number, enabled=number == torch.bfloat16):
                        output = model(Grid(values, mask)).values_BTD.float()
                    output.square().sum().backward()
                    assert output.isfinite().all()
print("done")
"""


def _resnet(width, spec=IMAGE):
    return ResNet(spec, width=width, depth=1, stages=2, dropout=0.0)


def _is_last(values):
    return values.is_contiguous(memory_format=torch.channels_last) and not values.is_contiguous()


def test_every_width_trains():
    # In a process of its own: what is guarded against would end this one.
    done = subprocess.run([sys.executable, "-c", TRAIN], capture_output=True, text=True)
    assert done.stdout == "done\n", done.stderr[-2000:]


@pytest.mark.parametrize("build", ["resnet", "convnet"])
def test_channels_come_last_from_the_first_convolution_on(build):
    model = (
        _resnet(8)
        if build == "resnet"
        else ConvNet(IMAGE, width=8, wide=8, depth=1, stages=2, dropout=0.0)
    )
    lay_out(model)
    layouts = []
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda m, i, output: layouts.append(_is_last(output)))
    model(Grid(torch.randn(2, 1, 8, 8)))
    assert len(layouts) > 1
    assert all(layouts)


def test_layout_changes_last_bits_only():
    model = _resnet(8)
    values = torch.randn(4, 1, 8, 8)
    outputs, gradients = [], []
    for _ in range(2):
        model.zero_grad()
        output = model(Grid(values)).values_BTD
        output.square().sum().backward()
        outputs.append(output)
        gradients.append([p.grad.clone() for p in model.parameters()])
        lay_out(model)
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-3)


STEPPING = "torch crashes in a 1x1 convolution with a stride on 15 channels"


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (_resnet(4), ""),
        (nn.Conv2d(15, 16, 3, stride=2), ""),
        (nn.Conv2d(15, 16, 1), ""),
        (nn.Sequential(nn.Conv2d(3, 15, 3), nn.Conv2d(15, 16, 1, stride=(1, 2))), STEPPING),
        (nn.Sequential(nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 1, stride=2)), ""),
        (_resnet(8, GridSpec(channels=3, height=1)), ""),
        (
            MLP(SequenceSpec(features=2), width=4, depth=1, context=1, dropout=0.0),
            "no convolution over a grid",
        ),
    ],
)
def test_plain_layout_has_a_reason(model, told):
    assert plain_because(model) == told
    assert unsafe(model) == (told if told.startswith("torch") else "")
    lay_out(model)
    kernels = [m.weight for m in model.modules() if isinstance(m, nn.Conv2d)]
    # One whose kernel is a single value has no layout of its own.
    assert all(k.is_contiguous(memory_format=torch.channels_last) for k in kernels) or told


def test_own_networks_have_no_convolution_that_crashes():
    assert not unsafe(_resnet(4))
    assert not unsafe(ConvNet(IMAGE, width=4, wide=8, depth=1, stages=2, dropout=0.0))


def test_shortcut_reads_what_a_kernel_with_a_stride_would():
    values = torch.randn(2, 4, 7, 6)
    (_, block) = _resnet(4).blocks
    shortcut, _ = block.shortcut(values, None)
    kernel = block.shortcut.convolution.weight
    expected = nn.functional.conv2d(values, kernel, stride=(2, 2))
    torch.testing.assert_close(shortcut, block.shortcut.norm(expected))


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
@pytest.mark.parametrize("shape", [(3, 8, 1, 5), (3, 8, 5, 1), (3, 8, 1, 1), (3, 8, 2, 3)])
def test_gradients_of_normalisation_are_right_in_any_layout(shape, training):
    torch.manual_seed(0)
    channels, (height, width) = shape[1], shape[2:]
    values, weight = (torch.randn(shape, dtype=torch.float64) for _ in range(2))
    # Channels last in all but the side of 1, whose stride says nothing: so come gradients from
    # an average over the height.
    strides = (height * width * channels, 1, 1000 * channels, channels)
    if height > 1:
        strides = (height * width * channels, 1, width * channels, channels)
    strided = torch.empty(10**5, dtype=torch.float64).as_strided(shape, strides)
    found = []
    for gradient in (weight, strided.copy_(weight)):
        norm = MaskedBatchNorm(channels).double().train(training)
        torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
        inputs = values.clone().requires_grad_()
        norm(inputs).backward(gradient)
        found.append([inputs.grad, *(p.grad for p in norm.parameters()), norm.running_var])
    torch.testing.assert_close(found[1], found[0])
    assert torch.autograd.gradcheck(norm.eval(), values.clone().requires_grad_())


def test_a_grid_with_a_side_of_1_moves_the_statistics_as_any_other():
    torch.manual_seed(0)
    values = torch.randn(3, 8, 1, 6) * 3 + 1
    ours, theirs = MaskedBatchNorm(8), torch.nn.BatchNorm2d(8)
    torch.testing.assert_close(ours(values), theirs(values))
    for name, buffer in theirs.named_buffers():
        torch.testing.assert_close(dict(ours.named_buffers())[name], buffer)
