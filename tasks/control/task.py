"""The control task.

Legend: B batch (of episodes, in evaluation), D numbers of an observation, K outputs, A actions.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from torch import Tensor, nn

from suite import (
    BackboneBuilder,
    Batch,
    ConfigError,
    DataCard,
    DataError,
    Direction,
    Figure,
    Interval,
    Loss,
    PluginError,
    Split,
    Target,
    Task,
)
from tasks.control.acting import Acting, outputs_in_rows
from tasks.control.config import ControlConfig, Critic
from tasks.control.environment import Environment, Spaces
from tasks.control.episodes import begin, play
from tasks.control.figures import returns_png
from tasks.control.fleet import Fleet
from tasks.control.learner import Experience, Learner, Place
from tasks.control.model import actor_critic, q_network
from tasks.control.seeds import held_out_seeds

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from suite import RatioMetric


class Control(Task):
    """Which action to take, learned from rewards; ranked by the mean return of episodes.

    It acts with the model that it built last. What `train_batches` has come to is in its state.
    """

    name: ClassVar[str] = "control"
    unit: ClassVar[str] = "environment step"
    primary: ClassVar[str] = "return"

    config: ControlConfig
    _model: nn.Module | None = None
    _course: "_Course | None" = None
    _saved: Mapping[str, Any] | None = None

    @property
    def source(self) -> Environment:
        """The environment."""
        return cast(Environment, self.setup.data)

    @property
    def learner(self) -> Learner:
        """The loss."""
        if not isinstance(self.setup.loss, Learner):
            raise PluginError(
                f"loss={type(self.setup.loss).__name__}: is no Learner of task=control"
            )
        return self.setup.loss

    @cached_property
    def spaces(self) -> Spaces:
        """What the environment shows and takes."""
        return self.source.spaces()

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        """The return from which on the environment counts as solved."""
        known = (self.config.target, self.setup.known.target, self.spaces.threshold)
        threshold = next((one for one in known if one is not None), None)
        if threshold is None:
            raise ConfigError(
                f"data.id={self.source.id}: gymnasium knows no return from which on it is solved; "
                "give one, task.target=…"
            )
        return Target(metric="return", threshold=threshold, direction=Direction.MAXIMIZE)

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        features, actions = self.spaces.features, self.spaces.actions
        if self.learner.values:
            separate = self.config.critic is Critic.separate
            model = actor_critic(features, actions, backbone, separate=separate)
        else:
            model = q_network(features, actions, backbone)
        self._model = model.to(self.setup.device)
        return self._model

    def train_batches(self, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        """Yield batches of experience; from a later one on only with the state that led there."""
        course = self._going_on(seed, skip) if skip else self._begun(seed)
        self._course, self._saved = course, None
        return course.batches()

    def state_dict(self) -> Mapping[str, Any]:
        if self._course is not None:
            return self._course.state_dict()
        return self._saved or {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._course, self._saved = None, state or None

    def batches_per_epoch(self) -> int:
        steps, batches = self.learner.round(self.config.environments, self.setup.batch_size)
        return max(round(self.config.epoch * batches / steps), 1)

    def eval_batches(self, split: Split) -> Iterable[Batch]:
        seeds = held_out_seeds(split, self.source.episodes)
        size = self.setup.eval_batch_size
        for first in range(0, len(seeds), size):
            own = seeds[first : first + size]
            tensors = {"seed_B": torch.tensor(own), "observation_BD": begin(self._made(own), own)}
            # One step of each is known: how many more follow, the policy decides.
            yield Batch(tensors, len(own), len(own)).to(self.setup.device)

    def example_batch(self) -> Batch:
        return next(iter(self.eval_batches(Split.VALIDATION)))

    def metrics(self) -> "MetricCollection":
        from torchmetrics import MetricCollection

        from suite import RatioMetric

        # Means over episodes. Shared states would take metrics for one another where rewards are 1
        # a step.
        return MetricCollection(
            {
                "return": RatioMetric(higher_is_better=True),
                "episode_length": RatioMetric(higher_is_better=None),
                "solved_share": RatioMetric(higher_is_better=True),
            },
            compute_groups=False,
        )

    def evaluate(self, model: nn.Module, batch: Batch, metrics: "MetricCollection") -> Loss:
        """Play the batch's episodes, taking what looks best.

        The loss is the squared error of what was expected at the first step: of the discounted
        return that came from there.
        """
        seeds = batch["seed_B"].tolist()
        made, device = self._made(seeds), self.setup.device

        def outputs(observation_BD: Tensor) -> Tensor:
            return outputs_in_rows(model, observation_BD.to(device)).float().cpu()

        learner = self.learner
        played = play(
            made, begin(made, seeds), outputs, learner.preferences, learner.value, learner.discount
        )
        solved_B = played.return_B >= self.target.threshold
        metrics["return"].update(played.return_B.to(device))
        metrics["episode_length"].update(played.steps_B.to(device))
        metrics["solved_share"].update(solved_B.to(device))
        error_B = played.value_B - played.discounted_B
        return Loss(error_B.square().sum().to(device), batch.examples)

    def card(self) -> DataCard:
        return self.source.card()

    def intervals(self, metrics: "MetricCollection") -> Mapping[str, Interval]:
        return {name: cast("RatioMetric", one).interval() for name, one in metrics.items()}

    def figures(self, metrics: "MetricCollection") -> Iterable[Figure]:
        return_N = cast("RatioMetric", metrics["return"]).counts()[0].cpu()
        yield Figure("returns", returns_png(return_N, self.target.threshold, self.source.id))

    def _made(self, seeds: list[int]) -> list[Any]:
        """Return an environment for each of these episodes; they are made once."""
        missing = len(seeds) - len(self._evaluated)
        self._evaluated.extend(self.source.make() for _ in range(missing))
        return self._evaluated[: len(seeds)]

    @cached_property
    def _evaluated(self) -> list[Any]:
        return []

    def _begun(self, seed: int) -> "_Course":
        if self._model is None:
            raise PluginError("task=control: acts with the model that it built; build one first")
        acting = Acting(self._model, self.setup.device)
        fleet = Fleet(self.source, self.config.environments, seed)
        place = Place(
            acting, fleet, self.spaces.actions, seed, self.setup.batch_size, self.setup.device
        )
        return _Course(seed, self.learner.gather(place))

    def _going_on(self, seed: int, skip: int) -> "_Course":
        state = self.state_dict()
        if (state.get("seed"), state.get("given")) != (seed, skip):
            raise DataError(
                f"task=control: batch {skip} of seed {seed} comes of acting with the weights of "
                "then, so it can be made only from a checkpoint of there"
            )
        if self._course is not None:
            return self._course
        course = self._begun(seed)
        course.load_state_dict(state)
        return course


class _Course:
    """Training batches of one seed, and how many were given."""

    def __init__(self, seed: int, experience: Experience) -> None:
        self._seed, self._experience, self._given = seed, experience, 0

    def batches(self) -> Iterator[Batch]:
        while True:
            batch = self._experience.next()
            self._given += 1
            yield batch

    def state_dict(self) -> dict[str, Any]:
        if not self._given:
            return {}
        own = {"seed": self._seed, "given": self._given}
        return {**own, "experience": self._experience.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._given = state["given"]
        self._experience.load_state_dict(state["experience"])
