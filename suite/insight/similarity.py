"""How alike two representations of the same examples are: centred kernel alignment (CKA).

Kornblith et al. 2019, "Similarity of neural network representations revisited", with linear
kernels: 1 for what is equal up to rotation, reflection and one scale, whatever the widths. With few
examples and many features, unrelated representations look alike, so the index is given with the
unbiased estimate of HSIC (Song et al. 2012, equation 5; Nguyen et al. 2021, equation 3) too: that
is 0 on average for what is independent, and may be a little negative.

Legend: N examples, D features.
"""

import numpy as np
from numpy.typing import NDArray

from suite.insight.effects import Effect

Floats = NDArray[np.float64]

_HALVES = 50
"""Halves of the examples that an interval is made from."""


def gram(values_ND: NDArray[np.floating]) -> Floats:
    """Return the inner products of examples around their mean, (N, N)."""
    values = values_ND.astype(np.float64)
    values = values - values.mean(0)
    return np.asarray(values @ values.T)


def cka(one_NN: Floats, other_NN: Floats) -> float:
    """Return CKA of two Gram matrices (Kornblith et al. 2019, equation 2); NaN without variance."""
    one_NN, other_NN = _centred(one_NN), _centred(other_NN)
    return _ratio(*(float((a * b).sum()) for a, b in _pairs(one_NN, other_NN)))


def debiased_cka(one_NN: Floats, other_NN: Floats) -> float:
    """Return CKA of unbiased estimates of HSIC; NaN where one of them is not above 0.

    Raises `ValueError` for fewer than 4 examples.
    """
    return _ratio(*(hsic(a, b) for a, b in _pairs(one_NN, other_NN)))


def hsic(one_NN: Floats, other_NN: Floats) -> float:
    """Return the unbiased estimate of the Hilbert-Schmidt independence criterion.

    Song et al. 2012, "Feature selection via dependence maximization", equation 5.
    """
    n = len(one_NN)
    if n < 4:
        raise ValueError(f"{n} examples: an unbiased estimate needs 4")
    one, other = one_NN.copy(), other_NN.copy()
    np.fill_diagonal(one, 0)
    np.fill_diagonal(other, 0)
    product = float((one * other).sum())
    sums = float(one.sum() * other.sum()) / ((n - 1) * (n - 2))
    rows = float(one.sum(0) @ other.sum(0)) * 2 / (n - 2)
    return (product + sums - rows) / (n * (n - 3))


def debiased_effect(one_NN: Floats, other_NN: Floats) -> Effect:
    """Return debiased CKA with a 95% interval over examples.

    The jackknife that leaves half of them out (Shao and Wu 1989): a bootstrap draws examples twice,
    and an example is too like itself.
    """
    n = len(one_NN)
    value = debiased_cka(one_NN, other_NN)
    rng = np.random.default_rng(0)
    halves = []
    for _ in range(_HALVES):
        rows = rng.permutation(n)[: n // 2]
        at = np.ix_(rows, rows)
        halves.append(debiased_cka(one_NN[at], other_NN[at]))
    half = 1.96 * float(np.std([one for one in halves if np.isfinite(one)] or [np.nan]))
    return Effect(value=value, low=value - half, high=value + half, n=n, over="examples")


def matrix(one: list[Floats], other: list[Floats]) -> Floats:
    """Return debiased CKA of each Gram matrix of one list with each of another."""
    own, theirs = ([hsic(each, each) for each in grams] for grams in (one, other))
    return np.array(
        [
            [_ratio(hsic(a, b), own[i], theirs[j]) for j, b in enumerate(other)]
            for i, a in enumerate(one)
        ]
    )


def _pairs(one: Floats, other: Floats) -> tuple[tuple[Floats, Floats], ...]:
    return (one, other), (one, one), (other, other)


def _centred(square_NN: Floats) -> Floats:
    return np.asarray(
        square_NN - square_NN.mean(0) - square_NN.mean(1, keepdims=True) + square_NN.mean()
    )


def _ratio(both: float, one: float, other: float) -> float:
    return both / (one * other) ** 0.5 if one > 0 and other > 0 else float("nan")
