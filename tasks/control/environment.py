"""Environments of gymnasium: made by name, described, and fingerprinted by how they answer."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite import ConfigError, DataCard, OnError, Split
from tasks.control.seeds import held_out_seeds

_TRANSITIONS = 32
"""Steps of an episode that the fingerprint is taken over."""


@dataclass(frozen=True)
class Spaces:
    """What an environment shows and takes: numbers of an observation, and of actions.

    threshold: mean return from which on it counts as solved, where it is known.
    """

    features: int
    actions: int
    threshold: float | None


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An environment by the name that gymnasium has it under."""

    id: str
    options: dict[str, Any] = field(default_factory=dict)
    episodes: int = 100
    on_error: OnError = OnError.stop

    def make(self) -> Any:
        """Return one, whose observations are vectors; raise a `ConfigError` where that fails."""
        import gymnasium
        from gymnasium.wrappers import FlattenObservation

        try:
            # Its checker would look at every step.
            made = gymnasium.make(self.id, disable_env_checker=True, **self.options)
        except gymnasium.error.DependencyNotInstalled as error:
            raise ConfigError(f"data.id={self.id}: {_advice(self.id, error)}") from error
        except (gymnasium.error.Error, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(
                f"data.id={self.id}: gymnasium cannot make it ({reason}); correct data.id or "
                "data.options"
            ) from error
        space = made.observation_space
        plain = isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1
        return made if plain else FlattenObservation(made)

    def spaces(self) -> Spaces:
        """Return what it shows and takes; raise a `ConfigError` for actions other than a choice."""
        import gymnasium

        made = self.make()
        space = made.action_space
        if not isinstance(space, gymnasium.spaces.Discrete) or space.start != 0:
            raise ConfigError(
                f"data.id={self.id}: takes actions {space}, but policies here choose one of a few; "
                "take an environment whose actions are Discrete(n)"
            )
        threshold = None if made.spec is None else made.spec.reward_threshold
        return Spaces(made.observation_space.shape[0], int(space.n), threshold)

    def card(self) -> DataCard:
        """Describe it; the fingerprint is over its specification and how it answers."""
        import gymnasium

        made = self.make()
        own = type(made.unwrapped).__module__.startswith("gymnasium.")
        described = [
            self.id, gymnasium.__version__, str(sorted(self.options.items())),
            str(made.observation_space), str(made.action_space), str(self.episodes),
            str(made.spec and made.spec.max_episode_steps),
        ]  # fmt: skip
        digest = hashlib.sha256("\n".join(described).encode() + b"\n" + _answers(made))
        sizes = {split.value: len(held_out_seeds(split, self.episodes)) for split in Split}
        return DataCard(
            name=self.id,
            version=f"gymnasium {gymnasium.__version__}",
            licence="MIT" if own else "that of the package which registers it",
            source="https://gymnasium.farama.org" if own else type(made.unwrapped).__module__,
            fingerprint=digest.hexdigest(),
            sizes=sizes,
            notes="examples are episodes, told apart by their seeds; training goes on without end",
        )


def _answers(made: Any) -> bytes:
    """Return what an environment shows over some steps of a held-out episode."""
    seed = held_out_seeds(Split.VALIDATION, 1)[0]
    seen = [observed(made.reset(seed=seed)[0])]
    rewards: list[float] = []
    for step in range(_TRANSITIONS):
        after, reward, terminated, truncated, _ = made.step(step % int(made.action_space.n))
        seen.append(observed(after))
        rewards.append(float(reward))
        if terminated or truncated:
            break
    return np.stack(seen).tobytes() + np.asarray(rewards).tobytes()


def observed(observation: Any) -> NDArray[np.float32]:
    """Return an observation as float32, (D,)."""
    return np.asarray(observation, dtype=np.float32)


def _advice(name: str, error: Exception) -> str:
    told = str(error).splitlines()[0]
    if "box2d" in told.lower() or "pygame" in told.lower():
        return "needs Box2D, which is not installed; pip install 'triathlon[box2d]'"
    return f"a package that it needs is not installed ({told})"
