"""From what Hydra composed to a `RunConfig`, or one line that says what is wrong."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from suite.config.plugin import ReferenceConfig
from suite.config.run import RunConfig
from suite.config.shallow import HandMadeConfig
from suite.config.values import check_values
from suite.config.width import at_base_width
from suite.errors import ConfigError, nearest, one_line

if TYPE_CHECKING:
    from omegaconf import DictConfig


LEARNING = ("loss", "optimizer", "schedule")
"""Groups that a model on hand-made features has no use for."""


def parse(config: DictConfig) -> RunConfig:
    """Turn a composed configuration into a `RunConfig`, or raise a `ConfigError`."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    missing = sorted(OmegaConf.missing_keys(config))
    if missing:
        raise ConfigError(f"{missing[0]}: has no value; give {missing[0]}=…")
    _refuse_unknown(config)
    try:
        run: RunConfig = OmegaConf.to_object(config)  # type: ignore[assignment]
    except OmegaConfBaseException as error:
        raise ConfigError(one_line(str(error))) from error
    check_values(run.plain())
    shallow = isinstance(run.backbone, HandMadeConfig)
    for group in ("task", "backbone", *(() if shallow else LEARNING)):
        if getattr(run, group) is None:
            raise ConfigError(f"{group}=null: choose one; `triathlon list` shows them")
    if isinstance(run.data, dict):
        run.data["references"] = [_reference(one) for one in run.data.get("references", ())]
    # What a plugin adds without a schema has the keys of its own YAML.
    for group in ("task", "data", "backbone", *LEARNING):
        if isinstance(part := getattr(run, group), dict):
            setattr(run, group, types.SimpleNamespace(**part))
    if shallow:
        # What composing brings in regardless would read as if it had been used.
        for group in LEARNING:
            setattr(run, group, None)
            run.choices[group] = None
    _check_combination(run)
    return run


def _reference(plain: dict[str, Any]) -> ReferenceConfig:
    """Check a reference in the YAML of a data source that has no schema."""
    from omegaconf import OmegaConf

    return OmegaConf.to_object(OmegaConf.merge(ReferenceConfig, plain))  # type: ignore[return-value]


def _refuse_unknown(node: DictConfig, place: str = "") -> None:
    """Refuse keys that no schema has: `+key=value` adds them, and nothing would read them."""
    from omegaconf import DictConfig, OmegaConf

    schema = OmegaConf.get_type(node)
    known = [f.name for f in fields(schema)] if is_dataclass(schema) else None
    for key in map(str, node):
        if known is not None and key not in known:
            raise ConfigError(f"{place}{key}: no such key{nearest(key, known)}")
        child = node._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_missing():
            _refuse_unknown(child, f"{place}{key}.")


def _check_combination(run: RunConfig) -> None:
    task = run.choices.get("task") or "task"
    wanted, held = getattr(run.task, "data_kind", ""), getattr(run.data, "kind", "")
    if wanted and wanted != held:
        raise ConfigError(
            f"data={run.choices.get('data')}: holds {held or 'nothing'}, but task={task} takes "
            f"{wanted}; `triathlon list` shows the data sets of each task"
        )
    if isinstance(run.backbone, HandMadeConfig):
        _check_features(run, run.backbone, task)
        return
    losses = getattr(run.task, "losses", ())
    loss = run.choices.get("loss")
    if losses and loss not in losses:
        raise ConfigError(f"loss={loss}: does not suit task={task}; use loss={'|'.join(losses)}")
    at_base_width(run)


def _check_features(run: RunConfig, backbone: HandMadeConfig, task: str) -> None:
    kinds = getattr(run.task, "hand_made", ())
    if not kinds:
        raise ConfigError(
            f"backbone={run.choices.get('backbone')}: is fitted on hand-made features, and "
            f"task={task} has none; choose another backbone or task"
        )
    if backbone.features not in ("auto", *kinds):
        raise ConfigError(
            f"backbone.features={backbone.features}: task={task} has "
            f"{', '.join(('auto', *kinds))}{nearest(backbone.features, kinds)}"
        )
