"""Schemas for a YAML whose task or data set brings no dataclass of its own."""

from __future__ import annotations

from dataclasses import dataclass

from suite.config.plugin import DataConfig, TaskConfig


@dataclass(kw_only=True)
class PlainTaskConfig(TaskConfig):
    """Options of a task that has none of its own: `/schema/task/plain`."""

    data_kind: str = ""  # type: ignore[misc]
    """What the task reads: it fits data sets whose `kind` is the same. Empty fits all."""


@dataclass(kw_only=True)
class PlainDataConfig(DataConfig):
    """Options that every data set has: `/schema/data/plain`."""

    kind: str = ""  # type: ignore[misc]
    """What the data set holds, for the tasks whose `data_kind` is the same."""
