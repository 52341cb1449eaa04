from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from suite import Split
from suite.config import HardwareConfig
from suite.data.streaming import StreamedExamples
from suite.techniques import of_data, of_layout, of_optimizers
from suite.training.optimizers import Optimizers, adamw, muon

OPTIONS = {"beta1": 0.9, "beta2": 0.99, "eps": 1e-8, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("name", "switch", "told"),
    [
        ("language_names", True, "on: batches hold examples of similar length"),
        ("language_names", False, "off: hardware.buckets=false"),
        ("digits", True, "off: all examples are as long"),
    ],
)
def test_buckets(open_task, monkeypatch, name, switch, told):
    task = open_task(name)
    monkeypatch.setattr(task, "setup", replace(task.setup, buckets=switch))
    assert of_data(task) == {"buckets": told, "in_memory": "on: batches are cut from tensors"}


def test_streams_are_not_in_memory(open_task, monkeypatch):
    task = open_task("digits")
    stream = StreamedExamples(lambda _: {}, torch.ones(3), workers=2)
    monkeypatch.setitem(task.__dict__, "data", SimpleNamespace(splits={Split.TRAIN: stream}))
    assert of_data(task)["in_memory"] == "off: streamed, hardware.workers=2"


def test_nothing_is_told_of_batches_that_a_task_makes_itself():
    assert of_data(SimpleNamespace()) == {}


def test_layout_is_that_of_the_model_unless_switched_off():
    wide, none = nn.Conv2d(8, 8, 3), nn.Linear(1, 1)
    assert of_layout(HardwareConfig(), wide) == {"channels_last": "on: convolutions"}
    off = HardwareConfig(channels_last=False)
    assert of_layout(off, wide) == {"channels_last": "off: hardware.channels_last=false"}
    assert of_layout(HardwareConfig(), none)["channels_last"].startswith("off: no convolution")


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda model: adamw(model, lr=1.0, **OPTIONS), "on: AdamW"),
        (lambda model: adamw(model, lr=1.0, fused=False, **OPTIONS), "off: AdamW"),
        (
            lambda model: muon(model, lr=1.0, adamw_lr=1.0, momentum=0.9, weight_decay=0.0),
            "on: AdamW; off: Muon",
        ),
        (lambda model: Optimizers(torch.optim.LBFGS(model.parameters())), "off: LBFGS"),
    ],
)
def test_fused_is_what_each_optimizer_does(build, told):
    assert of_optimizers(build(nn.Linear(2, 2))) == {"fused": told}
