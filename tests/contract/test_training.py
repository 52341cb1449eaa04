"""Every backbone trains on every embedded task, with every optimizer, from one definition."""

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch

from suite import Split
from suite.compose import compose
from suite.hardware.flops import count_flops, describe_layers
from suite.run import _build, build_model
from suite.training.loop import Training, fit
from suite.training.parallel import Alone
from suite.training.precision import Precision

CPU = torch.device("cpu")


class Still:
    joules = None
    running = False
    training_seconds = wall_seconds = 0.0

    def resume(self):
        pass

    def pause(self):
        pass

    def take(self, batches, count):
        return [next(batches) for _ in range(count)]

    def step(self, taken):
        pass

    def interval(self):
        return {}


def _train(task, config, steps):
    """Return the losses of a few steps, without any validation, and the model."""
    model = build_model(config, task, CPU)
    config.trainer.steps, config.trainer.log_every = steps, 1
    losses = []

    class Nowhere:
        def keep(self, model):
            pass

    task_without = _WithoutValidation(task)
    fit(
        Training(
            task=task_without, model=model, engine=Alone(model),
            optimizers=_build(config.optimizer, model),
            schedule=_build(config.schedule), config=config.trainer,
            precision=Precision(config.precision, CPU), meter=Still(),
            emit=lambda step, values: losses.extend(
                [values["train/loss"]] if "train/loss" in values else []
            ),
            best=Nowhere(), seed=config.seed,
        )
    )  # fmt: skip
    return losses, model


class _WithoutValidation:
    """A task with one batch of validation: the whole split would take the most time here."""

    def __init__(self, task):
        self._task = task

    def __getattr__(self, name):
        return getattr(self._task, name)

    def eval_batches(self, split):
        return list(islice(self._task.eval_batches(split), 1))


def test_backbone_trains_on_task(open_task, embedded, small, embedded_name, backbone_name):
    config = compose([*embedded[embedded_name], *small[backbone_name]])
    losses, model = _train(open_task(embedded_name), config, 2)
    assert len(losses) == 2
    assert all(math.isfinite(loss) for loss in losses)
    # At the start a model knows nothing: about the loss of an even guess.
    if embedded_name != "spoken_digits_ctc":
        classes = len(open_task(embedded_name).data.classes)
        assert losses[0] == pytest.approx(math.log(classes), rel=0.35)
    batch = next(iter(open_task(embedded_name).eval_batches(Split.VALIDATION)))
    flops = count_flops(model, batch)
    assert flops > 0
    layers = describe_layers(model, batch)
    assert {layer.name.partition(".")[0] for layer in layers} >= {"backbone", "head"}
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "muon"])
def test_optimizer_lowers_the_loss(open_task, embedded, small, embedded_name, optimizer):
    config = compose(
        [*embedded[embedded_name], *small["mlp"], f"optimizer={optimizer}", "schedule=constant"]
    )
    losses, _ = _train(open_task(embedded_name), config, 40)
    assert all(math.isfinite(loss) for loss in losses)
    assert sum(losses[-10:]) < sum(losses[:10])


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle", "trapezoid"])
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_every_schedule_and_loss_trains(open_task, embedded, small, schedule, loss, monkeypatch):
    config = compose([*embedded["digits"], *small["mlp"], f"schedule={schedule}", f"loss={loss}"])
    task = open_task("digits")
    monkeypatch.setattr(task, "setup", replace(task.setup, loss=_build(config.loss)))
    losses, _ = _train(task, config, 20)
    assert sum(losses[-5:]) < sum(losses[:5])


@pytest.mark.parametrize("skip", [1, 5])
def test_skipping_equals_going_on(open_task, embedded_name, skip):
    task = open_task(embedded_name)
    gone_on = islice(task.train_batches(seed=3), skip, skip + 2)
    for one, other in zip(gone_on, task.train_batches(seed=3, skip=skip), strict=False):
        assert set(one) == set(other)
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert (one.examples, one.units) == (other.examples, other.units)


def test_same_seed_trains_to_the_same_bits(open_task, embedded, small, embedded_name):
    config = [*embedded[embedded_name], *small["transformer"], "backbone.dropout=0.2"]
    task = open_task(embedded_name)

    def losses(seed):
        return _train(task, compose([*config, f"seed={seed}"]), 4)[0]

    assert losses(0) == losses(0)
    assert losses(0) != losses(1)


def test_evaluation_sees_every_example(open_task, embedded_name):
    task = open_task(embedded_name)
    for split in Split:
        seen = sum(batch.examples for batch in task.eval_batches(split))
        assert seen == task.card().sizes[split.value]
