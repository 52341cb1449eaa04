"""Experience of the present policy: rollouts, and minibatches of each in a few passes.

Legend: T steps, N environments, M = T * N transitions, D numbers of an observation, A actions,
B batch.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite import Batch
from tasks.control.advantages import advantages
from tasks.control.fleet import Stepped
from tasks.control.learner import Experience, Place, shares
from tasks.control.seeds import draws

if TYPE_CHECKING:
    from tasks.control.ppo import PPO

_ACTIONS, _ORDER = 1, 2
"""Purposes of draws."""
_LEAST = 1e-8


class Rollouts(Experience):
    """Acts with the policy for a rollout, then learns from it in shuffled minibatches."""

    def __init__(self, loss: "PPO", place: Place) -> None:
        self._loss, self._place = loss, place
        steps, self._batches = loss.round(len(place.fleet), place.batch_size)
        self._units = shares(steps, self._batches)
        self._number, self._next = -1, self._batches
        self._rollout: dict[str, Tensor] = {}

    def next(self) -> Batch:
        if self._next == self._batches:
            self._number, self._next = self._number + 1, 0
            self._rollout = self._act()
        at, size = self._next, self._place.batch_size
        turn, place = divmod(at, self._batches // self._loss.passes)
        index_B = self._order(turn)[place * size : (place + 1) * size]
        self._next += 1
        tensors = {name: one[index_B] for name, one in self._rollout.items()}
        # Over the minibatch, as in the implementations that the field compares with.
        gain_B = tensors["advantage_B"]
        deviation = gain_B.std(correction=0) + _LEAST
        tensors["advantage_B"] = (gain_B - gain_B.mean()) / deviation
        return Batch(tensors, size, self._units[at]).to(self._place.device)

    def state_dict(self) -> dict[str, Any]:
        return {
            "fleet": self._place.fleet.state_dict(),
            "number": self._number,
            "next": self._next,
            "rollout": self._rollout,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._place.fleet.load_state_dict(state["fleet"])
        self._number, self._next = state["number"], state["next"]
        self._rollout = dict(state["rollout"])

    def _order(self, turn: int) -> Tensor:
        """Return the order of transitions in one pass, (M,)."""
        number = self._number * self._loss.passes + turn
        count = len(self._rollout["action_B"])
        return draws(self._place.seed, _ORDER, number, 1, count)[0].argsort(stable=True)

    def _act(self) -> dict[str, Tensor]:
        """Act for a rollout; return its transitions by the names of a batch, (M, …) each."""
        fleet, acting, length = self._place.fleet, self._place.acting, self._loss.rollout
        chance_TN = draws(self._place.seed, _ACTIONS, self._number * length, length, len(fleet))
        seen, outputs, taken, stepped = [], [], [], []
        with acting.still():
            for chance_N in chance_TN:
                output_NK = acting.outputs(fleet.observation_ND)
                action_N = _chosen(self._loss.preferences(output_NK), chance_N)
                seen.append(fleet.observation_ND)
                outputs.append(output_NK)
                taken.append(action_N)
                stepped.append(fleet.step(action_N.numpy()))
            output_TNK, action_TN = torch.stack(outputs), torch.stack(taken)
            value_TN = self._loss.value(output_TNK.flatten(0, 1)).view(length, -1)
            after_TN = self._values_after(value_TN, stepped)
        gain_TN = advantages(
            _stacked([s.reward_N for s in stepped]),
            value_TN,
            after_TN,
            _stacked([s.terminated_N for s in stepped]),
            _stacked([s.truncated_N for s in stepped]),
            discount=self._loss.discount,
            gae_lambda=self._loss.gae_lambda,
        )
        log_MA = self._loss.preferences(output_TNK.flatten(0, 1)).log_softmax(1)
        action_M = action_TN.flatten()
        return {
            "observation_BD": _stacked(seen).flatten(0, 1),
            "action_B": action_M,
            "log_probability_B": log_MA.gather(1, action_M.unsqueeze(1)).squeeze(1),
            "advantage_B": gain_TN.flatten(),
            "return_B": (gain_TN + value_TN).flatten(),
        }

    def _values_after(self, value_TN: Tensor, stepped: Sequence[Stepped]) -> Tensor:
        """Return the value of what was seen after each step, (T, N): the next step's, but where an
        episode was cut off, as what was seen then is no step's.
        """
        acting = self._place.acting
        last_N = self._loss.value(acting.outputs(self._place.fleet.observation_ND))
        after_TN = torch.cat([value_TN[1:], last_N.unsqueeze(0)])
        cut_TN = np.stack([s.truncated_N for s in stepped])
        if cut_TN.any():
            seen_TND = np.stack([s.after_ND for s in stepped])
            after_TN[torch.from_numpy(cut_TN)] = self._loss.value(acting.outputs(seen_TND[cut_TN]))
        return after_TN


def _chosen(preference_NA: Tensor, chance_N: Tensor) -> Tensor:
    """Draw actions with the policy's probabilities, (N,): the first whose sum is above chance."""
    below_NA = preference_NA.softmax(1).cumsum(1) <= chance_N.unsqueeze(1)
    return below_NA.sum(1).clamp(max=preference_NA.shape[1] - 1)


def _stacked(arrays: Sequence[NDArray[Any]]) -> Tensor:
    return torch.from_numpy(np.stack(arrays))
