"""The task that is checked: opened twice, with its first batches and a model, made as asked for."""

from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any

import torch
from torch import nn

from suite.checking.check import Broken, DoesNotApply
from suite.checking.contents import Content, read_contents
from suite.checking.descent import Fitted, fit_one_batch
from suite.checking.naming import few_of
from suite.checking.refusing import Attempt
from suite.config import HandMadeConfig, RunConfig
from suite.run import build_model, build_setup, find_task
from suite.task import Batch, Setup, Split, Task

CPU = torch.device("cpu")
LOOKED_AT = 3
"""Training batches that are compared one by one."""
EVALUATED, OTHERWISE = 64, 24
"""Examples of an evaluation batch, in the task and in its second opening."""
MOST = 1920
"""Examples of a split that a model is evaluated on: whole batches of either size."""
PART = 2048
"""Training examples of a set that has many more."""
FITTED = 8
"""Examples that a model is to learn by heart."""


class Subject:
    """A task under check, with what its checks share.

    config: as the run would have it, with a small model.
    kind: the class that is checked, in place of the one that it names.
    in_part: of a large set train on a part; how it is split is looked at in the whole of it.
    attempts: to reach the network, as they are made.
    """

    def __init__(
        self, config: RunConfig, kind: type[Task] | None = None, *, in_part: bool = False
    ) -> None:
        self.config = config
        self.kind = kind or find_task(config)
        self.in_part = in_part
        self.attempts: list[Attempt] = []

    @cached_property
    def setup(self) -> Setup:
        """What the suite hands to the task."""
        return replace(build_setup(self.config, CPU), eval_batch_size=EVALUATED)

    @cached_property
    def _part(self) -> Setup:
        """The setup of what is trained on."""
        if not self.in_part or self.setup.train_examples is not None:
            return self.setup
        there = self.whole.card().sizes.get(Split.TRAIN.value, 0)
        return replace(self.setup, train_examples=PART) if there > 2 * PART else self.setup

    @cached_property
    def whole(self) -> Task:
        """The task with all of its data."""
        if self.in_part:
            return self.kind(self.config.task, self.setup)
        return self.task

    @property
    def shallow(self) -> bool:
        """Whether the model is fitted on hand-made features."""
        return isinstance(self.config.backbone, HandMadeConfig)

    def bare(self, **changes: Any) -> Task:
        """Return a fresh task. changes: of its setup."""
        return self.kind(self.config.task, replace(self._part, **changes))

    def make(self, **changes: Any) -> tuple[Task, nn.Module]:
        """Return a fresh task with its first model: a task may act with the model that it built."""
        task = self.bare(**changes)
        return task, build_model(self.config, task, CPU)

    def new_model(self, seed: int | None = None) -> nn.Module:
        """Return a new model of the opened task. seed: of its weights, in place of the run's."""
        seed = self.config.seed if seed is None else seed
        return build_model(replace(self.config, seed=seed), self.task, CPU)

    @cached_property
    def _opened(self) -> tuple[Task, nn.Module | None]:
        return (self.bare(), None) if self.shallow else self.make()

    @cached_property
    def _again(self) -> tuple[Task, nn.Module | None]:
        if self.shallow:
            return self.bare(), None
        return self.make(eval_batch_size=OTHERWISE)

    @property
    def task(self) -> Task:
        """The task, opened."""
        return self._opened[0]

    @property
    def fresh(self) -> Task:
        """The task, opened once more, with other batches in evaluation."""
        return self._again[0]

    @property
    def model(self) -> nn.Module:
        """A model of the task with its first weights, which nothing changes."""
        model = self._opened[1]
        assert model is not None
        return model

    @property
    def model_again(self) -> nn.Module:
        """That of the second opening."""
        model = self._again[1]
        assert model is not None
        return model

    @cached_property
    def batches(self) -> list[Batch]:
        """The first training batches of seed 0."""
        return list(islice(self.task.train_batches(seed=0), LOOKED_AT))

    @cached_property
    def stateful(self) -> bool:
        """Whether training batches go on from a state of the task's, not from their number."""
        _ = self.batches
        return bool(self.task.state_dict())

    @property
    def sizes(self) -> dict[Split, int]:
        """Examples of each split that the card knows."""
        known = self.task.card().sizes
        return {split: known[split.value] for split in Split if split.value in known}

    def require_examples(self) -> None:
        """Leave out what only a task of known training examples can be asked."""
        if not self.sizes.get(Split.TRAIN) or self.stateful:
            raise DoesNotApply("the task makes its batches by acting, from no fixed examples")

    def first_batch(self) -> Batch:
        """Return the first training batch."""
        if not self.batches:
            raise Broken(
                "train_batches yields nothing",
                at="train_batches",
                mend="yield training batches without end",
            )
        return self.batches[0]

    @cached_property
    def fitted(self) -> Fitted:
        """A model that has learned a few examples by heart, as far as it can."""
        few = few_of(self.first_batch(), FITTED)
        return fit_one_batch(self.task, self.new_model, few)

    @cached_property
    def contents(self) -> dict[Split, Content]:
        """What evaluation yields of each split of the whole set, as far as time allows."""
        return read_contents(self.whole)
