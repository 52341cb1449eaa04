"""Linear probes by ridge regression: what a linear map can read off features of examples.

Hoerl and Kennard 1970, "Ridge regression". Classes are read as one number each, 1 where an example
is of the class and 0 elsewhere, and the largest wins (Hastie et al. 2009, section 4.2). One
decomposition serves every target and every strength, which a probe of many layers needs, and its
solution does not depend on where an optimizer stopped.

Legend: N examples to fit on, M examples to score on, D features, K columns of a target,
R rank at most min(N, D), S strengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FOLDS = 4
STRENGTHS = tuple(10.0**k for k in range(-5, 4))
"""Of the penalty, in units of the largest variance along any direction of the features."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is read off. values_N: of all examples, float with NaN where there is none, or int64.

    int64 is the number of a kind; a float is a quantity.
    """

    name: str
    fit_N: NDArray[np.float64] | NDArray[np.int64]
    score_M: NDArray[np.float64] | NDArray[np.int64]

    @property
    def kinds(self) -> bool:
        """Whether it is one of several kinds rather than a quantity."""
        return bool(np.issubdtype(self.fit_N.dtype, np.integer))


@dataclass(frozen=True, kw_only=True)
class Errors:
    """What a probe makes of each example to score on, and what knowing no feature makes of it.

    error_M, baseline_M: 0 or 1 for kinds, squared differences for quantities; 0 in both where an
    example has no value. strength: that was chosen.
    """

    error_M: Floats
    baseline_M: Floats
    strength: float

    @property
    def score(self) -> float:
        """1 for no errors, 0 for as many as without features, below 0 for more.

        For kinds that is (accuracy - chance) / (1 - chance), where chance is the accuracy of the
        most frequent kind; for quantities it is R2.
        """
        return float(1 - self.error_M.sum() / self.baseline_M.sum())


def probe(
    fit_ND: NDArray[np.floating], score_MD: NDArray[np.floating], targets: Sequence[Target]
) -> dict[str, Errors]:
    """Fit a linear probe for each target and return its errors, by the target's name.

    The strength is the one that errs least on held-out folds of the examples that are fitted on;
    those that are scored on choose nothing. A target that does not vary, among the examples to fit
    on or to score on, is left out: there is nothing to read.
    """
    found: dict[str, Errors] = {}
    for rows, columns, group in _by_presence(targets):
        decomposed = _Probe(fit_ND[rows], score_MD[columns])
        for target in group:
            errors = decomposed.errors(target.fit_N[rows], target.score_M[columns])
            if errors is not None:
                found[target.name] = _spread(errors, columns, len(score_MD))
    return {target.name: found[target.name] for target in targets if target.name in found}


def _by_presence(
    targets: Sequence[Target],
) -> list[tuple[NDArray[np.int64], NDArray[np.int64], list[Target]]]:
    """Group targets by the examples that have them: one decomposition serves each group."""
    groups: dict[bytes, tuple[NDArray[np.int64], NDArray[np.int64], list[Target]]] = {}
    for target in targets:
        rows = np.flatnonzero(np.isfinite(target.fit_N))
        columns = np.flatnonzero(np.isfinite(target.score_M))
        if len(rows) < 2 * FOLDS or len(columns) < 2:
            continue
        key = rows.tobytes() + b"|" + columns.tobytes()
        groups.setdefault(key, (rows, columns, []))[2].append(target)
    return list(groups.values())


def _spread(errors: Errors, columns: NDArray[np.int64], count: int) -> Errors:
    """Return the errors over all examples to score on, 0 where one has no value."""
    error_M, baseline_M = np.zeros(count), np.zeros(count)
    error_M[columns], baseline_M[columns] = errors.error_M, errors.baseline_M
    return Errors(error_M=error_M, baseline_M=baseline_M, strength=errors.strength)


class _Probe:
    """The decompositions of features that all targets share."""

    def __init__(self, fit_ND: NDArray[np.floating], score_MD: NDArray[np.floating]) -> None:
        fit, score = _standardised(fit_ND, score_MD)
        count = len(fit)
        # Which fold an example is in must not follow the order of the data.
        fold_N = np.random.default_rng(0).permutation(count) % FOLDS
        self._folds = [
            (fold_N != fold, fold_N == fold, _Ridge(fit[fold_N != fold], fit[fold_N == fold]))
            for fold in range(FOLDS)
        ]
        self._whole = _Ridge(fit, score)

    def errors(self, fit_N: NDArray[np.generic], score_M: NDArray[np.generic]) -> Errors | None:
        """Return the errors of one target; None where it does not vary."""
        kinds = np.issubdtype(fit_N.dtype, np.integer)
        classes = np.unique(fit_N) if kinds else None
        target_NK = _columns(fit_N, classes)
        held_S = np.zeros(len(STRENGTHS))
        for train, held, ridge in self._folds:
            for at, strength in enumerate(STRENGTHS):
                predicted = ridge.predict(target_NK[train], strength)
                # Squared errors for kinds too: to count the wrong ones is too coarse a choice.
                held_S[at] += np.square(predicted - target_NK[held]).sum()
        strength = STRENGTHS[int(held_S.argmin())]
        predicted_MK = self._whole.predict(target_NK, strength)
        if classes is None:
            error_M = np.square(predicted_MK[:, 0] - score_M.astype(np.float64))
            baseline_M = np.square(target_NK.mean() - score_M.astype(np.float64))
        else:
            frequent = classes[int(target_NK.sum(0).argmax())]
            # A kind that nothing was fitted on (a speaker of the other split) is no question.
            known_M = np.isin(score_M, classes)
            error_M = known_M * (classes[predicted_MK.argmax(1)] != score_M).astype(np.float64)
            baseline_M = known_M * (frequent != score_M).astype(np.float64)
        # A constant's mean differs from it in the last bits.
        varies = np.ptp(target_NK, axis=0).max() > 0 and np.ptp(score_M) > 0
        if not varies or not baseline_M.sum() > 0:
            return None
        return Errors(error_M=error_M, baseline_M=baseline_M, strength=strength)


class _Ridge:
    """Ridge regression with an intercept, for any strength, from one decomposition."""

    def __init__(self, fit_ND: Floats, score_MD: Floats) -> None:
        self._mean_D = fit_ND.mean(0)
        centred_ND = fit_ND - self._mean_D
        # The smaller of the two products has all that is needed.
        if len(centred_ND) <= centred_ND.shape[1]:
            square_R, self._left_NR = np.linalg.eigh(centred_ND @ centred_ND.T)
            cross_MR = (score_MD - self._mean_D) @ (centred_ND.T @ self._left_NR)
        else:
            square_R, right_DR = np.linalg.eigh(centred_ND.T @ centred_ND)
            self._left_NR = centred_ND @ right_DR
            cross_MR = (score_MD - self._mean_D) @ right_DR
        self._square_R = square_R.clip(min=0)
        self._cross_MR = cross_MR

    def predict(self, target_NK: Floats, strength: float) -> Floats:
        """Return the prediction (M, K) for the examples to score on."""
        mean_K = target_NK.mean(0)
        largest = float(self._square_R.max())
        if largest == 0:  # no feature varies
            return np.broadcast_to(mean_K, (len(self._cross_MR), len(mean_K)))
        penalty_R = self._square_R + strength * largest
        weight_RK = (self._left_NR.T @ (target_NK - mean_K)) / penalty_R[:, None]
        return np.asarray(self._cross_MR @ weight_RK + mean_K)


def _standardised(
    fit_ND: NDArray[np.floating], score_MD: NDArray[np.floating]
) -> tuple[Floats, Floats]:
    """Return features at mean 0 and deviation 1 over those fitted on; constant ones at 0."""
    fit, score = fit_ND.astype(np.float64), score_MD.astype(np.float64)
    mean_D, deviation_D = fit.mean(0), fit.std(0)
    # What differs in the last bits alone is rounding, and would be blown up to noise.
    scale_D = np.where(deviation_D > 1e-6 * (np.abs(mean_D) + 1e-12), deviation_D, np.inf)
    return (fit - mean_D) / scale_D, (score - mean_D) / scale_D


def _columns(values_N: NDArray[np.generic], classes: NDArray[np.generic] | None) -> Floats:
    """Return (N, K): a column for each class, or the quantity itself."""
    if classes is None:
        return values_N.astype(np.float64)[:, None]
    return np.asarray(values_N[:, None] == classes, dtype=np.float64)
