"""The claim that training rests on: backpropagation gives the gradient of the loss."""

import math
from collections.abc import Sequence
from functools import cache

from suite.claims.cells import SEEDS
from suite.claims.claim import Claim, Effect, Measured
from suite.claims.ran import Ran
from suite.claims.sets import ClaimSet

_CTC = ("ctc",)
_SMALLEST = 1e-16
"""Two doubles that differ by less are the same."""


@cache
def _digits(loss: str, seed: int) -> tuple[str, float]:
    """Return the backbone that agrees worst, and the decimal digits that agree."""
    from suite.backprop import backward_errors

    errors = backward_errors(losses=(loss,), seed=seed)
    (backbone, _), worst = max(errors.items(), key=lambda one: one[1])
    return backbone, -math.log10(max(worst, _SMALLEST))


def _measure(one: ClaimSet, ran: Ran) -> Sequence[Measured]:
    measured = []
    for loss in one.losses or _CTC:
        found = [_digits(loss, seed) for seed in SEEDS]
        worst = ", ".join(dict.fromkeys(backbone for backbone, _ in found))
        effect = Effect.over_seeds([digits for _, digits in found])
        note = f"the worst of nine backbones: {worst}"
        measured.append(Measured(set=one.name, part=loss, effect=effect, note=note))
    return measured


BACKPROPAGATION = Claim(
    name="backpropagation",
    text="Backpropagation gives the gradient of the loss",
    experiment=(
        "Slopes along random directions in every layer of a tiny model of each backbone, by "
        "backpropagation and by finite differences, in float64, with the losses that suit the set."
    ),
    quantity="decimal digits in which both slopes agree, where they agree least",
    margin=5.0,
    reason="finite differences themselves are good for six to eight digits",
    change="a derivative that is written by hand and wrong",
    cells=lambda one: (),
    measure=_measure,
)
