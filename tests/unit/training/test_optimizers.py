import copy

import pytest
import torch
from torch import nn

from suite.training.muon import Muon
from suite.training.optimizers import adam, adamw, muon, sgd

ADAM = {"lr": 0.01, "beta1": 0.9, "beta2": 0.99, "eps": 1e-8}


def _model():
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Conv1d(4, 2, 3))


def _with_gradients(model):
    torch.manual_seed(5)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)


@pytest.mark.parametrize(
    "build",
    [
        lambda m: sgd(m, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.3),
        lambda m: adam(m, weight_decay=0.3, **ADAM),
        lambda m: adamw(m, weight_decay=0.3, **ADAM),
    ],
)
def test_matrices_and_kernels_decay_and_vectors_do_not(build):
    model = _model()
    (member,) = build(model).members
    seen = {}
    for group in member.param_groups:
        for parameter in group["params"]:
            assert parameter not in seen
            seen[parameter] = group["weight_decay"]
    assert seen == {p: 0.3 if p.ndim >= 2 else 0.0 for p in model.parameters()}


def test_two_steps_of_nesterov_by_hand():
    weight = nn.Parameter(torch.tensor([[2.0]]))
    model = nn.Module()
    model.weight = weight
    optimizers = sgd(model, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.5)
    weight.grad = torch.tensor([[1.0]])
    optimizers.members[0].step()
    # gradient 1 + 0.5 * 2 = 2; momentum 2; step 0.1 * (2 + 0.9 * 2) = 0.38
    assert weight.item() == pytest.approx(1.62)
    weight.grad = torch.tensor([[1.0]])
    optimizers.members[0].step()
    # gradient 1.81; momentum 1.8 + 1.81 = 3.61; step 0.1 * (1.81 + 3.249) = 0.5059
    assert weight.item() == pytest.approx(1.62 - 0.5059)


def test_adamw_by_hand_and_as_torchs_without_fusing():
    model = nn.Module()
    model.weight = nn.Parameter(torch.tensor([[2.0]]))
    optimizers = adamw(model, weight_decay=0.5, **ADAM)
    model.weight.grad = torch.tensor([[3.0]])
    optimizers.members[0].step()
    # Decay first, then a first step of lr whatever the gradient.
    assert model.weight.item() == pytest.approx(2.0 * (1 - 0.01 * 0.5) - 0.01, rel=1e-5)

    ours, theirs = _model(), _model()
    theirs.load_state_dict(ours.state_dict())
    optimizers = adamw(ours, weight_decay=0.0, **ADAM)
    reference = torch.optim.AdamW(
        theirs.parameters(), lr=0.01, betas=(0.9, 0.99), weight_decay=0.0, foreach=False
    )
    for _ in range(3):
        _with_gradients(ours)
        _with_gradients(theirs)
        optimizers.members[0].step()
        reference.step()
    torch.testing.assert_close(ours.state_dict(), theirs.state_dict())


def test_adam_adds_its_decay_to_the_gradient():
    model = nn.Module()
    model.weight = nn.Parameter(torch.tensor([[2.0]]))
    optimizers = adam(model, weight_decay=0.5, **ADAM)
    model.weight.grad = torch.tensor([[-1.0]])  # cancelled by 0.5 * 2
    optimizers.members[0].step()
    assert model.weight.item() == pytest.approx(2.0)


def test_muon_takes_the_matrices_of_the_hidden_layers():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Linear(3, 4)
            self.backbone = nn.Sequential(nn.Linear(4, 4), nn.Conv1d(4, 4, 3), nn.LayerNorm(4))
            self.head = nn.Linear(4, 2)

    model = Deep()
    optimizers = muon(model, lr=0.02, adamw_lr=0.001, momentum=0.95, weight_decay=0.1)
    hidden, rest = optimizers.members
    assert isinstance(hidden, Muon)
    held = {p for group in hidden.param_groups for p in group["params"]}
    assert held == {model.backbone[0].weight, model.backbone[1].weight}
    others = {p for group in rest.param_groups for p in group["params"]}
    assert held | others == set(model.parameters())
    assert not held & others
    assert optimizers.peaks == [[0.02], [0.001, 0.001]]
    assert [group["weight_decay"] for group in rest.param_groups] == [0.1, 0.0]


def test_muon_of_a_model_without_backbone_takes_all_matrices():
    model = _model()
    hidden, _ = muon(model, lr=0.02, adamw_lr=0.001, momentum=0.95, weight_decay=0.1).members
    held = {p for group in hidden.param_groups for p in group["params"]}
    assert held == {p for p in model.parameters() if p.ndim >= 2}


def test_rates_are_shares_of_their_peaks():
    model = _model()
    optimizers = muon(model, lr=0.02, adamw_lr=0.001, momentum=0.95, weight_decay=0.1)
    for factor in (0.5, 0.1, 1.0):  # not compounded
        optimizers.scale_rates(factor)
        rates = [g["lr"] for member in optimizers.members for g in member.param_groups]
        assert rates == pytest.approx([0.02 * factor, 0.001 * factor])


def test_state_goes_on_where_it_was():
    one = _model()
    first = adamw(one, weight_decay=0.1, **ADAM)
    _with_gradients(one)
    first.members[0].step()
    two = _model()
    two.load_state_dict(one.state_dict())
    second = adamw(two, weight_decay=0.1, **ADAM)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for model, optimizers in ((one, first), (two, second)):
        _with_gradients(model)
        optimizers.members[0].step()
        optimizers.zero_grad()
    torch.testing.assert_close(one.state_dict(), two.state_dict(), rtol=0, atol=0)
    assert all(p.grad is None for p in one.parameters())
