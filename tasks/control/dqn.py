"""Deep Q-learning (Mnih et al. 2015, "Human-level control through deep reinforcement learning").

Legend: B batch, A actions.
"""

import torch.nn.functional as F
from torch import Tensor

from suite import Batch, ConfigError, Loss
from tasks.control.learner import Experience, Learner, Place


class DQN(Learner):
    """The error of the values of actions that were taken, against targets made from what came."""

    values = 0

    def __init__(
        self,
        *,
        discount: float,
        double: bool,
        huber: float | None,
        buffer: int,
        learning_starts: int,
        act_every: int,
        updates: int,
        target_interval: int,
        target_rate: float,
        exploration_steps: int,
        exploration_final: float,
    ) -> None:
        self._discount = discount
        self.double = double
        self.huber = huber
        self.buffer = buffer
        self.learning_starts = learning_starts
        self.act_every = act_every
        self.updates = updates
        self.target_interval = target_interval
        self.target_rate = target_rate
        self.exploration_steps = exploration_steps
        self.exploration_final = exploration_final

    @property
    def discount(self) -> float:
        return self._discount

    def __call__(self, output_BA: Tensor, batch: Batch) -> Loss:
        """Read `action_B` and `target_B`."""
        value_B = output_BA.float().gather(1, batch["action_B"].unsqueeze(1)).squeeze(1)
        target_B = batch["target_B"]
        if self.huber is None:
            total = F.mse_loss(value_B, target_B, reduction="sum")
        else:
            total = F.huber_loss(value_B, target_B, reduction="sum", delta=self.huber)
        return Loss(total, batch.examples)

    def exploration(self, steps: int) -> float:
        """Return the share of random actions after so many environment steps."""
        if steps < self.learning_starts:
            return 1.0
        done = min(steps / self.exploration_steps, 1.0) if self.exploration_steps else 1.0
        return 1.0 + done * (self.exploration_final - 1.0)

    def preferences(self, output_BK: Tensor) -> Tensor:
        return output_BK

    def value(self, output_BK: Tensor) -> Tensor:
        return output_BK.amax(1)

    def round(self, environments: int, batch_size: int) -> tuple[int, int]:
        for name in ("act_every", "learning_starts"):
            if getattr(self, name) % environments:
                raise ConfigError(
                    f"loss.{name}={getattr(self, name)}: must be a multiple of "
                    f"task.environments={environments}, which all take a step at a time"
                )
        return self.act_every, self.updates

    def gather(self, place: Place) -> Experience:
        from tasks.control.replay import Replay

        return Replay(self, place)
