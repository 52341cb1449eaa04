"""What holds for every backbone."""

import pytest
import torch

from suite.backbones import LSTM, MLP, Conformer, ConvNet, ResNet, Transformer
from suite.backbones.grid import lay_out
from suite.features import Form, Grid, GridSpec, Sequence, SequenceSpec, length_mask

BUILD = {
    "mlp": lambda spec: MLP(spec, width=8, depth=2, context=3, dropout=0.0),
    "resnet": lambda spec: ResNet(spec, width=8, depth=1, stages=2, dropout=0.0),
    "convnet": lambda spec: ConvNet(spec, width=8, wide=8, depth=2, stages=2, dropout=0.0),
    "lstm": lambda spec: LSTM(spec, width=8, depth=2, bidirectional=True, dropout=0.0),
    "transformer": lambda spec: Transformer(
        spec, width=8, depth=2, heads=2, expansion=2, dropout=0.0
    ),
    "conformer": lambda spec: Conformer(
        spec, width=8, depth=2, heads=2, kernel=3, expansion=2, dropout=0.0
    ),
}
LENGTHS = torch.tensor([7, 3, 1])


def _model(backbone_name, length=None, *, laid_out=True):
    if backbone_name in ("resnet", "convnet"):
        model = BUILD[backbone_name](GridSpec(channels=2, height=3))
    else:
        model = BUILD[backbone_name](SequenceSpec(features=6, length=length))
    for parameter in model.parameters():  # blocks that start at zero would hide differences
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter)
    if laid_out:
        lay_out(model)
    return model


def _inputs(model, values_B6T, length_B):
    """Offer (B, 6, T) in the form that the backbone takes."""
    mask = length_mask(length_B, values_B6T.shape[2])
    if model.takes is Form.GRID:
        return Grid(values_B6T.unflatten(1, (2, 3)), mask)
    return Sequence(values_B6T.transpose(1, 2), mask)


def _real(output):
    """Cut the output into one tensor for each example, without padding."""
    return [
        values[:length]
        for values, length in zip(output.values_BTD, output.lengths_B().tolist(), strict=True)
    ]


@pytest.mark.parametrize("laid_out", [False, True], ids=["plain", "laid_out"])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
def test_padding_changes_nothing(backbone_name, training, laid_out):
    model = _model(backbone_name, laid_out=laid_out)
    values_B6T = torch.randn(3, 6, 7)
    real_B1T = length_mask(LENGTHS, 7).unsqueeze(1)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    outputs, states, gradients = [], [], []
    for amount, filling in ((0, 0.0), (0, 7.0), (5, 0.0), (6, -50.0)):
        model.load_state_dict(state)
        model.train(training)
        model.zero_grad()
        values = torch.where(real_B1T, values_B6T, filling)
        padded = torch.nn.functional.pad(values, (0, amount), value=filling)
        output = model(_inputs(model, padded, LENGTHS))
        sum(row.square().sum() for row in _real(output)).backward()
        outputs.append(torch.cat(_real(output)))
        states.append({k: v.clone() for k, v in model.state_dict().items()})
        gradients.append([p.grad.clone() for p in model.parameters()])
    for other, after, gradient in zip(outputs[1:], states[1:], gradients[1:], strict=True):
        torch.testing.assert_close(other, outputs[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(after, states[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(gradient, gradients[0], rtol=1e-3, atol=1e-3)


def test_example_is_the_same_alone_and_in_a_batch(backbone_name):
    model = _model(backbone_name).eval()
    values_B6T = torch.randn(3, 6, 7)
    together = _real(model(_inputs(model, values_B6T, LENGTHS)))
    for b, length in enumerate(LENGTHS.tolist()):
        inputs = _inputs(model, values_B6T[b : b + 1, :, :length], LENGTHS[b : b + 1])
        (alone,) = _real(model(inputs))
        torch.testing.assert_close(together[b], alone, rtol=1e-4, atol=1e-5)


def test_hidden_layers_are_listed_from_input_to_output(backbone_name):
    model = _model(backbone_name)
    layers = model.hidden_layers()
    assert len(layers) > 1
    assert model not in layers
    listed = [p for layer in layers for p in layer.parameters()]
    assert len(listed) == len(set(listed))
    order = {p: i for i, p in enumerate(model.parameters())}
    firsts = [min(order[p] for p in layer.parameters()) for layer in layers]
    assert firsts == sorted(firsts)


def test_shape_is_the_declared_one(backbone_name):
    model = _model(backbone_name)
    output = model(_inputs(model, torch.randn(3, 6, 7), LENGTHS))
    assert output.values_BTD.shape[2] == model.features
    assert output.values_BTD.shape[1] == -(-7 // model.width_stride)
    assert output.lengths_B().tolist() == [-(-n // model.width_stride) for n in (7, 3, 1)]


def test_gradient_reaches_every_parameter(backbone_name):
    model = _model(backbone_name)
    output = model(_inputs(model, torch.randn(3, 6, 7), LENGTHS))
    torch.cat(_real(output)).square().sum().backward()
    without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum()]
    assert without == []


def test_width_and_depth_are_those_asked_for(backbone_name):
    model = _model(backbone_name)
    deeper = {
        "mlp": lambda m: len(m.layers),
        "resnet": lambda m: len(m.blocks),
        "convnet": lambda m: len(m.stages),
        "lstm": lambda m: len(m.forwards),
        "transformer": lambda m: len(m.layers),
        "conformer": lambda m: len(m.layers),
    }
    assert deeper[backbone_name](model) == 2
    assert model.features == (16 if backbone_name == "resnet" else 8)
