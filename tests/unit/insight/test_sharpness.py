import pytest
import torch
from torch import nn

from suite.insight import sharpness
from suite.insight.sharpness import curvature


class _Point(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.place = nn.Parameter(torch.ones(size, dtype=torch.float64))


def test_planted_eigenvalues_are_found():
    draws = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(60, 60, generator=draws).double())[0]
    value = torch.cat([torch.tensor([-7.0, 30.0]), torch.linspace(-1, 2, 58)]).double()
    matrix = turn @ value.diag() @ turn.T
    found = curvature(_Point(60), lambda m: m.place @ matrix @ m.place / 2, iterations=20)
    assert found.exact
    assert found.largest == pytest.approx(30, abs=1e-6)
    assert found.smallest == pytest.approx(-7, abs=1e-3)
    assert found.largest_within < 1e-3


@pytest.mark.parametrize("exact", [True, False])
def test_ends_of_the_spectrum_of_a_network(exact, monkeypatch):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x, y = torch.randn(20, 3).double(), torch.randn(20, 2).double()

    def loss(model):
        return (model(x) - y).square().mean()

    names = [name for name, _ in model.named_parameters()]
    sizes = [p.numel() for p in model.parameters()]

    def of_flat(flat):
        parts = flat.split(sizes)
        state = {n: v.view_as(p) for n, v, p in zip(names, parts, model.parameters(), strict=True)}
        return (torch.func.functional_call(model, state, x) - y).square().mean()

    flat = torch.cat([p.detach().flatten() for p in model.parameters()])
    true = torch.linalg.eigvalsh(torch.autograd.functional.hessian(of_flat, flat))
    if not exact:
        differences = sharpness._differences
        monkeypatch.setattr(sharpness, "_product", lambda *given: (differences(*given), False))
    before = flat.clone()
    found = curvature(model, loss, iterations=26)
    assert found.exact is exact
    assert found.largest == pytest.approx(float(true[-1]), rel=1e-5)
    assert found.smallest == pytest.approx(float(true[0]), rel=1e-4)
    after = torch.cat([p.detach().flatten() for p in model.parameters()])
    assert torch.allclose(before, after, rtol=0, atol=1e-14)


def test_where_a_kernel_has_no_second_derivative_differences_are_taken():
    class Scores(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.scores = nn.Parameter(torch.randn(6, 1, 3, dtype=torch.float64))

    def loss(model):
        probabilities = model.scores.log_softmax(-1)
        target = torch.tensor([[1, 2]])
        return nn.functional.ctc_loss(probabilities, target, torch.tensor([6]), torch.tensor([2]))

    found = curvature(Scores(), loss)
    assert not found.exact
    assert found.largest > 0.01
