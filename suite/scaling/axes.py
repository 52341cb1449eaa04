"""What a scaling experiment varies, and which runs differ in that and their seed alone."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.config import KNOWLEDGE
from suite.errors import DataError
from suite.record import RunRecord
from suite.report.groups import groups_of

FEWEST_SIZES = 3

_MODEL = (
    "backbone.width", "backbone.wide", "backbone.heads", "backbone.depth", "backbone.stages",
)  # fmt: skip
_LENGTH = ("trainer.steps", "trainer.epochs", "trainer.evaluate_every", "trainer.evaluations")
_INPUT = ("task.resolution", "task.bandwidth", "task.sample_rate", "task.max_tokens")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Something to vary. keys: of the configuration, which set it. words: what sizes are.

    of_data: whether another size is another version of the data set.
    """

    name: str
    words: str
    keys: tuple[str, ...]
    of_data: bool = False


AXES = {
    one.name: one
    for one in (
        Axis(name="examples", words="training examples", keys=("data.train_examples",),
             of_data=True),
        Axis(name="width", words="width", keys=("backbone.width", "backbone.wide",
             "backbone.heads")),
        Axis(name="depth", words="depth", keys=("backbone.depth",)),
        Axis(name="dimension", words="input dimension", keys=_INPUT, of_data=True),
        Axis(name="classes", words="classes", keys=("data.classes",), of_data=True),
        Axis(name="parameters", words="parameters", keys=_MODEL),
        Axis(name="flops", words="training FLOPs", keys=(*_MODEL, *_LENGTH)),
    )
}  # fmt: skip
PLAIN_AXES = ("examples", "width", "depth", "dimension", "classes")
"""Those that are looked for where none is named; the others are these, counted otherwise."""

_NO_PART = (
    "seed", "results", "name", "cache", "tracking", "hardware", "sweep", "hydra", "choices",
)  # fmt: skip
"""Parts of a configuration that are not what a run is, or are told by the record itself."""
_NO_KEY = (
    *(f"data.{key}" for key in (*KNOWLEDGE, "path", "download")),
    *(f"trainer.{key}" for key in ("log_every", "profile", "max_seconds", "checkpoint")),
    "task.target",
)


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """Runs that differ in one thing and their seed alone. runs: by size, ascending.

    data: name of the set, whole. label: what else there is to tell it by.
    """

    axis: Axis
    task: str
    data: str
    label: str
    runs: Mapping[float, tuple[RunRecord, ...]]

    @property
    def first(self) -> RunRecord:
        """A run of the largest size."""
        return self.runs[max(self.runs)][0]

    @property
    def shallow(self) -> bool:
        """Whether the model is one on hand-made features."""
        return bool(self.first.hand_made)


def ladders(records: Sequence[RunRecord], axis: Axis) -> list[Ladder]:
    """Return the runs by what they share apart from the axis, where there are three sizes."""
    found: dict[tuple[Any, ...], dict[float, list[RunRecord]]] = defaultdict(dict)
    settings: dict[tuple[Any, ...], dict[str, Any]] = {}
    for run in counted(records):
        size = size_of(run, axis)
        if size is None:
            continue
        kept = _settings(run, axis)
        key = tuple(sorted((name, repr(value)) for name, value in kept.items()))
        settings[key] = kept
        found[key].setdefault(size, []).append(run)
    rungs = {key: runs for key, runs in found.items() if len(runs) >= FEWEST_SIZES}
    kinds: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for key in rungs:
        kinds[_kind(rungs[key])].append(settings[key])
    ladders = [
        _ladder(axis, settings[key], _differing(kinds[_kind(runs)]), dict(sorted(runs.items())))
        for key, runs in rungs.items()
    ]
    return sorted(ladders, key=lambda one: (one.task, one.data, one.label))


def counted(records: Sequence[RunRecord]) -> list[RunRecord]:
    """Return finished runs; of those repeated with one configuration and seed the newest."""
    return [run for group in groups_of(records) for run in group.runs]


def refusal(records: Sequence[RunRecord], axes: Sequence[Axis]) -> DataError:
    """Say why no runs make a ladder: what else they differ in, or that there are too few sizes."""
    runs = counted(records)
    told = []
    for axis in axes:
        sizes = {size for run in runs if (size := size_of(run, axis)) is not None}
        if len(sizes) < FEWEST_SIZES:
            told.append(f"{axis.name}: {len(sizes)} sizes")
            continue
        others = _differing([_settings(run, axis) for run in runs])
        named = ", ".join(f"{key} ({count} values)" for key, count in list(others.items())[:5])
        told.append(f"{axis.name}: {len(sizes)} sizes, but runs also differ in {named}")
    return DataError(
        f"no {FEWEST_SIZES} sizes of runs that differ in nothing else but the seed "
        f"({'; '.join(told)}); narrow the runs by filters, or train more sizes"
    )


def size_of(run: RunRecord, axis: Axis) -> float | None:
    """Return a run's size on an axis; None where it has none."""
    flat = _flat(run.config)
    value: Any
    if axis.name == "examples":
        value = (run.data_card.get("sizes") or {}).get("train")
    elif axis.name == "parameters":
        value = run.model.get("trained_parameters", run.model.get("parameters"))
    elif axis.name == "flops":
        value = flops_of(run)
    elif axis.name == "dimension":
        value = next((flat[key] for key in axis.keys if flat.get(key)), None)
    else:
        value = flat.get(axis.keys[0])
    # A size that is left to the data (all classes, all pixels) is no number here.
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return None
    return float(value)


def flops_of(run: RunRecord) -> float | None:
    """Return the FLOPs of a run's training, None where they were not counted."""
    each = run.model.get("training_flops_per_example")
    return each * run.examples if each and run.examples else None


def _settings(run: RunRecord, axis: Axis) -> dict[str, Any]:
    """Return what a run shares with the others of its ladder."""
    return settings_of(run, leave_out=axis.keys, any_data=axis.of_data)


def settings_of(
    run: RunRecord, *, leave_out: Sequence[str], any_data: bool = False
) -> dict[str, Any]:
    """Return what a run is by, apart from its seed and these keys or parts of the configuration.

    any_data: whether another version of its data set is the same.
    """
    kept = {
        key: value
        for key, value in _flat(run.config).items()
        if key.partition(".")[0] not in (*_NO_PART, *leave_out)
        and key not in (*_NO_KEY, *leave_out)
        and value is not None
    }
    told = {"task": run.task, "data": whole_of(run), "backbone": run.backbone}
    told |= {"optimizer": run.optimizer, "metric": run.primary}
    told = {key: value for key, value in told.items() if key not in leave_out}
    if not any_data:
        told["data version"] = run.data_card.get("fingerprint", "")
    return told | kept


def whole_of(run: RunRecord) -> str:
    """Return the name of the set that a run's data are a part of, or all of."""
    return str(run.data_card.get("whole") or run.data_name)


def _flat(config: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def _differing(settings: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many values each key has, of those with several."""
    keys = dict.fromkeys(key for one in settings for key in one)
    counts = {key: len({repr(one.get(key)) for one in settings}) for key in keys}
    return {key: count for key, count in counts.items() if count > 1}


def _kind(runs: Mapping[float, Sequence[RunRecord]]) -> tuple[str, ...]:
    """Return what ladders are named by where nothing else sets them apart."""
    first = next(iter(runs.values()))[0]
    return first.task, whole_of(first), _name(first)


def _name(run: RunRecord) -> str:
    features = str(run.hand_made.get("features") or "")
    return f"{run.backbone} on {features}" if features else f"{run.backbone} + {run.optimizer}"


def _ladder(
    axis: Axis,
    settings: Mapping[str, Any],
    differing: Mapping[str, int],
    runs: Mapping[float, Sequence[RunRecord]],
) -> Ladder:
    first = next(iter(runs.values()))[0]
    told = [f"{key}={settings[key]}" for key in differing if key in settings]
    return Ladder(
        axis=axis,
        task=first.task,
        data=whole_of(first),
        label=" ".join([_name(first), *told[:_MOST_SETTINGS]]),
        runs={size: tuple(each) for size, each in runs.items()},
    )


_MOST_SETTINGS = 3
