"""How curved the loss is: the ends of its Hessian's spectrum, by Lanczos iteration.

Products of the Hessian with a vector take two backward passes (Pearlmutter 1994); so many of them
as there are iterations find the largest eigenvalue of millions (Lanczos 1950), and how far off it
can be at most. All in float64.

Legend: M iterations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from suite.insight.double import in_double

LossOfModel = Callable[[nn.Module], Tensor]


@dataclass(frozen=True, kw_only=True)
class Curvature:
    """The largest and the smallest eigenvalue, each with how far from it a true one is at most.

    exact: second derivatives; else differences of gradients, where a kernel has none (CTC).
    """

    largest: float
    largest_within: float
    smallest: float
    smallest_within: float
    iterations: int
    exact: bool


def curvature(
    model: nn.Module, loss: LossOfModel, *, iterations: int = 20, seed: int = 0
) -> Curvature:
    """Return how curved the loss is at a model's weights; the model is in float64."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    product, exact = _product(model, loss, parameters)
    size = sum(p.numel() for p in parameters)
    draws = torch.Generator().manual_seed(seed)
    v = torch.randn(size, dtype=torch.float64, generator=draws).to(parameters[0].device)
    basis = [v / v.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    for _ in range(min(iterations, size)):
        w = product(basis[-1])
        diagonal.append(float(w @ basis[-1]))
        # Against all before it, twice: rounding would let the largest come again and again.
        for _ in range(2):
            for earlier in basis:
                w = w - (w @ earlier) * earlier
        norm = float(w.norm())
        beside.append(norm)
        if norm <= 1e-10 * max(map(abs, diagonal)):
            break
        basis.append(w / norm)
    inner = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    value_M, vector_MM = np.linalg.eigh(inner)
    within_M = beside[-1] * np.abs(vector_MM[-1])
    return Curvature(
        largest=float(value_M[-1]),
        largest_within=float(within_M[-1]),
        smallest=float(value_M[0]),
        smallest_within=float(within_M[0]),
        iterations=len(diagonal),
        exact=exact,
    )


def _product(
    model: nn.Module, loss: LossOfModel, parameters: Sequence[Tensor]
) -> tuple[Callable[[Tensor], Tensor], bool]:
    """Return what multiplies a vector by the Hessian, and whether it does so exactly."""
    with in_double():
        found = torch.autograd.grad(loss(model), parameters, create_graph=True, allow_unused=True)
    gradient = _flat(found, parameters)

    def exact(v: Tensor) -> Tensor:
        with in_double():
            parts = torch.autograd.grad(
                gradient @ v, parameters, retain_graph=True, allow_unused=True
            )
        return _flat(parts, parameters)

    try:
        exact(torch.ones_like(gradient))
    except RuntimeError:  # "derivative for … is not implemented"
        return _differences(model, loss, parameters), False
    return exact, True


def _differences(
    model: nn.Module, loss: LossOfModel, parameters: Sequence[Tensor]
) -> Callable[[Tensor], Tensor]:
    norm = float(torch.cat([p.detach().flatten() for p in parameters]).norm())
    step = 1e-6 * max(norm, 1.0)

    def gradient_at(v: Tensor) -> Tensor:
        with torch.no_grad():
            for p, part in zip(parameters, _like(v, parameters), strict=True):
                p.add_(part)
        with in_double():
            found = torch.autograd.grad(loss(model), parameters, allow_unused=True)
        with torch.no_grad():
            for p, part in zip(parameters, _like(v, parameters), strict=True):
                p.sub_(part)
        return _flat(found, parameters)

    def product(v: Tensor) -> Tensor:
        return (gradient_at(step * v) - gradient_at(-step * v)) / (2 * step)

    return product


def _flat(found: Sequence[Tensor | None], parameters: Sequence[Tensor]) -> Tensor:
    pairs = zip(found, parameters, strict=True)
    return torch.cat([(torch.zeros_like(p) if g is None else g).flatten() for g, p in pairs])


def _like(v: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    parts = v.split([p.numel() for p in parameters])
    return [part.view_as(p) for part, p in zip(parts, parameters, strict=True)]
