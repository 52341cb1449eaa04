from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
import torch
from torch import nn

from suite import Batch, Direction, Loss, Setup, Split, Target, Task
from suite.config import PrecisionConfig, TrainerConfig
from suite.data.counter import example_keys, uniform
from suite.training.loop import Training
from suite.training.optimizers import Optimizers
from suite.training.parallel import Alone
from suite.training.precision import Precision
from suite.training.schedules import Constant
from suite.training.weights import Best

CPU = torch.device("cpu")


def squared_error(outputs_B: torch.Tensor, batch: Batch) -> Loss:
    return Loss((outputs_B - batch["value_B"]).square().sum(), batch.examples)


class Line(Task):
    """Fit value = 2 x - 1: a whole task in a few lines, which shows how small the contract is."""

    name, unit, primary = "line", "point", "error"
    target = Target(metric="error", threshold=0.2, direction=Direction.MINIMIZE)

    def build_model(self, backbone=None):
        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = nn.Linear(1, 1)
                self.dropout = nn.Dropout(0.1)

            def forward(self, batch):
                return self.layer(self.dropout(batch["x_BD"])).squeeze(1)

        return Model()

    def _batch(self, seed, number, examples):
        key_B = example_keys(seed, number, torch.arange(examples))
        x_BD = uniform(key_B, 0, 1) * 2 - 1
        return Batch({"x_BD": x_BD, "value_B": 2 * x_BD[:, 0] - 1}, examples, examples)

    def train_batches(self, *, seed, skip=0):
        for number in count(skip):
            yield self._batch(seed, number, self.setup.batch_size)

    def eval_batches(self, split):
        yield self._batch(10_000 + list(Split).index(split), 0, 64)

    def metrics(self):
        from torchmetrics import MeanAbsoluteError, MetricCollection

        return MetricCollection({"error": MeanAbsoluteError()})

    def evaluate(self, model, batch, metrics):
        outputs_B = model(batch)
        metrics.update(outputs_B, batch["value_B"])
        return self.setup.loss(outputs_B, batch)

    def batches_per_epoch(self):
        return 10


class FakeMeter:
    """A clock that a step takes one second of."""

    def __init__(self) -> None:
        self.training_seconds = self.wall_seconds = 0.0
        self.joules: float | None = None
        self.calls: list[str] = []
        self.examples: list[int] = []

    @property
    def running(self) -> bool:
        return self.calls[-1:] not in ([], ["pause"])

    def resume(self) -> None:
        self.calls.append("resume")

    def pause(self) -> None:
        self.calls.append("pause")

    def state_dict(self) -> dict[str, Any]:
        return {"training_seconds": self.training_seconds, "wall_seconds": self.wall_seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.training_seconds = state["training_seconds"]
        self.wall_seconds = state["wall_seconds"]

    def take(self, batches: Iterator[Batch], count: int) -> list[Batch]:
        return [next(batches) for _ in range(count)]

    def step(self, taken: Sequence[Batch]) -> None:
        self.calls.append("step")
        self.examples.append(sum(batch.examples for batch in taken))
        self.training_seconds += 1
        self.wall_seconds += 2

    def interval(self) -> dict[str, float]:
        return {"throughput/examples_per_second": 1.0}


@dataclass
class Bench:
    """A training run with everything that it emits."""

    run: Training
    emitted: list[tuple[int, dict[str, float]]] = field(default_factory=list)

    def series(self, name: str) -> list[tuple[int, float]]:
        return [(step, values[name]) for step, values in self.emitted if name in values]


@pytest.fixture
def line() -> type[Task]:
    return Line


@pytest.fixture
def bench(tmp_path):
    """Make a run of a task, `Line` unless another kind is given; options go to the trainer."""

    def make(kind: type[Task] = Line, *, seed: int = 0, lr: float = 0.1, **options: Any) -> Bench:
        plain = {"epochs": None, "steps": 20, "batch_size": 8, "clip_norm": None, "log_every": 1}
        config = TrainerConfig(**{**plain, **options})
        setup = Setup(
            data=None,
            loss=squared_error,
            batch_size=config.batch_size,
            eval_batch_size=64,
            seed=seed,
            device=CPU,
            cache=tmp_path,
        )
        task = kind(None, setup)
        torch.manual_seed(seed)
        model = task.build_model(None)
        made = Bench(None)
        made.run = Training(
            task=task,
            model=model,
            engine=Alone(model),
            optimizers=Optimizers(torch.optim.SGD(model.parameters(), lr=lr)),
            schedule=Constant(),
            config=config,
            precision=Precision(PrecisionConfig(), CPU),
            meter=FakeMeter(),
            emit=lambda step, values: made.emitted.append((step, dict(values))),
            best=Best(tmp_path / "run"),
            seed=seed,
        )
        return made

    return make
