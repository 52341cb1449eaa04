"""Which runs a name stands for, that of a task, a data set or an experiment; with a small model."""

from collections.abc import Sequence
from pathlib import Path

from suite.catalogue import options
from suite.checking.small import SMALL
from suite.compose import compose
from suite.config import RunConfig
from suite.errors import ConfigError, nearest
from suite.plugins import find

_KINDS = ("task", "data", "experiment")
_FIRST = "mlp"
"""The backbone to check with where none is chosen: it takes any input, and the least time."""
_OURS = ("trainer.batch_size=32",)


def runs_of(name: str, overrides: Sequence[str], folder: Path | None) -> list[RunConfig]:
    """Return a run for each task that reads it. folder: a user's own, beside `conf/`.

    Of a name that several have, a task comes before a data set, and that before an experiment;
    `experiment=…` says which.
    """
    kind, equals, rest = name.partition("=")
    if equals and kind not in _KINDS:
        raise ConfigError(f"check {name}: give a task, a data set or an experiment, by name")
    for group in (kind,) if equals else _KINDS:
        wanted = rest if equals else name
        if _there_is(group, wanted, folder):
            return _runs(group, wanted, overrides, folder)
    known = [one for group in _KINDS for one in options(group, find())]
    broken = "".join(f"; plugin {one} does not load ({e})" for one, e in find().broken.items())
    raise ConfigError(
        f"check {name}: no such task, data set or experiment{nearest(rest or name, known)}; "
        f"`triathlon list` shows what there is{broken}"
    )


def _there_is(group: str, name: str, folder: Path | None) -> bool:
    if folder is not None and (folder / group / f"{name}.yaml").is_file():
        return True
    inner, _, last = name.rpartition("/")
    return last in options(f"{group}/{inner}".rstrip("/"), find())


def _runs(group: str, name: str, overrides: Sequence[str], folder: Path | None) -> list[RunConfig]:
    chosen = [f"{group}={name}"]
    given = any(one.startswith("task=") for one in overrides)
    if group != "data" or given:
        return [_small(chosen, overrides, folder)]
    found, errors = [], []
    for task in _readers(name):
        try:
            found.append(_small([f"task={task}", *chosen], overrides, folder))
        except ConfigError as error:  # it reads data of another kind
            errors.append(error)
    if not found:
        raise errors[0]
    return found


def _readers(name: str) -> list[str]:
    """Return the tasks that read data of its kind; all, where that is not known."""
    tasks, data = options("task", find()), options("data", find())
    kind = data[name].kind if name in data else ""
    readers = [task.name for task in tasks.values() if kind and task.kind == kind]
    return readers or list(tasks)


def _small(chosen: Sequence[str], overrides: Sequence[str], folder: Path | None) -> RunConfig:
    """Compose a run with a small model of the backbone that is chosen."""
    path = [] if folder is None else [f"hydra.searchpath=[file://{_quoted(folder.resolve())}]"]
    mine = [*chosen, *_OURS]
    experiment = chosen[0].startswith("experiment=")
    named = [one.partition("=")[2] for one in overrides if one.startswith("backbone=")]
    if experiment and not named:
        recipe = compose([*chosen, *overrides, *path])
        name = recipe.choices.get("backbone") or ""
        pretrained = getattr(recipe.backbone, "model", None) is not None
        sizes = () if pretrained else SMALL.get(name, ())
    else:
        name = named[-1] if named else _FIRST
        mine.append(f"backbone={name}")
        pretrained = any(one.startswith("backbone.model=") for one in overrides)
        sizes = () if pretrained else SMALL.get(name, ())
    return compose([*mine, *sizes, *overrides, *path])


def _quoted(folder: Path) -> str:
    """Return a path as Hydra's grammar takes it, whatever characters it has."""
    return "".join(f"\\{c}" if c in "\\()[]{}:=, \t'\"" else c for c in str(folder))
