"""Groups: the runs that differ in their seed alone, which is what a statistic is taken over."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from suite.record import RunRecord


@dataclass(frozen=True, kw_only=True)
class Group:
    """Finished runs of one configuration on one version of one data set, by seed.

    key: their `group_hash`; the run id where a record has none. Two versions of the data share it.
    data: the name of the set itself. backbone: with the library's model and what is frozen.
    settings: which features, where they are hand-made, and the overrides (or the start of the key)
        that tell it from other groups of its backbone and optimizer on the same data.
    runs: ordered by seed, then oldest first.
    """

    key: str
    task: str
    data: str
    backbone: str
    optimizer: str
    settings: str
    runs: tuple[RunRecord, ...]

    @property
    def name(self) -> str:
        """Backbone and optimizer, and what else sets it apart."""
        return f"{self.backbone} + {self.optimizer}" + (
            f" ({self.settings})" if self.settings else ""
        )

    @property
    def entrant(self) -> str:
        """What it is on every data set: backbone, optimizer, features, overrides that matter.

        Unlike the name it depends on no other group.
        """
        features = _features(self.runs[0])
        told = [features] if features else []
        told += [o for o in _kept(self.runs[0]) if _key(o).partition(".")[0] not in _OF_A_SET]
        return f"{self.backbone} + {self.optimizer}" + (f" ({' '.join(told)})" if told else "")

    @property
    def fingerprint(self) -> str:
        """Of the data; empty where it has none."""
        return _fingerprint(self.runs[0])

    def by_seed(self, metric: str) -> dict[int, float]:
        """Return a metric ("test/accuracy") by seed, of the runs that have it."""
        return {run.seed: run.metrics[metric] for run in self.runs if metric in run.metrics}


def groups_of(records: Sequence[RunRecord]) -> list[Group]:
    """Group finished runs by task, data set, its version and configuration, in this order.

    A run repeated with its configuration and seed is no further evidence: the newest counts. The
    order of the records does not matter, unless they tell no time of start: then the last counts.
    """
    counted: dict[tuple[str, ...], RunRecord] = {}
    for run in sorted(records, key=lambda run: run.started):
        if run.status == "finished":
            counted[(*_place(run), run.config_hash or run.run_id)] = run
    members: dict[tuple[str, ...], list[RunRecord]] = defaultdict(list)
    for run in counted.values():
        members[(*_place(run), run.group_hash or run.run_id)].append(run)
    boards: dict[tuple[str, ...], list[Group]] = defaultdict(list)
    for place, runs in sorted(members.items()):
        runs.sort(key=lambda run: (run.seed, run.started, run.run_id))
        boards[place[:-1]].append(_group(place[-1], tuple(runs)))
    return [group for groups in boards.values() for group in _told_apart(groups)]


def _place(run: RunRecord) -> tuple[str, str, str]:
    return run.task, run.data_name, _fingerprint(run)


def _fingerprint(run: RunRecord) -> str:
    return str(run.data_card.get("fingerprint", ""))


def _group(key: str, runs: tuple[RunRecord, ...]) -> Group:
    first = runs[0]
    return Group(
        key=key,
        task=first.task,
        data=first.data_name,
        backbone=_backbone(first),
        optimizer=first.optimizer,
        settings=_features(first),
        runs=runs,
    )


def _told_apart(groups: Sequence[Group]) -> list[Group]:
    """Give groups of one name on one data set the settings that differ."""
    several = Counter(map(_named, groups))
    named = [
        replace(group, settings=_settings(group)) if several[_named(group)] > 1 else group
        for group in groups
    ]
    # What differs may have been given in no override.
    names = Counter(group.name for group in named)
    return [
        replace(group, settings=f"{group.settings} {group.key[:12]}".strip())
        if names[group.name] > 1
        else group
        for group in named
    ]


def _named(group: Group) -> tuple[str, str, str]:
    """Return what a group is named by where nothing else sets it apart."""
    return group.runs[0].backbone, group.optimizer, _features(group.runs[0])


def _features(run: RunRecord) -> str:
    return str(run.hand_made.get("features", ""))


def _backbone(run: RunRecord) -> str:
    """Return the backbone's name, with that of the library's model where it has one."""
    options = run.config.get("backbone") or {}
    model = options.get("model") or options.get("architecture") or ""
    name = PurePath(model).name
    told = [run.backbone, *([name] if name and name != run.backbone else [])]
    frozen = options.get("trainable", "all")
    if frozen != "all":
        told.append("frozen" if frozen == "none" else f"top {frozen}")
    return " ".join(told)


def _settings(group: Group) -> str:
    """Return what the other columns do not tell: the features, and the overrides that matter."""
    features = _features(group.runs[0])
    return " ".join([*([features] if features else []), *(_kept(group.runs[0]) or [group.key])])


_TOLD = frozenset(
    {"task", "data", "backbone", "optimizer", "seed", "results", "name", "cache"}
    # Where data lies is not what it is, and changes nothing.
    | {"data.path", "hardware.workers", "hardware.watts"}
    # How much of it there is, its name tells.
    | {"data.train_examples", "data.classes"}
)
_OF_A_SET = frozenset({"experiment", "task", "data", "hardware"})
"""Groups of overrides that belong to one data set, or to the machine."""


def _kept(run: RunRecord) -> list[str]:
    """Return the overrides that matter to what a run came to and are told nowhere else."""
    told, parts = _TOLD, {"hydra", "tracking"}
    if _features(run):
        told = told | {"backbone.features", "backbone.kernel"}
        parts |= {"loss", "optimizer", "schedule", "trainer", "precision"}
    return [
        o for o in run.overrides if _key(o) not in told and _key(o).partition(".")[0] not in parts
    ]


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]
