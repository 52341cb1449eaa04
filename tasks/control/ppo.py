"""Proximal policy optimisation (Schulman et al. 2017, arXiv:1707.06347).

Legend: B batch, A actions, K outputs: a logit for each action, and a value.
"""

import torch
from torch import Tensor

from suite import Batch, ConfigError, Loss
from tasks.control.learner import Experience, Learner, Place
from tasks.control.rollouts import Rollouts


class PPO(Learner):
    """The clipped objective with values and entropy (equations 7 and 9), to be minimised."""

    values = 1

    def __init__(
        self,
        *,
        discount: float,
        gae_lambda: float,
        clip: float,
        value_weight: float,
        entropy_weight: float,
        rollout: int,
        passes: int,
    ) -> None:
        self._discount = discount
        self.gae_lambda = gae_lambda
        self.clip = clip
        self.value_weight = value_weight
        self.entropy_weight = entropy_weight
        self.rollout = rollout
        self.passes = passes

    @property
    def discount(self) -> float:
        return self._discount

    def __call__(self, output_BK: Tensor, batch: Batch) -> Loss:
        """Read `action_B`, `log_probability_B`, `advantage_B` and `return_B`."""
        output_BK = output_BK.float()
        log_BA = self.preferences(output_BK).log_softmax(1)
        log_B = log_BA.gather(1, batch["action_B"].unsqueeze(1)).squeeze(1)
        ratio_B = (log_B - batch["log_probability_B"]).exp()
        within_B = ratio_B.clamp(1 - self.clip, 1 + self.clip)
        advantage_B = batch["advantage_B"]
        gain_B = torch.min(ratio_B * advantage_B, within_B * advantage_B)
        error_B = (self.value(output_BK) - batch["return_B"]).square()
        total_B = self.value_weight * error_B - gain_B
        if self.entropy_weight:
            total_B = total_B + self.entropy_weight * (log_BA.exp() * log_BA).sum(1)
        return Loss(total_B.sum(), batch.examples)

    def preferences(self, output_BK: Tensor) -> Tensor:
        return output_BK[:, :-1]

    def value(self, output_BK: Tensor) -> Tensor:
        return output_BK[:, -1]

    def round(self, environments: int, batch_size: int) -> tuple[int, int]:
        steps = self.rollout * environments
        if steps % batch_size:
            raise ConfigError(
                f"trainer.batch_size={batch_size}: must divide loss.rollout * task.environments = "
                f"{self.rollout} * {environments} = {steps}"
            )
        return steps, self.passes * (steps // batch_size)

    def gather(self, place: Place) -> Experience:
        return Rollouts(self, place)
