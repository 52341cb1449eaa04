"""How selective units are: how much more they answer to one class than to the others.

The class selectivity index of Morcos et al. 2018, "On the importance of single directions for
generalization", section 4.4, with two changes. Which class a unit prefers is found on one half of
the examples and the index taken on the other, and the other way round: of noise it is then about 0
(a little below, with few examples), where the largest of many means is above the rest by chance.
And an answer is what exceeds the unit's mean over all examples, since activations may have any
sign.

Legend: N examples, U units, K classes, R resamples.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RESAMPLES = 300


def halves(label_N: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which examples are in the first half: every other one of each class."""
    first_N = np.zeros(len(label_N), dtype=bool)
    for label in np.unique(label_N):
        first_N[np.flatnonzero(label_N == label)[::2]] = True
    return first_N


def resampled_weights(count: int, *, seed: int = 0) -> Floats:
    """Return (R + 1, N): ones, then the weights of a Bayesian bootstrap (Rubin 1981).

    No weight is 0, so that no class is lost.
    """
    drawn_RN = np.random.default_rng(seed).exponential(size=(_RESAMPLES, count))
    return np.concatenate([np.ones((1, count)), drawn_RN])


def selectivity(
    values_NU: NDArray[np.floating], label_N: NDArray[np.int64], weight_RN: Floats | None = None
) -> Floats:
    """Return the index of each unit, (R, U), between -1 and 1; R is 1 without weights.

    Classes with fewer than two examples are left out. Raises `ValueError` for fewer than 2 classes.
    """
    label_N = np.asarray(label_N)
    kinds, count_K = np.unique(label_N, return_counts=True)
    kept_N = np.isin(label_N, kinds[count_K > 1])
    kinds = kinds[count_K > 1]
    if len(kinds) < 2:
        raise ValueError("selectivity needs two classes with two examples each")
    values = np.asarray(values_NU, dtype=np.float64)[kept_N]
    answer_NU = np.maximum(values - values.mean(0), 0)
    member_KN = (label_N[kept_N] == kinds[:, None]).astype(np.float64)
    first_N = halves(label_N[kept_N])
    if weight_RN is None:
        weight_RN = np.ones((1, len(label_N)))
    found = []
    for weight_N in weight_RN[:, kept_N]:
        one_KU, other_KU = (
            _means(member_KN * (weight_N * half_N), answer_NU) for half_N in (first_N, ~first_N)
        )
        found.append((_index(one_KU, other_KU) + _index(other_KU, one_KU)) / 2)
    return np.stack(found)


def preferred(values_NU: NDArray[np.floating], label_N: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the class that each unit answers to most, (U,)."""
    kinds = np.unique(label_N)
    mean_KU = np.stack([np.asarray(values_NU)[label_N == kind].mean(0) for kind in kinds])
    return np.asarray(kinds[mean_KU.argmax(0)])


def _means(weight_KN: Floats, answer_NU: Floats) -> Floats:
    means: Floats = weight_KN @ answer_NU / weight_KN.sum(1, keepdims=True)
    return means


def _index(chooses_KU: Floats, judged_KU: Floats) -> Floats:
    best_U = chooses_KU.argmax(0)
    most_U = np.take_along_axis(judged_KU, best_U[None], 0)[0]
    rest_U = (judged_KU.sum(0) - most_U) / (len(judged_KU) - 1)
    both_U = most_U + rest_U
    # A unit that never answers prefers nothing.
    return np.where(both_U > 0, (most_U - rest_U) / np.where(both_U > 0, both_U, 1), 0.0)
