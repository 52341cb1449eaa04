"""How entrants do over several data sets: quality, and the way to the target, by a fixed reference.

An entrant is the same choice on every set: backbone, optimizer, and the overrides that matter.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from suite.report.aggregate import Aggregate, aggregate
from suite.report.groups import Group
from suite.report.reference import Reference, ReferenceSet
from suite.report.scores import (
    CUT,
    MEASURES,
    OF_A_MACHINE,
    Counting,
    Profile,
    median_of_best,
    olympic_mean,
    profile,
    time_to_target,
)


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One choice on the sets of a reference.

    sets: those it was run on. quality: of its normalised test results, once it was run on all.
    ratios: its time to target over the reference's median, by measure and set: infinite where it
        missed or was not run. A measure is left out where the reference lacks it, or for seconds
        and joules where a run is of another machine than the reference's.
    scores: B of each measure's profile (`suite.report.scores.Profile.score`).
    """

    name: str
    sets: Sequence[str]
    quality: Aggregate | None
    ratios: Mapping[str, Mapping[str, float]]
    scores: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Across:
    """All entrants on a reference's sets, and the sets.

    cut: R, of the scores. counting: what stands for repeats, a `Counting` by name.
    """

    reference: str
    sets: Sequence[str]
    cut: float
    counting: str
    entrants: Sequence[Entrant]


Tried = Mapping[str, Sequence[Group]]
"""What an entrant tried, by set; several configurations only where the best of them counts."""


def across(
    groups: Sequence[Group], reference: Reference, counting: Counting = Counting.median
) -> Across:
    """Score entrants that were run on two sets of the reference or more, the best first.

    No entrant's numbers depend on another. A group counts where the version of the data is the
    reference's. Those run on all sets come first, by interquartile mean, then the others, by score.

    counting: what stands for repeats. An entrant is one configuration, and of several groups of it
    on one set the newest counts; with `Counting.best` it is backbone and optimizer, and all their
    configurations are trials. Test results are then those of the trial that validated best.
    """
    sets = {(one.task, one.data, one.fingerprint): one for one in reference.sets}
    tuned = counting is Counting.best
    found: dict[str, dict[str, list[Group]]] = defaultdict(lambda: defaultdict(list))
    for group in sorted(groups, key=lambda group: max(run.started for run in group.runs)):
        one = sets.get((group.task, group.data, group.fingerprint))
        if one is not None and group.runs[0].primary == one.metric:
            name = f"{group.backbone} + {group.optimizer}" if tuned else group.entrant
            found[name][one.data].append(group)
    least = min(2, len(sets))
    entrants = [
        _entrant(
            name,
            {data: those if tuned else those[-1:] for data, those in tried.items()},
            reference,
            counting,
        )
        for name, tried in found.items()
        if len(tried) >= least
    ]
    return Across(
        reference=reference.name,
        sets=[one.data for one in reference.sets],
        cut=CUT,
        counting=counting.value,
        entrants=sorted(entrants, key=_rank),
    )


def _rank(entrant: Entrant) -> tuple[bool, float, float, str]:
    mean = entrant.quality.mean if entrant.quality else 0.0
    return entrant.quality is None, -mean, -entrant.scores.get("examples", 0.0), entrant.name


def _entrant(name: str, tried: Tried, reference: Reference, counting: Counting) -> Entrant:
    profiles = {
        measure: one
        for measure in MEASURES
        if (one := _profile(tried, reference, measure, counting)) is not None
    }
    quality = None
    if len(tried) == len(reference.sets):
        quality = aggregate([_normalized(tried[one.data], one) for one in reference.sets])
    return Entrant(
        name=name,
        sets=[one.data for one in reference.sets if one.data in tried],
        quality=quality,
        ratios={measure: one.ratios for measure, one in profiles.items()},
        scores={measure: one.score() for measure, one in profiles.items()},
    )


def _normalized(trials: Sequence[Group], one: ReferenceSet) -> list[float]:
    """Return the normalised test results of the trial that validated best."""
    sign = -1.0 if one.direction == "minimize" else 1.0

    def validated(group: Group) -> float:
        values = group.by_seed(f"validation/{one.metric}").values()
        return sign * fmean(values) if values else -math.inf

    best = max(trials, key=validated)
    return [one.normalized(value) for value in best.by_seed(f"test/{one.metric}").values()]


def _profile(
    tried: Tried, reference: Reference, measure: str, counting: Counting
) -> Profile | None:
    """Return the profile by a measure; None where it cannot be compared with the reference's."""
    medians = {one.data: one.median(measure) for one in reference.sets}
    known = {data: value for data, value in medians.items() if value is not None}
    if len(known) < len(medians):
        return None
    runs = [run for trials in tried.values() for group in trials for run in group.runs]
    machines = {run.machine.get("fingerprint") for run in runs}
    if measure in OF_A_MACHINE and machines != {reference.machine}:
        return None
    times = {}
    for one in reference.sets:
        trials = [group for group in tried.get(one.data, ()) if _same_target(group, one)]
        if not trials:
            continue  # not tried
        time = _counted(trials, measure, counting)
        if time is None:
            return None
        times[one.data] = time
    return profile(times, known)


def _counted(trials: Sequence[Group], measure: str, counting: Counting) -> float | None:
    """Return the time to target that stands for all repeats; None where a run cannot tell."""
    studies: dict[int, list[float]] = defaultdict(list)
    for group in trials:
        for run in group.runs:
            time = time_to_target(run, measure)
            if time is None:
                return None
            studies[run.seed].append(time)
    if counting is Counting.best:
        return median_of_best(list(studies.values()))
    times = [time for study in studies.values() for time in study]
    if counting is Counting.olympic and len(times) >= 3:
        return olympic_mean(times)
    return median(times)


def _same_target(group: Group, one: ReferenceSet) -> bool:
    """Tell whether all runs raced to the reference's target; another one is another race."""
    return all(
        (run.target.get("metric"), run.target.get("threshold")) == (one.metric, one.target)
        for run in group.runs
    )
