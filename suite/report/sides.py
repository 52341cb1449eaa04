"""The two sides of a comparison: the runs that A and B name, and which group meets which."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from suite.errors import ConfigError, DataError, nearest
from suite.record import RunRecord, read_records
from suite.report.groups import Group, groups_of

_SHORTEST_HASH = 4
_PLAIN = ("task", "data", "backbone", "loss", "optimizer", "schedule", "sweep", "name")
_BEGINS: dict[str, Callable[[RunRecord], str]] = {
    "group": lambda run: run.group_hash,
    "commit": lambda run: str(run.git.get("commit", "")),
    "machine": lambda run: str(run.machine.get("fingerprint", "")),
}
"""Keys of filters whose value is the beginning of a hash."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """What A or B came to: its groups, and its runs that failed. text: as it was given."""

    text: str
    groups: Sequence[Group]
    broken: Sequence[RunRecord] = ()

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return len(self.broken)


def side(text: str, results: Path) -> Side:
    """Return the runs that a text names: a folder or file, filters, or a group's hash.

    A results folder holds all its runs; a JSON file one run record or a list of them. Filters
    (`backbone=mlp,optimizer.lr=0.1`) and the beginning of a group's hash choose among `results`.
    Raises `DataError` or `ConfigError` where nothing is found, with what is there instead.
    """
    path = Path(text)
    if "=" in text and not path.exists():
        chosen = _filtered(text, _records(results))
    elif path.exists():
        chosen = _records(path)
    else:
        chosen = _of_hash(text, results)
    groups = groups_of(chosen)
    broken = [run for run in chosen if run.status == "failed"]
    if not groups:
        raise DataError(f"{text}: holds no finished run ({len(broken)} failed); give one that does")
    return Side(text=text, groups=groups, broken=broken)


def _records(path: Path) -> list[RunRecord]:
    if not path.exists():
        raise DataError(f"{path}: is not there; give a results folder or a JSON file of records")
    if path.is_dir():
        records = read_records(path)
        if not records:
            raise DataError(f"{path}: holds no run; give the results folder that has runs/ in it")
        return records
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not run records ({error}); give a folder or JSON") from error
    known = {one.name for one in fields(RunRecord)}
    records = []
    for number, one in enumerate(values if isinstance(values, list) else [values]):
        if not isinstance(one, dict) or "run_id" not in one:
            raise DataError(f"{path}: entry {number} is not a run record; give a JSON list of them")
        try:
            records.append(RunRecord(**{key: one[key] for key in known & one.keys()}))
        except TypeError as error:
            raise DataError(f"{path}: entry {number} is not a run record ({error})") from error
    return records


def _of_hash(text: str, results: Path) -> list[RunRecord]:
    try:
        records = _records(results)
    except DataError as error:
        raise DataError(f"{text}: neither a file nor a folder, and {error}") from error
    chosen = [run for run in records if run.group_hash.startswith(text)]
    found = sorted({run.group_hash for run in chosen})
    if len(text) < _SHORTEST_HASH or not found:
        raise DataError(
            f"{text}: neither a file, a folder nor the beginning of a group's hash in {results} "
            f"({_SHORTEST_HASH} digits or more); `leaderboard.csv` lists them as key"
        )
    if len(found) > 1:
        raise DataError(f"{text}: begins several hashes, {', '.join(found)}; give more digits")
    return chosen


def _filtered(text: str, records: Sequence[RunRecord]) -> list[RunRecord]:
    chosen = list(records)
    for one in text.split(","):
        key, sign, value = one.partition("=")
        if not sign or not key or not value:
            raise ConfigError(f"{text}: {one or 'an empty part'} is no filter; give key=value,…")
        _known(key, records)
        kept = [run for run in chosen if _matches(run, key, value)]
        if not kept:
            there = sorted({str(told) for run in chosen if (told := _value(run, key)) is not None})
            raise DataError(f"{text}: no run has {one}; there is {', '.join(there) or 'none'}")
        chosen = kept
    return chosen


def _known(key: str, records: Sequence[RunRecord]) -> None:
    if key in _PLAIN or key in _BEGINS or any(_value(run, key) is not None for run in records):
        return
    options = [*_PLAIN, *_BEGINS]
    for run in records[-1:]:
        options += _dotted(run.config)
    raise ConfigError(f"{key}: no run tells it{nearest(key, options)}")


def _dotted(config: Mapping[str, Any], before: str = "") -> list[str]:
    names = []
    for key, value in config.items():
        if isinstance(value, Mapping):
            names += _dotted(value, f"{before}{key}.")
        else:
            names.append(f"{before}{key}")
    return names


def _value(run: RunRecord, key: str) -> Any:
    """Return what a run has under a key; None where it has nothing, or more than one value."""
    if key in _PLAIN:
        return getattr(run, key)
    if key in _BEGINS:
        return _BEGINS[key](run)
    value: Any = run.config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if value is None or isinstance(value, Mapping):
        # A choice among files, as experiment=digits.
        return (run.config.get("choices") or {}).get(key)
    return value


def _matches(run: RunRecord, key: str, wanted: str) -> bool:
    value = _value(run, key)
    if key in _BEGINS:
        return bool(value) and str(value).startswith(wanted)
    if key == "data" and run.data_name == wanted:
        return True
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(wanted) == value
        except ValueError:
            return False
    return value is not None and str(value).lower() == wanted.lower()


def pairs_of(first: Side, second: Side) -> tuple[list[tuple[Group, Group]], list[Group]]:
    """Return which group of the first side meets which of the second, and those that meet none.

    On one version of one data set groups of one configuration meet; of the rest those of one name;
    and where one group is left on either side, these two. The last are what is left of both sides.
    Raises `ConfigError` where one group's runs are on both sides, or nothing meets.
    """
    pairs: list[tuple[Group, Group]] = []
    ours, theirs = list(first.groups), list(second.groups)
    for alike in (_by_key, _by_name, _by_place):
        left, right = _gathered(ours, alike), _gathered(theirs, alike)
        met = [
            (members[0], right[place][0])
            for place, members in left.items()
            if len(members) == 1 and len(right.get(place, ())) == 1
        ]
        pairs += met
        gone = {id(group) for pair in met for group in pair}
        ours = [group for group in ours if id(group) not in gone]
        theirs = [group for group in theirs if id(group) not in gone]
    for one, other in pairs:
        if {run.run_id for run in one.runs} & {run.run_id for run in other.runs}:
            raise ConfigError(f"{one.name} on {one.data}: is on both sides; narrow A or B")
    if not pairs:
        raise ConfigError(
            f"{first.text} and {second.text}: have no data set on which one group meets one other; "
            f"A holds {_told(first)}, B holds {_told(second)}"
        )
    pairs.sort(key=lambda pair: (pair[0].task, pair[0].data, pair[0].fingerprint, pair[0].key))
    return pairs, [*ours, *theirs]


def _told(one: Side) -> str:
    names = [f"{group.name} on {group.data}" for group in one.groups[:3]]
    more = len(one.groups) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _gathered(
    groups: Sequence[Group], alike: Callable[[Group], tuple[str, ...]]
) -> dict[tuple[str, ...], list[Group]]:
    found: dict[tuple[str, ...], list[Group]] = defaultdict(list)
    for group in groups:
        found[alike(group)].append(group)
    return found


def _by_place(group: Group) -> tuple[str, ...]:
    return group.task, group.data, group.fingerprint


def _by_key(group: Group) -> tuple[str, ...]:
    return *_by_place(group), group.key


def _by_name(group: Group) -> tuple[str, ...]:
    return *_by_place(group), group.entrant
