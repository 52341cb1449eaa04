"""Whether the law foretells what larger sizes bring, and better than other forms would.

The largest sizes are left out, the rest is fitted, and the prediction is held against what was
measured there. Other forms do the same, so that "power law" can lose.

Legend: S sizes, R resamples, K sizes that are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from suite.insight.curve import Array
from suite.insight.forms import CONSTANT, FORMS, POWER_LAW, PURE, Form, fit
from suite.insight.power_law import FALLS, Law, aicc, huber_delta, noise_of_best, power_law
from suite.insight.resampling import Estimate, Resamples, resample

_LEAST_ERROR, _LARGEST_ERROR = 1e-4, 3.0
"""Of a prediction, in log. A line that has run below 0 is as wrong as one off by a factor of 20."""


@dataclass(frozen=True, kw_only=True)
class Foretold:
    """What a law of the smaller sizes said of one that was left out.

    left_out: sizes that the law did not see. predicted: with the interval of a mean of as many
    seeds. error: measured over predicted, less 1. inside: whether measured lies in the interval.
    """

    left_out: int
    size: float
    measured: float
    predicted: Estimate
    error: float
    inside: bool

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "left_out": self.left_out, "size": self.size, "measured": self.measured,
            "predicted": self.predicted.plain(), "error": self.error, "inside": self.inside,
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rival:
    """How a form does. aicc: less that of the best form; None where there are too few sizes.

    held_out: root mean square of the differences in log on sizes that were left out.
    behind: that, over that of the better power law, with its interval; below 1 where this form is
        better. None for power laws, and where nothing was left out.
    """

    form: Form
    aicc: float | None
    held_out: float | None
    behind: Estimate | None

    @property
    def verdict(self) -> str:
        """What it is against a power law."""
        if self.behind is None:
            return ""
        if self.behind.high < 1:
            return "better"
        return "worse" if self.behind.low > 1 else "not told apart"

    def plain(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "form": self.form.name, "formula": self.form.formula, "aicc": self.aicc,
            "held_out": self.held_out, "behind": self.behind and self.behind.plain(),
            "verdict": self.verdict,
        }  # fmt: skip


def foretell(law: Law, leave_out: int) -> Foretold | None:
    """Fit all but the largest sizes and predict the largest; None where too few are left."""
    kept = len(law.curve.size_S) - leave_out
    if kept < _fewest(law, leave_out):
        return None
    smaller = power_law(law.curve.first(kept), resamples=len(law.drawn.log_R))
    size, measured = float(law.curve.size_S[-1]), float(law.curve.mean_S[-1])
    predicted = smaller.predict(size, int(law.curve.count_S[-1]))
    return Foretold(
        left_out=leave_out,
        size=size,
        measured=measured,
        predicted=predicted,
        error=measured / predicted.value - 1,
        inside=measured in predicted,
    )


def _fewest(law: Law, leave_out: int) -> int:
    """Return how many sizes must be left: one more than the limited law has parameters, unless
    seeds tell what noise is.
    """
    return POWER_LAW.parameters + (1 if law.curve.count_S[:-leave_out].max() < 2 else 0)


def rivals(law: Law, leave_out: int) -> list[Rival]:
    """Compare the forms by what they foretell of the largest sizes, and by AICc of all.

    Every form is fitted to the same resamples, so differences of their errors have an interval.
    """
    curve, size_S, log_1S = law.curve, law.curve.size_S, law.curve.log_S[None]
    weight_S = curve.count_S.astype(np.float64)
    kept = len(size_S) - leave_out
    tried = leave_out > 0 and kept >= _fewest(law, leave_out)
    criterion = {
        form.name: value for form in FORMS if (value := aicc(form, curve, weight_S)) is not None
    }
    held: dict[str, tuple[float, Array]] = {}
    drawn = law.resamples
    if tried:
        best, noise = noise_of_best(curve, weight_S, law.fits.form)
        drawn = resample(curve, noise, resamples=len(law.drawn.log_R), seed=1)
        both = np.concatenate([log_1S, drawn.log_RS])
        delta = huber_delta(best, curve, weight_S)
        for form in FORMS:
            part = fit(form, size_S[:kept], both[:, :kept], weight_S=weight_S[:kept], delta=delta)
            off_RK = part.at(size_S[kept:]) - both[:, kept:]
            error_R = np.clip(np.sqrt((off_RK**2).mean(1)), _LEAST_ERROR, _LARGEST_ERROR)
            held[form.name] = float(error_R[0]), error_R[1:]
    least = min(criterion.values(), default=0.0)
    return [
        Rival(
            form=form,
            aicc=criterion[form.name] - least if form.name in criterion else None,
            held_out=held[form.name][0] if tried else None,
            behind=_behind(drawn, form, held) if tried else None,
        )
        for form in FORMS
    ]


def _behind(drawn: Resamples, form: Form, held: dict[str, tuple[float, Array]]) -> Estimate | None:
    if form in (POWER_LAW, PURE):
        return None
    value, drawn_R = held[form.name]
    ours = min(held[POWER_LAW.name][0], held[PURE.name][0])
    ours_R = np.minimum(held[POWER_LAW.name][1], held[PURE.name][1])
    return drawn.estimate(value / ours, drawn_R / ours_R, log=True)


def judge(law: Law, forms: Sequence[Rival], foretold: Sequence[Foretold] = ()) -> str:
    """Say in words what the curve is: a power law only where nothing else foretold it better.

    The rule: no scaling, or rising, is said first. Then a form that foretells the sizes left out
    better than both power laws, beyond noise, wins. Then the law fails where what was measured at
    the largest size lies outside its interval. Else it is a power law, or one of those that could
    not be told from it.
    """
    if law.verdict != FALLS:
        return law.verdict
    better = [one for one in forms if one.verdict == "better" and one.form is not CONSTANT]
    if better:
        best = min(better, key=lambda one: one.held_out or 0.0)
        return f"{best.form.name} rather than a power law"
    missed = [one for one in foretold if one.left_out == 1 and not one.inside]
    if missed:
        return "falls, but the law did not foretell the largest size"
    if not any(one.behind for one in forms):
        return "falls like a power law; too few sizes to tell other forms apart"
    open_ones = [
        one.form.name for one in forms
        if one.verdict == "not told apart" and one.form is not CONSTANT
    ]  # fmt: skip
    return "power law" if not open_ones else f"power law, or {' or '.join(open_ones)}"
