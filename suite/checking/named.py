"""Which runs a name stands for, that of a task, a data set or an experiment; with a small model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.catalogue import options
from suite.checking.small import SMALL
from suite.compose import compose
from suite.config import RunConfig
from suite.config_folder import search_path
from suite.errors import ConfigError, nearest
from suite.plugins import find

_KINDS = ("task", "data", "experiment")
DEFAULTS = ("mlp", "resnet", "transformer", "wav2vec2")
"""Backbones to check with where none is chosen, tried in turn: the first takes the least time."""
_OURS = ("trainer.batch_size=32",)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run to check. chosen: what it is of. folder: a user's own, beside `conf/`."""

    chosen: Sequence[str]
    overrides: Sequence[str]
    folder: Path | None

    @property
    def backbones(self) -> Sequence[str]:
        """The backbones to try in turn; the empty name is that of the experiment."""
        named = [one.partition("=")[2] for one in self.overrides if one.startswith("backbone=")]
        if named:
            return named[-1:]
        return ("",) if self.chosen[0].startswith("experiment=") else DEFAULTS

    def config(self, backbone: str) -> RunConfig:
        """Compose it with a small model of this backbone; of a pretrained one as it is."""
        pretrained = any(one.startswith("backbone.model=") for one in self.overrides)
        mine = [*self.chosen, *_OURS]
        if backbone:
            mine.append(f"backbone={backbone}")
        else:
            recipe = self._compose([*mine, *self.overrides])
            backbone = recipe.choices.get("backbone") or ""
            pretrained = getattr(recipe.backbone, "model", None) is not None
        sizes = () if pretrained else SMALL.get(backbone, ())
        return self._compose([*mine, *sizes, *self.overrides])

    def _compose(self, overrides: Sequence[str]) -> RunConfig:
        return compose([*overrides, *search_path(self.folder)])


def runs_of(name: str, overrides: Sequence[str], folder: Path | None) -> list[Run]:
    """Return a run for each task that reads it.

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
    known = [one for group in _KINDS for one in options(group, find(), folder=folder)]
    broken = "".join(f"; plugin {one} does not load ({e})" for one, e in find().broken.items())
    raise ConfigError(
        f"check {name}: no such task, data set or experiment{nearest(rest or name, known)}; "
        f"`triathlon list` shows what there is{broken}"
    )


def _there_is(group: str, name: str, folder: Path | None) -> bool:
    inner, _, last = name.rpartition("/")
    return last in options(f"{group}/{inner}".rstrip("/"), find(), folder=folder)


def _runs(group: str, name: str, overrides: Sequence[str], folder: Path | None) -> list[Run]:
    def run(*chosen: str) -> Run:
        return Run(chosen=chosen, overrides=overrides, folder=folder)

    if group != "data" or any(one.startswith("task=") for one in overrides):
        return [run(f"{group}={name}")]
    found, errors = [], []
    for task in _readers(name, folder):
        one = run(f"task={task}", f"data={name}")
        try:
            one.config(one.backbones[0])
        except ConfigError as error:  # it reads data of another kind
            errors.append(error)
        else:
            found.append(one)
    if not found:
        raise errors[0]
    return found


def _readers(name: str, folder: Path | None) -> list[str]:
    """Return the tasks that read data of its kind; all, where that is not known."""
    tasks, data = (options(group, find(), folder=folder) for group in ("task", "data"))
    kind = data[name].kind if name in data else ""
    readers = [task.name for task in tasks.values() if kind and task.kind == kind]
    return readers or list(tasks)
