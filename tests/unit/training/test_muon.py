import pytest
import torch

from suite.training.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(8, 8), (8, 32), (32, 8), (16, 64)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    matrix = torch.randn(shape) * 10
    result = orthogonalise(matrix)
    assert result.shape == shape
    values = torch.linalg.svdvals(result)
    assert float(values.min()) > 0.3
    assert float(values.max()) < 1.3
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    aligned = (u.T @ result @ vh.T).diagonal()
    torch.testing.assert_close(aligned, (u.T @ result @ vh.T).sum(1), rtol=1e-3, atol=1e-3)
    assert float(aligned.min()) > 0.3


def test_scale_does_not_matter_and_zero_stays_zero():
    matrix = torch.randn(4, 6)
    torch.testing.assert_close(
        orthogonalise(matrix), orthogonalise(matrix * 1000), atol=1e-3, rtol=0
    )
    assert orthogonalise(torch.zeros(3, 3)).abs().sum() == 0


def test_two_steps_by_hand():
    weight = torch.nn.Parameter(torch.randn(6, 2, 3))  # a kernel: 6 rows, 6 columns
    tall = torch.nn.Parameter(torch.randn(8, 2))
    optimizer = Muon([weight, tall], lr=0.1, momentum=0.9, weight_decay=0.5)
    momentum = [torch.zeros(6, 6), torch.zeros(8, 2)]
    for _ in range(2):
        expected = []
        for index, parameter in enumerate((weight, tall)):
            parameter.grad = torch.randn_like(parameter)
            gradient = parameter.grad.flatten(1)
            momentum[index] = 0.9 * momentum[index] + 0.1 * gradient
            nesterov = 0.1 * gradient + 0.9 * momentum[index]
            scale = (1.0, 2.0)[index]  # sqrt(max(1, 8 / 2))
            step = orthogonalise(nesterov) * scale
            decayed = parameter.detach() * (1 - 0.1 * 0.5)
            expected.append(decayed - 0.1 * step.view_as(parameter))
        optimizer.step()
        torch.testing.assert_close([weight.detach(), tall.detach()], expected)


def test_parameter_without_gradient_stays():
    weight = torch.nn.Parameter(torch.ones(2, 2))
    Muon([weight], lr=0.1, momentum=0.9, weight_decay=0.5).step()
    assert torch.equal(weight, torch.ones(2, 2))
