"""Options of the control task and of its losses. Nothing here imports torch or gymnasium."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from suite import LossConfig, TaskConfig
from tasks.control.data_config import DATA_SCHEMAS


class Critic(enum.Enum):
    """Which layers estimate values beside a policy."""

    separate = "separate"
    shared = "shared"


@dataclass(kw_only=True)
class ControlConfig(TaskConfig):
    """Control. The loss chooses how experience is gathered."""

    data_kind: ClassVar[str] = "environment"
    losses: ClassVar[tuple[str, ...]] = ("ppo", "dqn")

    _target_: str = "tasks.control.task.Control"
    environments: int = 8
    """Environments that are acted in side by side, each in an episode of its own."""
    epoch: int = 10_000
    """Environment steps that are called an epoch: `trainer.epochs` and `trainer.evaluate_every`
    count in them, whichever the loss and the batch size."""
    critic: Critic = Critic.separate
    """With loss=ppo values have hidden layers of their own, or share those of the policy. loss=dqn
    has no policy beside its values."""
    target: float | None = None
    """Mean return on validation episodes that time-to-target races to; null is the environment's
    own, from which on it counts as solved."""

    def __post_init__(self) -> None:
        self.require_positive("environments", "epoch")


@dataclass(kw_only=True)
class PPOConfig(LossConfig):
    """Proximal policy optimisation: rollouts of the present policy, a few passes over each."""

    _target_: str = "tasks.control.ppo.PPO"
    discount: float = 0.99
    """What a reward counts for one step later."""
    gae_lambda: float = 0.95
    """Weight of longer returns in the advantage: 0 is one step, 1 the whole return."""
    clip: float = 0.2
    """How far the probability of an action may move from that of the policy that acted, as a share,
    before it brings no more."""
    value_weight: float = 0.5
    """Weight of the squared error of values."""
    entropy_weight: float = 0.0
    """Weight of the policy's entropy, which keeps it from settling early."""
    rollout: int = 128
    """Steps of each environment between two updates of the policy that acts."""
    passes: int = 10
    """Times that each rollout is learned from, in minibatches of `trainer.batch_size`."""

    def __post_init__(self) -> None:
        self.require_positive("clip", "rollout", "passes")
        for name in ("discount", "gae_lambda"):
            self.require(name, 0 <= getattr(self, name) <= 1, "between 0 and 1")
        for name in ("value_weight", "entropy_weight"):
            self.require(name, getattr(self, name) >= 0, "0 or above")


@dataclass(kw_only=True)
class DQNConfig(LossConfig):
    """Deep Q-learning: actions that look best, some at random, learned from a replay buffer."""

    _target_: str = "tasks.control.dqn.DQN"
    discount: float = 0.99
    """What a reward counts for one step later."""
    double: bool = True
    """The network that learns chooses the next action and the target network judges it, so that
    values are not overestimated; false has the target network do both."""
    huber: float | None = 1.0
    """Error up to which the loss is squared, and linear beyond; null squares all."""
    buffer: int = 100_000
    """Transitions that are kept, the last ones."""
    learning_starts: int = 1000
    """Environment steps of random actions before the first update."""
    act_every: int = 256
    """Environment steps, over all environments, between two rounds of updates."""
    updates: int = 128
    """Batches of a round, each of `trainer.batch_size` transitions."""
    target_interval: int = 128
    """Batches from one update of the target network to the next."""
    target_rate: float = 1.0
    """Share by which it moves to the network that learns each time; 1 copies it."""
    exploration_steps: int = 8000
    """Environment steps over which the share of random actions falls from 1 to its final value."""
    exploration_final: float = 0.04
    """Share of random actions from then on."""

    def __post_init__(self) -> None:
        self.require_positive("huber", "buffer", "act_every", "updates", "target_interval")
        for name in ("discount", "exploration_final"):
            self.require(name, 0 <= getattr(self, name) <= 1, "between 0 and 1")
        self.require("target_rate", 0 < self.target_rate <= 1, "above 0, at most 1")
        for name in ("learning_starts", "exploration_steps"):
            self.require(name, getattr(self, name) >= 0, "0 or above")
        fits = self.learning_starts <= self.buffer
        self.require("learning_starts", fits, f"at most loss.buffer={self.buffer}")


SCHEMAS: dict[str, type] = {
    "task/control": ControlConfig,
    "loss/ppo": PPOConfig,
    "loss/dqn": DQNConfig,
    **DATA_SCHEMAS,
}
"""By the name that `conf/` refers to as `/schema/<name>`."""
