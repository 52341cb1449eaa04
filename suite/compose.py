"""Composes configurations outside of a Hydra job: for verbs, the help page, a model built again."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

from omegaconf import DictConfig, OmegaConf

from suite.catalogue import there_is
from suite.config import SCHEMAS, RunConfig, parse
from suite.config_folder import checked, search_path
from suite.errors import ConfigError
from suite.plugins import Found, check_target, find, register
from suite.trust.targets import check_all

GROUPS = (
    "task", "data", "backbone", "loss", "optimizer", "schedule", "trainer", "precision",
    "hardware", "tracking", "experiment",
)  # fmt: skip
"""The groups of `conf/` that a run chooses from."""


def compose(overrides: Sequence[str], *, folder: Path | None = None) -> RunConfig:
    """Return the run that these overrides describe. folder: a user's own, as `--config-dir`."""
    return to_run(*_compose([*overrides, *search_path(checked(folder))]))


def recompose(plain: Mapping[str, Any]) -> RunConfig:
    """Return the run whose `RunConfig.plain()` this is, or raise a `ConfigError`.

    It may come with a model that others trained, so it chooses from the groups and no more, and
    its values are what they are: what they refer to would be read from this machine.
    """
    plain = dict(plain)
    choices = _choices(plain.pop("choices", None))
    _refuse_references(plain)
    there = _stood_in_for(choices, plain)
    composed, _ = _compose([f"{group}={choice}" for group, choice in there.items()])
    # `merge` checks types against the schemas that composing has brought in.
    return to_run(OmegaConf.merge(composed, plain), choices)  # type: ignore[arg-type]


def help_page(overrides: Iterable[str]) -> str:
    """Return the page of `hydra.help`, with the configuration that these overrides compose.

    Hydra's own way to it gathers the options of every group for a template that may ask for them:
    three seconds for what ours does not show.
    """
    composed = _with_hydra(overrides)
    template: str = composed.hydra.help.template
    return Template(template).substitute(CONFIG=OmegaConf.to_yaml(_without_hydra(composed)))


def to_run(composed: DictConfig, choices: Mapping[str, Any]) -> RunConfig:
    """Check a composed configuration; note which file of each group it is made of."""
    composed = composed.copy()
    composed.choices = {group: choices.get(group) for group in GROUPS}
    run = parse(composed)
    check_all(run.plain(), check_target)
    return run


def _choices(told: object) -> dict[str, str]:
    """Return which file of each group a kept configuration names."""
    if not isinstance(told, Mapping):
        raise ConfigError("choices: missing; it is not the configuration of a run")
    choices = {group: str(told[group]) for group in GROUPS if told.get(group)}
    for group, choice in choices.items():
        if not re.fullmatch(r"\w[\w-]*(/\w[\w-]*)*", choice):
            raise ConfigError(f"choices.{group}={choice}: is not the name of an option")
    return choices


def _stood_in_for(choices: Mapping[str, str], plain: Mapping[str, Any]) -> dict[str, str]:
    """Return what to compose where a choice was a file of the user's own, which is not here.

    All of its values are kept, so an experiment can be left out, and for the rest the file that
    builds the same class will do.
    """
    found = find()
    there = {}
    for group, choice in choices.items():
        if there_is(group, choice, found):
            there[group] = choice
        elif group != "experiment":
            there[group] = _alike(group, plain.get(group), found) or choice
    return there


def _alike(group: str, node: Any, found: Found) -> str | None:
    target = node.get("_target_") if isinstance(node, Mapping) else None
    schemas = {**SCHEMAS, **{k: v for p in found.plugins.values() for k, v in p.schemas.items()}}
    for path, schema in schemas.items():
        name = path.removeprefix(f"{group}/")
        builds = getattr(schema, "_target_", None)
        if name != path and target and builds == target and there_is(group, name, found):
            return name
    return None


def _refuse_references(plain: Any, place: str = "") -> None:
    if isinstance(plain, Mapping):
        for key, value in plain.items():
            _refuse_references(value, f"{place}.{key}" if place else str(key))
    elif isinstance(plain, list):
        for value in plain:
            _refuse_references(value, place)
    elif isinstance(plain, str) and "${" in plain:
        raise ConfigError(
            f"{place}={plain}: a run that was kept has no references; write the value"
        )


def _compose(overrides: Iterable[str]) -> tuple[DictConfig, Mapping[str, Any]]:
    composed = _with_hydra(overrides)
    choices = OmegaConf.to_container(composed.hydra.runtime.choices)
    return _without_hydra(composed), choices  # type: ignore[return-value]


def _with_hydra(overrides: Iterable[str]) -> DictConfig:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_module

    register()
    with initialize_config_module(config_module="conf", version_base="1.3"):
        return hydra_compose("config", overrides=list(overrides), return_hydra_config=True)


def _without_hydra(composed: DictConfig) -> DictConfig:
    OmegaConf.set_struct(composed, False)
    composed.pop("hydra")
    OmegaConf.set_struct(composed, True)
    return composed
