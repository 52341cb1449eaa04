"""The width rule, by its factors and by the coordinate check of Yang et al. 2022 (appendix D.1)."""

import math
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from suite import ConfigError
from suite.compose import compose
from suite.run import build_model, build_optimizers, build_task
from suite.training.width import Growth, widen

CPU = torch.device("cpu")
WIDTHS = (32, 128, 512)
TASK = ["task=image_recognition", "trainer.batch_size=64", "backbone.dropout=0"]
MLP = [*TASK, "backbone=mlp"]
TRANSFORMER = [*TASK, "backbone=transformer", "backbone.depth=2", "task.patch=4"]


def built(*overrides):
    config = compose(overrides)
    task = build_task(config, CPU)
    model = build_model(config, task, CPU)
    return task, model, build_optimizers(config, model)


@pytest.fixture(scope="module")
def slope():
    """Return the power of the width by which a few steps move what the head puts out."""

    def of(*overrides):
        changes = []
        for width in WIDTHS:
            task, model, optimizers = built(*overrides, f"backbone.width={width}")
            batches = list(islice(task.train_batches(seed=0), 3))
            with torch.no_grad():
                before = model(batches[0])
            for batch in batches:
                loss = task.loss(model, batch)
                optimizers.zero_grad()
                (loss.total / loss.count).backward()
                optimizers.step()
            with torch.no_grad():
                changes.append(float((model(batches[0]) - before).square().mean().sqrt()))
        return float(np.polyfit(np.log(WIDTHS), np.log(changes), 1)[0])

    return of


@pytest.mark.parametrize(
    "overrides",
    [
        [*MLP, "optimizer.lr=0.003"],
        [*MLP, "optimizer=sgd", "optimizer.lr=0.1"],
        [*MLP, "optimizer=muon"],
        [*TRANSFORMER, "optimizer.lr=0.003"],
    ],
    ids=["mlp-adamw", "mlp-sgd", "mlp-muon", "transformer-adamw"],
)
def test_what_steps_change_does_not_grow_with_width(slope, overrides):
    without, with_rule = slope(*overrides), slope(*overrides, "optimizer.base_width=32")
    assert without > 0.4
    assert abs(with_rule) < 0.2


def test_nothing_changes_at_the_base_width():
    _, plain, optimizers = built(*MLP, "backbone.width=32")
    _, ruled, others = built(*MLP, "backbone.width=32", "optimizer.base_width=32")
    for one, other in zip(plain.parameters(), ruled.parameters(), strict=True):
        assert torch.equal(one, other)
    assert optimizers.peaks == others.peaks


@pytest.mark.parametrize(
    ("growth", "start", "adam", "sgd"),
    [
        (Growth(fan_in=4), 1 / 4, 1 / 4, 1 / 4),
        (Growth(fan_out=4), 1, 1, 4),
        (Growth(fan_in=4, fan_out=4), 1 / 2, 1 / 4, 1),
        (Growth(), 1, 1, 1),
    ],
    ids=["output", "input", "hidden", "output bias"],
)
def test_the_factors_are_those_of_table_3(growth, start, adam, sgd):
    assert (growth.start, growth.adam, growth.sgd) == (start, adam, sgd)


def test_each_parameter_is_told_by_the_sides_that_grew():
    _, model, optimizers = built(*MLP, "backbone.width=128", "optimizer.base_width=32",
                                 "optimizer.lr=0.01", "optimizer.weight_decay=0.1")  # fmt: skip
    growth = model.growth
    first, second = (f"backbone.layers.{k}.0" for k in (0, 1))
    assert growth[f"{second}.weight"] == Growth(fan_in=4, fan_out=4)
    assert growth[f"{second}.bias"] == Growth(fan_out=4)
    assert growth["head.output.weight"] == Growth(fan_in=4)
    assert growth["head.output.bias"] == Growth()
    named = {p: name for name, p in model.named_parameters()}
    rates = {
        named[p]: (group["lr"], group["weight_decay"])
        for group in optimizers.param_groups
        for p in group["params"]
    }
    # What a weight loses in a step, their product, is the same at every width.
    assert rates[f"{second}.weight"] == rates["head.output.weight"] == (0.0025, 0.4)
    assert rates[f"{first}.bias"] == (0.01, 0.0)


def test_tables_of_embeddings_are_inputs_and_starts_follow_the_base():
    class Model(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.table = nn.Embedding(7, width)
            self.entry = nn.Linear(5, width)
            nn.init.normal_(self.entry.weight, std=1 / math.sqrt(width))  # by its fan-out
            self.token = nn.Parameter(torch.randn(1, width))
            self.output = nn.Linear(width, 3)

    model, base = Model(256), Model(16)
    token = model.token.clone()
    growth = widen(model, base)
    assert growth["table.weight"] == growth["token"] == Growth(fan_out=16)
    assert torch.equal(model.token, token)

    def size(layer):
        return float(layer.weight.detach().square().mean().sqrt())

    assert size(model.entry) == pytest.approx(size(base.entry), rel=1e-4)
    assert size(model.output) == pytest.approx(size(base.output) / 16, rel=1e-4)


def test_muon_corrects_what_its_own_factor_leaves_out():
    # Hidden layers need nothing; one with more columns than rows has a factor of 1 at any width.
    assert Growth(fan_in=4, fan_out=4).muon(256, 64) == 1
    assert Growth(fan_out=4).muon(64, 640) == pytest.approx(2)
    assert Growth(fan_out=4).muon(64, 8) == 1


def test_logits_of_attention_shrink_by_the_features_of_a_head():
    _, wide, _ = built(*TRANSFORMER, "backbone.width=64", "optimizer.base_width=32")
    assert wide.backbone.layers[0].attention_scale == pytest.approx(math.sqrt(8) / 16)
    _, plain, _ = built(*TRANSFORMER, "backbone.width=64")
    assert plain.backbone.layers[0].attention_scale is None


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ([*TRANSFORMER, "optimizer.base_width=20"], r"base_width=20: backbone.width=20: must be"),
        (["backbone=convnet", "backbone.width=48", "optimizer.base_width=32"],
         r"base_width=32: backbone.wide=64 has no whole share"),
        (["backbone=torchvision", "backbone.model=resnet18", "optimizer.base_width=64"],
         r"base_width=64: backbone=torchvision has no width to choose"),
    ],
)  # fmt: skip
def test_a_base_that_cannot_be_is_refused(overrides, told):
    with pytest.raises(ConfigError, match=told):
        compose(overrides)
