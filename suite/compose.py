"""Composes configurations outside of a Hydra job: for verbs, the help page, a model built again."""

from collections.abc import Iterable, Mapping, Sequence
from string import Template
from typing import Any

from omegaconf import DictConfig, OmegaConf

from suite.config import RunConfig, parse
from suite.plugins import register

GROUPS = (
    "task", "data", "backbone", "loss", "optimizer", "schedule", "trainer", "precision",
    "hardware", "tracking", "experiment",
)  # fmt: skip
"""The groups of `conf/` that a run chooses from."""


def compose(overrides: Sequence[str]) -> RunConfig:
    """Return the run that these overrides describe."""
    return to_run(*_compose(overrides))


def recompose(plain: Mapping[str, Any]) -> RunConfig:
    """Return the run whose `RunConfig.plain()` this is."""
    plain = dict(plain)
    choices = plain.pop("choices")
    composed, _ = _compose([f"{group}={choice}" for group, choice in choices.items() if choice])
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
    return parse(composed)


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
