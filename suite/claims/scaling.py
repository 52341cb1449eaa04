"""Claims about size: data, width, depth, dimension of the input, and compute.

The exponent of a scaling is the slope of the logarithm of the test error over that of the size,
turned round: 0.3 halves the error for each tenfold of size. One is fitted to the runs of each seed.

Legend: P places on a ladder.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from suite.claims.cells import Cell, repeated
from suite.claims.claim import Claim, Effect, Measured
from suite.claims.pictures import curves
from suite.claims.ran import Ran
from suite.claims.sets import ClaimSet, Ladder

_LEAST = 0.05
_REASON = (
    "with an exponent of 0.05 it takes a million times the size to halve the error, which nobody "
    "would call scaling"
)


def exponent(size_P: ArrayLike, error_P: ArrayLike) -> float:
    """Return by which power of the size the error falls: least squares on logarithms."""
    slope, _ = np.polyfit(np.log(np.asarray(size_P, float)), np.log(np.asarray(error_P, float)), 1)
    return -float(slope)


def _cells(study: str, ladder: Callable[[ClaimSet], Ladder]) -> Callable[[ClaimSet], list[Cell]]:
    def cells(one: ClaimSet) -> list[Cell]:
        steps = ladder(one)
        pairs = zip(steps.overrides(), steps.values, strict=True)
        return repeated(one, study, [(override, {"size": value}) for override, value in pairs])

    return cells


def _measure(study: str, axis: str) -> Callable[[ClaimSet, Ran], Sequence[Measured]]:
    def measure(one: ClaimSet, ran: Ran) -> Sequence[Measured]:
        by_seed = ran.by_seed(study)
        points = {
            seed: sorted((float(str(run.cell.axes["size"])), run.error) for run in runs)
            for seed, runs in by_seed.items()
        }
        exponents = [exponent(*zip(*found, strict=True)) for found in points.values()]
        effect = Effect.over_seeds(exponents)
        figure = curves(
            f"{study}-{one.name}",
            {"test error": list(points.values())},
            x=axis,
            y="test error",
            log=True,
        )
        numbers = {"points_by_seed": {str(seed): found for seed, found in points.items()}}
        return [Measured(set=one.name, effect=effect, numbers=numbers, figures=(figure,))]

    return measure


def _claim(
    study: str, text: str, ladder: Callable[[ClaimSet], Ladder], what: str, axis: str, change: str
) -> Claim:
    return Claim(
        name=study,
        text=text,
        experiment=(
            f"Networks are trained that differ in {what} alone, with the same learning rate and "
            "all else alike; a power is fitted to the test errors of each seed."
        ),
        quantity=f"exponent by which the test error falls with {what}",
        margin=_LEAST,
        reason=_REASON,
        change=change,
        cells=_cells(study, ladder),
        measure=_measure(study, axis),
    )


DATA = _claim(
    "data",
    "Performance scales with data",
    lambda one: one.sizes,
    "the number of training examples",
    "training examples",
    "longer training of the large sets, or a set whose error has a floor that is reached early",
)
WIDTH = _claim(
    "width",
    "Performance scales with the width of the network",
    lambda one: one.width,
    "the width of the hidden layers",
    "hidden features",
    "a learning rate of its own for each width, more data, or sets on which the smallest is enough",
)
DEPTH = _claim(
    "depth",
    "Performance scales with the depth of the network",
    lambda one: one.depth,
    "the number of hidden layers",
    "hidden layers",
    "longer training, other networks, or tasks that need more steps of reasoning than these",
)
COMPUTE = _claim(
    "compute",
    "Performance scales with the compute of training",
    lambda one: one.compute,
    "the number of training steps",
    "steps",
    "lengths beyond which the training split is known by heart",
)
DIMENSION = _claim(
    "dimension",
    "Performance scales with the dimension of the input",
    lambda one: one.dimension,
    "resolution, length or bandwidth of the input",
    "size of the input",
    "inputs whose detail says nothing of the class",
)
