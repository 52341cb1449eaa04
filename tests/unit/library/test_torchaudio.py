import pytest
import torch
from torchaudio.models import Conformer

from suite.features import (
    BackboneBuilder,
    Form,
    Sequence,
    SequenceSpec,
    Wave,
    WaveSpec,
    length_mask,
)
from suite.library.torchaudio import TorchaudioConformer, TorchaudioWav2Vec2

LENGTHS = torch.tensor([7, 3, 1])


def conformer(**given):
    options = {
        "width": 8, "depth": 2, "heads": 2, "kernel": 3, "expansion": 2, "dropout": 0.0,
        "trainable": "all", **given,
    }  # fmt: skip
    torch.manual_seed(0)
    return TorchaudioConformer(SequenceSpec(features=6), **options)


def wav2vec2(**given):
    options = {
        "width": 16, "depth": 2, "heads": 2, "expansion": 2, "convolution": 8, "dropout": 0.0,
        "sample_rate": 16_000, "trainable": "all", **given,
    }  # fmt: skip
    torch.manual_seed(0)
    return TorchaudioWav2Vec2(WaveSpec(sample_rate=16_000), **options)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
def test_padding_of_the_conformer_changes_nothing(training):
    model = conformer()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    values_BTD = torch.randn(3, 7, 6)
    outputs, states = [], []
    for amount, filling in ((0, 0.0), (0, 7.0), (5, -50.0)):
        model.load_state_dict(state)
        model.train(training)
        real_BT1 = length_mask(LENGTHS, 7).unsqueeze(2)
        padded = torch.where(real_BT1, values_BTD, filling)
        padded = torch.nn.functional.pad(padded, (0, 0, 0, amount), value=filling)
        output = model(Sequence(padded, length_mask(LENGTHS, 7 + amount)))
        outputs.append(output.values_BTD[output.mask_BT])
        states.append({k: v.clone() for k, v in model.state_dict().items()})
    for other, after in zip(outputs[1:], states[1:], strict=True):
        torch.testing.assert_close(other, outputs[0], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(after, states[0], rtol=1e-4, atol=1e-5)
    statistic = "model.conformer_layers.0.conv_module.sequential.3.running_mean"
    assert torch.equal(states[0][statistic], state[statistic]) is not training


@pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])
def test_conformer_without_padding_is_torchaudios(training):
    model = conformer().train(training)
    theirs = Conformer(8, 2, 16, 2, 3)
    named = {
        k.removeprefix("model.").replace("sequential.2.1.", "sequential.2."): v
        for k, v in model.state_dict().items()
        if k.startswith("model.")
    }
    theirs.load_state_dict(named)
    theirs.train(training)
    values_BTD = torch.randn(3, 7, 8)
    model.entry = torch.nn.Identity()
    whole = torch.tensor([7, 7, 7])
    expected, _ = theirs(values_BTD, whole)
    for mask in (None, length_mask(whole, 7)):
        model.model.load_state_dict(
            {k.removeprefix("model."): v for k, v in conformer().state_dict().items()
             if k.startswith("model.")}
        )  # fmt: skip
        output = model(Sequence(values_BTD, mask)).values_BTD
        torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)


def test_padding_of_wav2vec2_changes_nothing():
    model = wav2vec2().eval()
    length_B = torch.tensor([3_000, 1_700, 90])
    values_BS = torch.zeros(3, 4_000)
    for b, length in enumerate(length_B.tolist()):
        values_BS[b, :length] = 0.1 * torch.randn(length)
    padded = model(Wave(values_BS, length_B))
    assert [model.positions(n) for n in length_B.tolist()] == padded.lengths_B().tolist()
    for b, length in enumerate(length_B.tolist()):
        alone = model(Wave(values_BS[b : b + 1, :length], length_B[b : b + 1])).values_BTD[0]
        torch.testing.assert_close(padded.values_BTD[b, : len(alone)], alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("build", [conformer, wav2vec2])
def test_gradient_reaches_every_parameter_and_what_is_frozen_has_none(build):
    def output(model):
        if build is conformer:
            return model(Sequence(torch.randn(2, 5, 6), length_mask(torch.tensor([5, 2]), 5)))
        return model(Wave(torch.randn(2, 900), torch.tensor([900, 500])))

    model = build().train()
    output(model).values_BTD.square().sum().backward()
    assert [n for n, p in model.named_parameters() if p.grad is None] == []
    assert len(model.hidden_layers()) == 2
    frozen = build(trainable="1").train()
    trained = {n for n, p in frozen.named_parameters() if p.requires_grad}
    assert trained
    assert not any(".0." in n and "layers.0" in n for n in trained)
    assert not frozen.hidden_layers()[0].training
    assert frozen.hidden_layers()[1].training


def test_what_they_take_in():
    takes = BackboneBuilder(TorchaudioConformer, {"width": 8}).intake
    assert (takes.forms, takes.width) == ((Form.SEQUENCE,), 8)
    hears = BackboneBuilder(TorchaudioWav2Vec2, {"sample_rate": 8_000}).intake
    assert (hears.forms, hears.sample_rate) == ((Form.WAVE,), 8_000)
