"""Both contenders: trained on the same budget, looked at on the same episodes.

Each looks at the same 100 validation episodes, with the greedy policy, after every so many
environment steps; the weights of the best look are tested on 100 other episodes, the same for both.
"""

import copy
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from suite import Split
from suite.compose import compose
from suite.run import build_task, run
from suite.tracking.journal import read_journal
from tasks.control.environment import Environment
from tasks.control.episodes import begin, play
from tasks.control.seeds import held_out_seeds

EPISODES = 100


@dataclass(frozen=True)
class Race:
    """An environment and a method. experiment: the suite's recipe. peer: the tuned settings of
    rl-baselines3-zoo (hyperparams/ppo.yml and dqn.yml), and its steps. every: steps between two
    looks.
    """

    environment: str
    target: float
    method: str
    experiment: str
    peer: dict[str, Any]
    steps: int
    every: int
    environments: int = 1


def linear(first: float) -> Callable[[float], float]:
    """Return what falls to 0 as training goes: what the zoo writes as lin_…"""
    return lambda left: left * first


def races() -> dict[str, Race]:
    cartpole_ppo = {
        "n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20,
        "ent_coef": 0.0, "learning_rate": linear(0.001), "clip_range": linear(0.2),
    }  # fmt: skip
    cartpole_dqn = {
        "learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1000,
        "gamma": 0.99, "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128,
        "exploration_fraction": 0.16, "exploration_final_eps": 0.04,
        "policy_kwargs": {"net_arch": [256, 256]},
    }  # fmt: skip
    return {
        "cartpole_ppo": Race(
            "CartPole-v1", 475, "PPO", "control/cartpole_ppo", cartpole_ppo, 100_000, 5000, 8
        ),
        "cartpole_dqn": Race(
            "CartPole-v1", 475, "DQN", "control/cartpole_dqn", cartpole_dqn, 50_000, 2500
        ),
    }


@dataclass
class Course:
    """How a run went: steps and mean return of each look, and the test of the best.

    seconds: CPU time of training and looks.
    """

    steps: list[int]
    returns: list[float]
    test: float
    seconds: float


def suite(race: Race, seed: int) -> Course:
    with tempfile.TemporaryDirectory() as folder:
        config = compose(
            [f"experiment={race.experiment}", f"seed={seed}", f"results={folder}",
             "task.epoch=10000", f"trainer.evaluate_every={race.every / 10_000}",
             "hardware=cpu_single", "tracking=none", "tracking.figures=false",
             "tracking.log_model=false"]
        )  # fmt: skip
        # What both have to import is not counted.
        build_task(config, torch.device("cpu")).metrics()
        began = time.process_time()
        record = run(config)
        seconds = time.process_time() - began
        looks = [
            (round(event["values"]["time/units"]), event["values"]["validation/return"])
            for event, _ in read_journal(Path(folder) / "runs" / record.run_id / "journal.jsonl")
            if "validation/return" in event.get("values", {})
        ]
    steps, returns = (list(one) for one in zip(*looks, strict=True))
    return Course(steps, returns, record.metrics["test/return"], seconds)


def peer(race: Race, seed: int) -> Course:
    import stable_baselines3
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    environment: Any = make_vec_env(race.environment, n_envs=race.environments, seed=seed)
    kind = getattr(stable_baselines3, race.method)
    model = kind("MlpPolicy", environment, seed=seed, device="cpu", **race.peer)
    source = Environment(id=race.environment)
    made, actions = [source.make() for _ in range(EPISODES)], source.spaces().actions

    def look(split: Split) -> float:
        """Play episodes with the policy's first choice."""

        def outputs(observation_BD: Tensor) -> Tensor:
            action_B, _ = model.predict(observation_BD.numpy(), deterministic=True)
            chosen_B = torch.from_numpy(np.asarray(action_B)).long()
            return torch.nn.functional.one_hot(chosen_B, actions).float()

        seeds = held_out_seeds(split, EPISODES)
        played = play(
            made, begin(made, seeds), outputs, lambda output: output, lambda output: output[:, 0], 1
        )
        return float(played.return_B.mean())

    course = Course([], [], 0.0, 0.0)
    best: dict[str, Any] = {"return": float("-inf")}

    class Looks(BaseCallback):
        def _on_step(self) -> bool:
            if self.num_timesteps >= race.every * (len(course.steps) + 1):
                self.model.policy.set_training_mode(False)
                value = look(Split.VALIDATION)
                course.steps.append(self.num_timesteps)
                course.returns.append(value)
                if value > best["return"]:
                    best["return"] = value
                    best["weights"] = copy.deepcopy(self.model.policy.state_dict())
            return True

    began = time.process_time()
    model.learn(race.steps, callback=Looks())
    course.seconds = time.process_time() - began
    model.policy.load_state_dict(best["weights"])
    course.test = look(Split.TEST)
    return course
