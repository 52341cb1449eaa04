"""How entrants do over several data sets: quality, and the way to the target, by a fixed reference.

An entrant is the same choice on every set: backbone, optimizer, and the overrides that matter.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from suite.report.aggregate import Aggregate, aggregate
from suite.report.groups import Group
from suite.report.reference import Reference, ReferenceSet
from suite.report.scores import CUT, MEASURES, OF_A_MACHINE, Profile, profile, times_to_target


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """One choice on the sets of a reference.

    sets: those it was run on. quality: of its normalised test results, once it was run on all.
    ratios: its median time to target over the reference's, by measure and set: infinite where it
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
    """All entrants on a reference's sets, and the sets. cut: R, of the scores."""

    reference: str
    sets: Sequence[str]
    cut: float
    entrants: Sequence[Entrant]


def across(groups: Sequence[Group], reference: Reference) -> Across:
    """Score entrants that were run on two sets of the reference or more, the best first.

    No entrant's numbers depend on another. A group counts where the version of the data is the
    reference's; of several of one entrant on one set the newest does. Those run on all sets come
    first, by interquartile mean, then the others, by score.
    """
    sets = {(one.task, one.data, one.fingerprint): one for one in reference.sets}
    found: dict[str, dict[str, Group]] = defaultdict(dict)
    for group in sorted(groups, key=lambda group: max(run.started for run in group.runs)):
        one = sets.get((group.task, group.data, group.fingerprint))
        if one is not None and group.runs[0].primary == one.metric:
            found[group.entrant][one.data] = group
    least = min(2, len(sets))
    entrants = [
        _entrant(name, members, reference)
        for name, members in found.items()
        if len(members) >= least
    ]
    return Across(
        reference=reference.name,
        sets=[one.data for one in reference.sets],
        cut=CUT,
        entrants=sorted(entrants, key=_rank),
    )


def _rank(entrant: Entrant) -> tuple[bool, float, float, str]:
    mean = entrant.quality.mean if entrant.quality else 0.0
    return entrant.quality is None, -mean, -entrant.scores.get("examples", 0.0), entrant.name


def _entrant(name: str, groups: Mapping[str, Group], reference: Reference) -> Entrant:
    profiles = {
        measure: one
        for measure in MEASURES
        if (one := _profile(groups, reference, measure)) is not None
    }
    quality = None
    if len(groups) == len(reference.sets):
        quality = aggregate([_normalized(groups[one.data], one) for one in reference.sets])
    return Entrant(
        name=name,
        sets=[one.data for one in reference.sets if one.data in groups],
        quality=quality,
        ratios={measure: one.ratios for measure, one in profiles.items()},
        scores={measure: one.score() for measure, one in profiles.items()},
    )


def _normalized(group: Group, one: ReferenceSet) -> list[float]:
    return [one.normalized(value) for value in group.by_seed(f"test/{one.metric}").values()]


def _profile(groups: Mapping[str, Group], reference: Reference, measure: str) -> Profile | None:
    """Return the profile by a measure; None where it cannot be compared with the reference's."""
    medians = {one.data: one.median(measure) for one in reference.sets}
    known = {data: value for data, value in medians.items() if value is not None}
    if len(known) < len(medians):
        return None
    machines = {run.machine.get("fingerprint") for group in groups.values() for run in group.runs}
    if measure in OF_A_MACHINE and machines != {reference.machine}:
        return None
    times = {}
    for one in reference.sets:
        group = groups.get(one.data)
        if group is None or not _same_target(group, one):
            continue  # not tried
        way = times_to_target(group.runs, measure)
        if way is None:
            return None
        times[one.data] = way.median
    return profile(times, known)


def _same_target(group: Group, one: ReferenceSet) -> bool:
    """Tell whether all runs raced to the reference's target; another one is another race."""
    return all(
        (run.target.get("metric"), run.target.get("threshold")) == (one.metric, one.target)
        for run in group.runs
    )
