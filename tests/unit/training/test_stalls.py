import time
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from suite.config import TrainerConfig
from suite.task import Batch, Loss
from suite.training import stalls
from suite.training.loop import Unprofiled
from suite.training.parallel import Alone
from suite.training.stalls import STEPS, WARM_UP, Stalls, measure_stalls
from suite.world import ALONE


@pytest.mark.parametrize(
    ("measured", "preparation", "fetch"),
    [
        (Stalls(2, 5, 10), 0.3, 0.5),
        (Stalls(2, 4, None), 0.5, 0.0),
        (Stalls(2.1, 2, 1.9), 0.0, 0.0),  # noise
    ],
)
def test_shares_are_of_the_slowest_step(measured, preparation, fetch):
    shares = measured.shares()
    assert shares["preparation_stall_share"] == pytest.approx(preparation)
    assert shares["fetch_stall_share"] == pytest.approx(fetch)


class Sleeper:
    """Serves batches that take `prepare` seconds each, and `fetch` more once it has forgotten."""

    def __init__(self, clock, prepare, fetch):
        self.clock, self.prepare, self.fetch = clock, prepare, fetch
        self.cold, self.served = False, 0

    def train_batches(self, *, seed):
        while True:
            self.served += 1
            self.clock.now += self.prepare + (self.fetch if self.cold else 0)
            yield Batch({"x": torch.ones(2, 1)}, 2, 2.0)

    def forget_data(self):
        self.cold = self.fetch > 0
        return self.cold

    def loss(self, model, batch):
        self.clock.now += 1
        return Loss(model(batch["x"]).sum(), 2)


@pytest.mark.parametrize(("prepare", "fetch"), [(0, 0), (3, 0), (1, 2)])
def test_each_part_is_told_apart(prepare, fetch, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        stalls, "time", SimpleNamespace(**{**vars(time), "perf_counter": lambda: clock.now})
    )
    model = nn.Linear(1, 1)
    task = Sleeper(clock, prepare, fetch)
    run = SimpleNamespace(
        task=task,
        model=model,
        seed=0,
        config=TrainerConfig(),
        optimizers=SimpleNamespace(zero_grad=model.zero_grad),
        precision=SimpleNamespace(
            device=torch.device("cpu"),
            autocast=torch.enable_grad,
            backward=lambda loss: loss.backward(),
            unscale=lambda optimizers: None,
            step=lambda optimizers: None,
        ),
        profile=Unprofiled(),
        engine=Alone(model),
        world=ALONE,
    )
    measured = measure_stalls(run)
    cold = 1 + prepare + fetch if fetch else None
    assert measured == Stalls(1, 1 + prepare, cold)
    assert task.served == (WARM_UP + STEPS) * (3 if fetch else 2)
    assert ("dropped" in measured.basis) == (fetch > 0)
