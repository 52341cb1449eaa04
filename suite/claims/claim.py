"""A claim: what is said, the runs that put it to the test, and the rule that was there before them.

On each set an experiment comes to an effect: one number for each seed, and the 95% interval of
their mean. The claim holds on a set where the whole interval lies above the claim's margin, which
is written down here and not chosen by what came out. That a claim does not hold on a set means that
this experiment has not shown it there, be it that it is wrong or that the interval is wide.
"""

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from suite.report.repeats import repeats
from suite.task import Figure

if TYPE_CHECKING:
    from suite.claims.cells import Cell
    from suite.claims.ran import Ran
    from suite.claims.sets import ClaimSet


class Verdict(enum.Enum):
    """What became of a claim."""

    SUPPORTED = "supported"
    MIXED = "mixed"
    NOT_SUPPORTED = "not supported"


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What an experiment came to on one set.

    per_seed: one value a seed, that the interval is over; empty where it is over something else,
        which `basis` names.
    low, high: of the 95% interval; infinite where there is none.
    """

    mean: float
    low: float
    high: float
    per_seed: Sequence[float] = ()
    basis: str = "seeds"

    @classmethod
    def over_seeds(cls, values: Sequence[float]) -> "Effect":
        """Return the effect whose values by seed these are; without an interval below three."""
        told = repeats(values)
        low, high = told.interval or (-math.inf, math.inf)
        return cls(mean=told.mean, low=low, high=high, per_seed=tuple(values))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a claim's experiment found on one set.

    part: which of several effects on the set it is (an optimizer's name, say); empty where one.
    note: why there is no effect, or what else is to be known of it.
    numbers: all that lies behind it, as JSON takes it. figures: to look at.
    """

    set: str
    effect: Effect | None
    part: str = ""
    note: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    figures: Sequence[Figure] = ()

    def holds(self, margin: float) -> bool:
        """Return whether the whole interval lies above the margin."""
        return self.effect is not None and self.effect.low > margin


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that is said of deep learning, and how it is tested.

    name: in addresses. text: the claim. experiment: what is done. quantity: what the effect is.
    margin: what the effect has to be above, whatever its unit. reason: why that margin.
    change: what would change the verdict.
    cells: returns the runs that it needs on a set; none where it does not apply.
    measure: returns what they came to; empty where it does not apply. It is not called where one of
        the runs failed.
    """

    name: str
    text: str
    experiment: str
    quantity: str
    margin: float
    reason: str
    change: str
    cells: Callable[["ClaimSet"], Sequence["Cell"]]
    measure: Callable[["ClaimSet", "Ran"], Sequence[Measured]]

    @property
    def rule(self) -> str:
        """The rule, in words."""
        return (
            f"supported where on every set the 95% interval of this lies above {self.margin:g}, "
            f"not supported where on none, mixed otherwise; {self.reason}"
        )

    def verdict(self, measured: Sequence[Measured]) -> Verdict:
        """Return what follows by the rule from what was measured; without any, nothing is shown."""
        held = [one.holds(self.margin) for one in measured]
        if held and all(held):
            return Verdict.SUPPORTED
        return Verdict.MIXED if any(held) else Verdict.NOT_SUPPORTED
