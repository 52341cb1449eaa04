"""An environment of which everything is known beforehand."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from tasks.control.fleet import Fleet


class Corridor:
    """Walk from 0: action 1 goes on, 0 stays. At 3 it ends with a reward of 1; 5 steps cut it off.

    It shows where one is, and the seed's last digit.
    """

    observation_space = SimpleNamespace(shape=(2,))

    def reset(self, seed):
        self.at, self.steps, self.seed = 0, 0, seed
        return self._seen(), {}

    def step(self, action):
        self.at, self.steps = self.at + action, self.steps + 1
        ended = self.at == 3
        return self._seen(), float(ended), ended, self.steps == 5, {}

    def _seen(self):
        return np.array([self.at, self.seed % 10], dtype=np.float64)


@dataclass
class Corridors:
    id: str = "Corridor-v0"
    kind: type = Corridor

    def make(self):
        return self.kind()


@pytest.fixture
def corridor():
    return Corridor


@pytest.fixture
def corridors():
    return Corridors


@pytest.fixture
def fleet():
    return lambda environments, seed=0: Fleet(Corridors(), environments, seed)
