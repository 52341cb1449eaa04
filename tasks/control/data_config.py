"""Options of environments. Nothing here imports gymnasium."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from suite import DataConfig


@dataclass(kw_only=True)
class EnvironmentConfig(DataConfig):
    """An environment that gymnasium knows. It is data that answers: episodes instead of examples.

    `train_examples` and `classes` have no meaning here: training takes as many steps as it is long.
    """

    kind: ClassVar[str] = "environment"

    _target_: str = "tasks.control.environment.Environment"
    id: str = "???"
    """The name that it is registered by in gymnasium, with its version."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the environment itself, by name."""
    episodes: int = 100
    """Episodes of validation, and as many others of the test."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("episodes")
        # gymnasium imports what stands before a colon.
        self.require("id", ":" not in self.id, "a registered name, without a module before it")
        for name in ("train_examples", "classes"):
            self.require(name, getattr(self, name) is None, "null: an environment has none")


@dataclass(kw_only=True)
class CartPoleConfig(EnvironmentConfig):
    """A pole on a cart (Barto, Sutton and Anderson 1983)."""

    id: str = "CartPole-v1"


@dataclass(kw_only=True)
class AcrobotConfig(EnvironmentConfig):
    """Two links that are to swing up (Sutton 1996)."""

    id: str = "Acrobot-v1"


@dataclass(kw_only=True)
class LunarLanderConfig(EnvironmentConfig):
    """A lander with three engines; needs Box2D."""

    id: str = "LunarLander-v3"


DATA_SCHEMAS: dict[str, type] = {
    "data/gymnasium": EnvironmentConfig,
    "data/cartpole": CartPoleConfig,
    "data/acrobot": AcrobotConfig,
    "data/lunar_lander": LunarLanderConfig,
}
