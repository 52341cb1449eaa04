"""Composes configurations outside of a Hydra job: for `triathlon model`, and to rebuild a model."""

from collections.abc import Mapping, Sequence
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


def to_run(composed: DictConfig, choices: Mapping[str, Any]) -> RunConfig:
    """Check a composed configuration; note which file of each group it is made of."""
    composed = composed.copy()
    composed.choices = {group: choices.get(group) for group in GROUPS}
    return parse(composed)


def _compose(overrides: Sequence[str]) -> tuple[DictConfig, Mapping[str, Any]]:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_module

    register()
    with initialize_config_module(config_module="conf", version_base="1.3"):
        composed = hydra_compose("config", overrides=list(overrides), return_hydra_config=True)
    choices = OmegaConf.to_container(composed.hydra.runtime.choices)
    OmegaConf.set_struct(composed, False)
    composed.pop("hydra")
    OmegaConf.set_struct(composed, True)
    return composed, choices  # type: ignore[return-value]
