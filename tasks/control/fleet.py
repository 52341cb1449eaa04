"""Environments side by side, each in an episode of its own that begins anew when it ends.

What a fleet is at is told by the number of each environment's episode and the actions since it
began: from these it is put back exactly, whatever the environment keeps to itself.

Legend: N environments, D numbers of an observation, A actions so far.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from suite import DataError
from tasks.control.environment import Environment, observed
from tasks.control.seeds import training_seed

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Stepped:
    """What came of a step of every environment.

    reward_N: float32. terminated_N: the episode has ended, and nothing follows. truncated_N: it was
    cut off by its limit of steps, though more would have followed (Pardo et al. 2018, "Time limits
    in reinforcement learning", section 3). after_ND: what was seen after the step, which where an
    episode has ended is not what the next one begins with.
    """

    reward_N: Array
    terminated_N: NDArray[np.bool_]
    truncated_N: NDArray[np.bool_]
    after_ND: Array


class Fleet:
    """Environments that are trained in. seed: the run's. observation_ND: what is seen now."""

    def __init__(self, source: Environment, environments: int, seed: int) -> None:
        self._seed = seed
        self._name = source.id
        self._made = [source.make() for _ in range(environments)]
        self._episode_N = [0] * environments
        self._action_NA: list[list[int]] = [[] for _ in range(environments)]
        self.observation_ND = np.stack([self._begin(n) for n in range(environments)])

    def __len__(self) -> int:
        return len(self._made)

    def step(self, action_N: NDArray[np.int64]) -> Stepped:
        """Take one action in each environment; where an episode ends, begin the next."""
        count = len(self._made)
        after_ND = np.empty_like(self.observation_ND)
        reward_N = np.empty(count, np.float32)
        terminated_N, truncated_N = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
        next_ND = after_ND.copy()
        for n, (made, action) in enumerate(zip(self._made, action_N.tolist(), strict=True)):
            after, reward_N[n], terminated, truncated, _ = made.step(action)
            after_ND[n] = next_ND[n] = after
            self._action_NA[n].append(action)
            if terminated or truncated:
                terminated_N[n], truncated_N[n] = terminated, truncated and not terminated
                self._episode_N[n] += 1
                next_ND[n] = self._begin(n)
        self.observation_ND = next_ND
        return Stepped(reward_N, terminated_N, truncated_N, after_ND)

    def state_dict(self) -> dict[str, Any]:
        """Return what the environments are put back by, and what is seen, to prove it."""
        return {
            "episode_N": list(self._episode_N),
            "action_NA": [torch.tensor(actions, dtype=torch.int32) for actions in self._action_NA],
            "observation_ND": torch.from_numpy(self.observation_ND.copy()),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Begin each episode again and take its actions; raise a `DataError` if that differs."""
        self._episode_N = list(state["episode_N"])
        seen = []
        for n, actions in enumerate(state["action_NA"]):
            observation = self._begin(n)
            for action in actions.tolist():
                observation = observed(self._made[n].step(action)[0])
                self._action_NA[n].append(action)
            seen.append(observation)
        self.observation_ND = np.stack(seen)
        if not np.array_equal(self.observation_ND, state["observation_ND"].numpy()):
            raise DataError(
                f"data.id={self._name}: does not come to where it was by the same seeds and "
                "actions, so a run in it cannot be resumed; begin anew with resume=false"
            )

    def _begin(self, n: int) -> Array:
        """Begin the episode of environment n that is its turn; return what is seen of it first."""
        self._action_NA[n] = []
        seed = training_seed(self._seed, n, self._episode_N[n])
        return observed(self._made[n].reset(seed=seed)[0])
