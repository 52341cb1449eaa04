"""Experience that is kept and replayed: transitions in a ring, and targets from a slower network.

Legend: N environments, B batch, A actions, T steps of a round.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from suite import Batch
from tasks.control.acting import observations
from tasks.control.learner import Experience, Place, shares
from tasks.control.memory import Ring
from tasks.control.seeds import draws

if TYPE_CHECKING:
    from tasks.control.dqn import DQN

_ACTIONS, _TRANSITIONS = 3, 4
"""Purposes of draws."""


class Replay(Experience):
    """Acts for a round of steps, mostly as looks best, then makes a round of batches."""

    def __init__(self, loss: "DQN", place: Place) -> None:
        self._loss, self._place = loss, place
        self._ring = Ring(loss.buffer, place.fleet.observation_ND.shape[1])
        self._target = deepcopy(place.acting.model).eval().requires_grad_(False)
        self._live = [p.detach() for p in place.acting.model.parameters()]
        self._kept = [p.detach() for p in self._target.parameters()]
        self._steps = 0
        """Environment steps."""
        self._made = 0
        self._chance_TB: Tensor | None = None
        """Of the batches of this round, to its end."""
        self._units: list[float] = []
        loss.round(len(place.fleet), place.batch_size)

    def next(self) -> Batch:
        loss, place = self._loss, self._place
        turn = self._made % loss.updates
        if turn == 0:
            first = loss.learning_starts if self._steps == 0 else 0
            self._act(first + loss.act_every)
            self._units = shares(first + loss.act_every, loss.updates)
        if self._made % loss.target_interval == 0:
            self._follow()
        if turn == 0 or self._chance_TB is None:
            first, left = self._made, loss.updates - turn
            self._chance_TB = draws(place.seed, _TRANSITIONS, first, left, place.batch_size)
        chance_B = self._chance_TB[turn - loss.updates]
        taken = {name: one.to(place.device) for name, one in self._ring.take(chance_B).items()}
        batch = {
            "observation_BD": taken["observation_BD"],
            "action_B": taken["action_B"],
            "target_B": self._targets(taken),
        }
        self._made += 1
        return Batch(batch, place.batch_size, self._units[turn])

    def state_dict(self) -> dict[str, Any]:
        return {
            "fleet": self._place.fleet.state_dict(),
            "ring": self._ring.state_dict(),
            "target": dict(self._target.state_dict()),
            "steps": self._steps,
            "made": self._made,
            "units": list(self._units),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._place.fleet.load_state_dict(state["fleet"])
        self._ring.load_state_dict(state["ring"])
        self._target.load_state_dict(state["target"])
        self._steps, self._made = state["steps"], state["made"]
        self._units = list(state["units"])
        self._chance_TB = None

    def _act(self, steps: int) -> None:
        """Take so many environment steps, and keep what came of them."""
        fleet, acting, ring = self._place.fleet, self._place.acting, self._ring
        count = len(fleet)
        rounds, before = steps // count, self._steps // count
        chance_TNs = draws(self._place.seed, _ACTIONS, before, rounds, 2 * count).numpy()
        with acting.still():
            for chance_Ns in chance_TNs:
                seen_ND = fleet.observation_ND
                action_N = self._chosen(seen_ND, chance_Ns[:count], chance_Ns[count:])
                stepped = fleet.step(action_N)
                ring.add(
                    observation_BD=torch.from_numpy(seen_ND),
                    action_B=torch.from_numpy(action_N),
                    reward_B=torch.from_numpy(stepped.reward_N),
                    after_BD=torch.from_numpy(stepped.after_ND),
                    terminated_B=torch.from_numpy(stepped.terminated_N),
                )
                self._steps += count

    def _chosen(
        self, seen_ND: NDArray[np.float32], explore_N: NDArray[Any], which_N: NDArray[Any]
    ) -> NDArray[np.int64]:
        """Return the action of each environment: random ones, or the best (Algorithm 1)."""
        random_N = explore_N < self._loss.exploration(self._steps)
        action_N: NDArray[np.int64] = (which_N * self._place.actions).astype(np.int64)
        if not random_N.all():
            output_NA = self._place.acting.outputs(seen_ND)
            best_N = self._loss.preferences(output_NA).argmax(1).numpy()
            action_N = np.where(random_N, action_N, best_N)
        return action_N

    def _follow(self) -> None:
        """Move the target network to the one that learns (Polyak averaging; a copy at rate 1)."""
        rate = self._loss.target_rate
        live, kept = self._live, self._kept
        with torch.no_grad():
            if rate == 1:
                torch._foreach_copy_(kept, live)
            else:
                torch._foreach_lerp_(kept, live, rate)
            for buffer, own in zip(
                self._target.buffers(), self._place.acting.model.buffers(), strict=True
            ):
                buffer.copy_(own)

    def _targets(self, taken: Mapping[str, Tensor]) -> Tensor:
        """Return r + discount * Q'(s', argmax Q(s', a)), (B,): van Hasselt et al. 2016, "Deep
        reinforcement learning with double Q-learning", equation 4; else max Q' (Mnih et al. 2015).
        """
        after, acting = observations(taken["after_BD"]), self._place.acting
        with acting.still():
            later_BA = self._target(after).float()
            chosen_BA = acting.model(after).float() if self._loss.double else later_BA
        later_B = later_BA.gather(1, chosen_BA.argmax(1, keepdim=True)).squeeze(1)
        goes_on_B = ~taken["terminated_B"]
        target_B: Tensor = taken["reward_B"] + self._loss.discount * goes_on_B * later_B
        return target_B
