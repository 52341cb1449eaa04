"""The plane in which a training moved most, and the loss over it.

Li et al. 2018, "Visualizing the loss landscape of neural nets", section 7: the two main components
of the weights along the way. They hold much of the variance of *any* path in many dimensions, also
of one that goes nowhere in particular (Antognini and Sohl-Dickstein 2018): what a walk of the same
steps in directions that have nothing to do with each other would have is told beside it. Without
weights along the way the plane is spanned by two random directions that are as large as each filter
(their section 4).

Legend: S points of the path, P parameters.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.linalg import vector_norm

from suite.insight.surface import Surface, Weights
from suite.task import Split

_MARGIN = 0.25
"""Room around the path, as a share of its extent."""
_REACH = 1.0
"""How far a random plane goes each way: filters as large as the model's own."""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Two directions at right angles through the best weights.

    path: where the weights along the way lie on it, in order; empty where it is random.
    explained: share of the path's variance along each direction. by_chance: both shares of a walk
        of the same steps whose directions are random.
    """

    directions: tuple[Weights, Weights]
    path: Sequence[tuple[float, float]]
    explained: tuple[float, float]
    by_chance: tuple[float, float]

    @property
    def random(self) -> bool:
        """Whether no path is behind it."""
        return not self.path


@dataclass(frozen=True, kw_only=True)
class Map:
    """Mean losses over a plane: loss[row][column] is at (x[column], y[row])."""

    x: Sequence[float]
    y: Sequence[float]
    loss: Sequence[Sequence[float]]


def main_plane(path: Sequence[Weights], best: Weights) -> Plane:
    """Return the plane of the path's two main components; it takes three points that differ."""
    names = list(best)
    apart = [{n: point[n].double() - best[n].double() for n in names} for point in path]
    mean = {n: torch.stack([one[n] for one in apart]).mean(0) for n in names}
    gram_SS = _gram([{n: one[n] - mean[n] for n in names} for one in apart])
    value_S, vector_SS = np.linalg.eigh(gram_SS)
    # Largest first; eigenvectors say how much of each point a direction is.
    value_S, vector_SS = value_S[::-1].clip(min=0), vector_SS[:, ::-1]
    directions = []
    for k in range(2):
        weight_S = vector_SS[:, k] * np.sign(vector_SS[-1, k] or 1.0)
        drawn = {
            n: sum(float(w) * (one[n] - mean[n]) for w, one in zip(weight_S, apart, strict=True))
            for n in names
        }
        norm = max(float(np.sqrt(value_S[k])), 1e-30)
        directions.append({n: torch.as_tensor(drawn[n]) / norm for n in names})
    places = [(_dot(one, directions[0]), _dot(one, directions[1])) for one in apart]
    total = max(float(value_S.sum()), 1e-30)
    steps = [
        float(sum((b[n] - a[n]).square().sum() for n in names)) ** 0.5
        for a, b in itertools.pairwise(apart)
    ]
    return Plane(
        directions=(directions[0], directions[1]),
        path=places,
        explained=(float(value_S[0]) / total, float(value_S[1]) / total),
        by_chance=walk_shares(steps),
    )


def walk_shares(steps: Sequence[float]) -> tuple[float, float]:
    """Return the share of variance of the two main components of a walk of steps of these lengths.

    Each step is at right angles to all others, as random ones are in many dimensions.
    """
    lengths = np.asarray(steps, dtype=np.float64)
    place = np.vstack([np.zeros(len(lengths)), np.tril(np.tile(lengths, (len(lengths), 1)))])
    place -= place.mean(0)
    value = np.linalg.eigvalsh(place @ place.T)[::-1].clip(min=0)
    total = max(float(value.sum()), 1e-30)
    return float(value[0]) / total, float(value[1]) / total if len(value) > 1 else 0.0


def random_plane(best: Weights, *, seed: int = 0) -> Plane:
    """Return two random directions, of each filter's own norm; vectors have none."""
    draws = torch.Generator().manual_seed(seed)
    first, second = (_filters(best, draws) for _ in range(2))
    # At right angles: two random ones in many dimensions nearly are.
    share = _dot(second, first) / max(_dot(first, first), 1e-30)
    second = {n: v - share * first[n] for n, v in second.items()}
    return Plane(directions=(first, second), path=(), explained=(0.0, 0.0), by_chance=(0.0, 0.0))


def loss_map(surface: Surface, plane: Plane, best: Weights, *, side: int = 13) -> Map:
    """Return the training loss at side x side points of a plane, around its path."""
    extent = _extent(plane)
    x, y = (np.linspace(low, high, side).tolist() for low, high in extent)
    first, second = plane.directions
    rows = []
    for along_second in y:
        row = []
        for along_first in x:
            surface.put(
                {n: w + along_first * first[n] + along_second * second[n] for n, w in best.items()}
            )
            row.append(surface.height(Split.TRAIN).mean)
        rows.append(row)
    return Map(x=x, y=y, loss=rows)


def _extent(plane: Plane) -> list[tuple[float, float]]:
    if plane.random:
        return [(-_REACH, _REACH)] * 2
    extent = []
    for axis in range(2):
        values = [0.0, *(place[axis] for place in plane.path)]
        room = _MARGIN * max(max(values) - min(values), 1e-12)
        extent.append((min(values) - room, max(values) + room))
    return extent


def _filters(best: Weights, draws: torch.Generator) -> dict[str, Tensor]:
    drawn = {}
    for name, weight in best.items():
        v = torch.zeros_like(weight)
        if weight.ndim > 1:
            v = torch.randn(weight.shape, generator=draws).to(weight)
            axes = tuple(range(1, weight.ndim))
            v = v / vector_norm(v, dim=axes, keepdim=True).clamp(min=1e-12)
            v = v * vector_norm(weight, dim=axes, keepdim=True)
        drawn[name] = v
    return drawn


def _gram(points: Sequence[Mapping[str, Tensor]]) -> NDArray[np.float64]:
    gram_SS = torch.zeros(len(points), len(points), dtype=torch.float64)
    for name in points[0]:
        flat_SP = torch.stack([point[name].flatten() for point in points])
        gram_SS += (flat_SP @ flat_SP.T).cpu()
    return np.asarray(gram_SS.numpy())


def _dot(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    return float(sum((one[n] * other[n]).sum() for n in one))
