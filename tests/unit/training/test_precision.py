import pytest
import torch
from torch import nn

from suite.config import Number, PrecisionConfig
from suite.errors import DeviceError
from suite.training.optimizers import Optimizers, sgd
from suite.training.precision import Precision, clip_gradient

CPU = torch.device("cpu")


def test_half_precision_needs_a_gpu():
    with pytest.raises(DeviceError, match=r"precision\.number=fp16: needs CUDA.*cpu.*fp32 or bf16"):
        Precision(PrecisionConfig(number=Number.fp16), CPU)


@pytest.mark.parametrize(("number", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_run_in_the_format_and_weights_stay(number, dtype):
    precision = Precision(PrecisionConfig(number=Number(number)), CPU)
    layer = nn.Linear(2, 2)
    with precision.autocast():
        output = layer(torch.ones(1, 2))
    assert output.dtype == dtype
    precision.backward(output.float().sum())
    assert layer.weight.grad.dtype == torch.float32
    optimizers = sgd(layer, lr=1.0, momentum=0.0, nesterov=False, weight_decay=0.0)
    before = layer.weight.detach().clone()
    precision.unscale(optimizers)
    precision.step(optimizers)
    torch.testing.assert_close(layer.weight.detach(), before - 1)


@pytest.mark.parametrize("bad", [float("inf"), float("nan")])
def test_where_one_gradient_overflows_no_optimizer_steps(bad):
    precision = Precision(PrecisionConfig(), CPU)
    precision.scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    first, second = nn.Linear(1, 1), nn.Linear(1, 1)
    both = nn.ModuleList([first, second])
    optimizers = Optimizers(*(torch.optim.SGD(layer.parameters(), lr=1.0) for layer in both))
    before = [p.detach().clone() for p in both.parameters()]
    for factor in (bad, 1.0):
        precision.backward(sum(layer(torch.ones(1, 1)).sum() for layer in both))
        first.weight.grad *= factor
        precision.unscale(optimizers)
        clip_gradient(both, 1.0)
        precision.step(optimizers)
        optimizers.zero_grad()
        if factor is bad:
            assert all(map(torch.equal, both.parameters(), before))
            assert precision.scaler.get_scale() == 2.0
    # Four gradients of 1, unscaled and clipped to a norm of 1.
    for weight, old in zip(both.parameters(), before, strict=True):
        torch.testing.assert_close(weight.detach(), old - 0.5)


def test_clip_scales_the_whole_gradient_to_the_norm():
    layer = nn.Linear(1, 1)
    layer.weight.grad, layer.bias.grad = torch.tensor([[3.0]]), torch.tensor([4.0])
    assert float(clip_gradient(layer, 1.0)) == pytest.approx(5.0)
    assert layer.weight.grad.item() == pytest.approx(0.6, rel=1e-4)
    assert layer.bias.grad.item() == pytest.approx(0.8, rel=1e-4)
    assert float(clip_gradient(layer, 10.0)) == pytest.approx(1.0, rel=1e-4)
    assert layer.bias.grad.item() == pytest.approx(0.8, rel=1e-4)
    assert clip_gradient(layer, None) is None
