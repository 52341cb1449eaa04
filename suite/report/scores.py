"""Scores: time to target, repeats as MLPerf and AlgoPerf count them, performance profile, Pareto.

A run that misses its target took infinitely long: it is never left out, since leaving misses out
would make the score better the more runs fail.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean, median

from suite.record import RunRecord

MEASURES = {
    "training_seconds": "training clock",
    "wall_seconds": "wall clock",
    "steps": "steps",
    "examples": "examples",
    "units": "natural units",
    "joules": "joules",
}
"""What the way to a target is measured in, and in words. Seconds and joules are a machine's."""
OF_A_MACHINE = frozenset({"training_seconds", "wall_seconds", "joules"})
CUT = 4.0
"""R: a set on which an entrant takes this many times as long as the reference gives it nothing."""


class Counting(Enum):
    """What stands for the repeats of an entrant on one set. See `across`."""

    median = "median"
    """The median, of one configuration."""
    olympic = "olympic"
    """MLPerf's: the mean without the fastest and the slowest, from three repeats on."""
    best = "best"
    """AlgoPerf's: by seed the fastest of the configurations tried, and the median over seeds."""


@dataclass(frozen=True, kw_only=True)
class TimeToTarget:
    """The way to the target over repeats. median: infinite where half of them or more missed it."""

    n: int
    reached: int
    median: float

    @property
    def success_rate(self) -> float:
        """Share of runs that reached the target."""
        return self.reached / self.n


def time_to_target(run: RunRecord, measure: str) -> float | None:
    """Return how much a run took to its target: infinite where it missed it, None if unknown.

    measure: of `MEASURES`. The target is looked for at validations, so this is the first validation
    at or above it.
    """
    if not run.target or (measure == "joules" and not run.energy):
        return None
    if run.reached is None:
        return math.inf
    if measure == "steps":
        return run.reached["step"]
    if measure == "examples" and "examples" not in run.reached:
        # Records of before it was noted; all batches but an epoch's last have one size.
        return run.reached["step"] * run.examples / run.steps if run.steps else None
    return run.reached.get(measure)


def times_to_target(runs: Sequence[RunRecord], measure: str) -> TimeToTarget | None:
    """Return the median over repeats and how many reached; None where a run cannot tell."""
    values = [time_to_target(run, measure) for run in runs]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return TimeToTarget(n=len(known), reached=sum(map(math.isfinite, known)), median=median(known))


def olympic_mean(times: Sequence[float], *, drop: int = 1) -> float:
    """Return the mean without the fastest and the slowest: how MLPerf counts repeats.

    One miss is the slowest, and dropped; with more the result is infinite (MLPerf training rules,
    "Benchmark Results", where it is invalid). drop: how many at each end; 4 of 40 for UNet3D.
    Raises `ValueError` where nothing is left.
    """
    if len(times) <= 2 * drop:
        raise ValueError(f"{len(times)} times: at least {2 * drop + 1} are needed to drop {drop}")
    return fmean(sorted(times)[drop : len(times) - drop])


def median_of_best(trials: Sequence[Sequence[float]]) -> float:
    """Return the median over studies of the fastest trial of each: how AlgoPerf counts tuning.

    trials: the times of each study's trials (Dahl et al. 2023, "Benchmarking neural network
    training algorithms", arXiv:2306.07179): studies are repeats by seed, trials other settings.
    Raises `ValueError` where there is no study, or one without a trial.
    """
    return median(min(study) for study in trials)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How much longer than a fixed reference an entrant takes, by data set.

    ratios: time to target over the reference's; infinite where the target was missed or the set
        not tried.
    """

    ratios: Mapping[str, float]

    def share(self, ratio: float) -> float:
        """Return the share of sets solved within so many times the reference's time.

        Dolan and Moré 2002, "Benchmarking optimization software with performance profiles", but
        for the reference: theirs is the fastest entrant of each problem, so that everybody's score
        depends on who else takes part.
        """
        return fmean(one <= ratio for one in self.ratios.values())

    def score(self, cut: float = CUT) -> float:
        """Return B = (1/n) Σ max(0, R - r) / (R - 1), the exact integral of the profile.

        It is ∫ share(r) dr from 0 to R (`cut`), over R - 1: 1 for who equals the reference on all
        sets, 0 for who takes R times as long or longer on all, above 1 for who is faster. AlgoPerf
        integrates from 1, where its profile begins.
        Raises `ValueError` unless cut is above 1.
        """
        if cut <= 1:
            raise ValueError(f"cut={cut}: must be above 1")
        return fmean(max(0.0, cut - one) for one in self.ratios.values()) / (cut - 1)


def profile(times: Mapping[str, float], reference: Mapping[str, float]) -> Profile:
    """Return an entrant's profile over the reference's data sets, and no others.

    Raises `ValueError` where the reference has no set, or a time that is not above 0 and finite.
    """
    wrong = {data: time for data, time in reference.items() if not 0 < time < math.inf}
    if wrong or not reference:
        raise ValueError(f"reference times {wrong or '(none)'}: must be above 0 and finite")
    return Profile(ratios={data: times.get(data, math.inf) / reference[data] for data in reference})


def pareto_front(points: Sequence[tuple[float, float]], *, direction: str) -> list[bool]:
    """Tell of each (cost, quality) whether no other is as good at less cost, or better at no more.

    Less cost is better; direction tells which quality is: "maximize" or "minimize". Equal points
    stand or fall together. Takes n log n.
    """
    sign = -1.0 if direction == "minimize" else 1.0
    front = [False] * len(points)
    best = -math.inf
    at_best_cost = math.inf
    for at in sorted(range(len(points)), key=lambda at: (points[at][0], -sign * points[at][1])):
        cost, quality = points[at][0], sign * points[at][1]
        if quality > best:
            best, at_best_cost = quality, cost
            front[at] = True
        elif quality == best and cost == at_best_cost:
            front[at] = True
    return front
