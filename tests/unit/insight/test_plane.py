import numpy as np
import pytest
import torch

from suite.insight.plane import main_plane, random_plane, walk_shares


def _weights(vector):
    return {"a": vector[:6].view(2, 3), "b": vector[6:]}


def test_path_in_a_plane_is_found_with_its_distances():
    draws = torch.Generator().manual_seed(0)
    u, v = torch.linalg.qr(torch.randn(10, 2, generator=draws).double())[0].T
    path = [_weights(a * u + b * v) for a, b in [(0, 0), (3, 1), (5, 4), (9, 4)]]
    plane = main_plane(path, path[-1])
    assert sum(plane.explained) == pytest.approx(1)
    places = np.array(plane.path)
    assert places[-1] == pytest.approx([0, 0])
    lengths = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert lengths == pytest.approx([10**0.5, 13**0.5, 4])
    first, second = plane.directions
    assert sum(float((first[n] * second[n]).sum()) for n in first) == pytest.approx(0, abs=1e-9)
    assert sum(float(first[n].square().sum()) for n in first) == pytest.approx(1)


def test_walk_without_direction_is_told_by_chance():
    """Steps at random in many dimensions: what is explained is what chance gives, and no more."""
    draws = torch.Generator().manual_seed(1)
    steps = torch.randn(14, 20_000, generator=draws) * torch.linspace(0.5, 2, 14)[:, None]
    path = [{"w": place} for place in torch.cat([torch.zeros(1, 20_000), steps.cumsum(0)])]
    plane = main_plane(path, path[-1])
    assert plane.explained == pytest.approx(plane.by_chance, abs=0.02)
    assert sum(plane.explained) > 0.7


def test_many_equal_steps_of_a_walk_have_what_is_known_of_them():
    """Antognini and Sohl-Dickstein 2018: 6 / (pi k)^2 of the variance."""
    first, second = walk_shares([1.0] * 400)
    assert first == pytest.approx(6 / np.pi**2, abs=0.005)
    assert second == pytest.approx(6 / (2 * np.pi) ** 2, abs=0.005)


def test_random_directions_are_as_large_as_each_filter():
    best = {"kernel": torch.randn(4, 3, 2, 2) * torch.tensor([1.0, 2, 3, 0])[:, None, None, None]}
    best["bias"] = torch.ones(4)
    plane = random_plane(best)
    assert plane.random
    first, second = plane.directions
    norms = best["kernel"].flatten(1).norm(dim=1)
    assert torch.allclose(first["kernel"].flatten(1).norm(dim=1), norms, atol=1e-5)
    assert not first["bias"].any()
    assert float((first["kernel"] * second["kernel"]).sum()) == pytest.approx(0, abs=1e-5)
