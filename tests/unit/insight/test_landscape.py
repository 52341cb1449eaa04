"""The sections on a small model of handwritten digits that was trained for a moment."""

import json
from copy import deepcopy

import numpy as np
import pytest
import torch

from suite.compose import compose
from suite.insight.gradient_norms import Norms, gradient_norms, ratio
from suite.insight.gradients import AGREE, gradients
from suite.insight.landscape import landscape
from suite.insight.subject import Subject
from suite.insight.surface import Surface, retake, trained
from suite.run import build_model, build_task
from suite.task import Split


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    config = compose(
        ["task=image_recognition", "data=digits", "backbone=resnet", "backbone.width=8",
         "backbone.stages=2", "trainer.batch_size=64"]
    )  # fmt: skip
    task = build_task(config, torch.device("cpu"))

    def fresh(seed=0):
        return build_model(config, task, torch.device("cpu")).eval()

    model = fresh().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    states = {0: deepcopy(model.state_dict())}
    for step, batch in zip(range(1, 41), task.train_batches(seed=0), strict=False):
        loss = task.loss(model, batch)
        optimizer.zero_grad()
        (loss.total / loss.count).backward()
        optimizer.step()
        if step in (1, 4, 12, 40):
            states[step] = deepcopy(model.state_dict())
    return Subject(
        name="digits",
        folder=tmp_path_factory.mktemp("run"),
        task=task,
        model=model.eval(),
        fresh=fresh,
        started=fresh,
        snapshots={step: (lambda kept=kept: kept) for step, kept in states.items()},
        config=config.plain(),
        seed=0,
    )


def test_landscape_of_a_run_with_and_without_weights_along_the_way(subject):
    kept = {name: value.clone() for name, value in subject.model.state_dict().items()}
    small = {"on_line": 48, "points": 5, "side": 3, "curved": 16, "iterations": 8}
    found = landscape(subject, **small)
    text = " ".join(found.lines)
    assert "5 sets of weights" in text
    assert "taken anew" in text
    line = found.numbers["line"]["train"]
    assert line["loss"][0] == pytest.approx(2.3, abs=0.3)
    assert line["loss"][4] < 1.5
    assert line["primary"][4] > 0.5
    assert found.numbers["plane"]["path"][-1] == pytest.approx([0, 0], abs=1e-3)
    assert json.dumps(found.numbers, allow_nan=False)
    assert {figure.name for figure in found.figures} == {"loss_line", "loss_plane"}
    assert all(torch.equal(kept[name], v) for name, v in subject.model.state_dict().items())
    without = landscape(Subject(**{**vars(subject), "snapshots": {}}), **small)
    assert "two random directions" in " ".join(without.lines)
    assert without.numbers["plane"]["random"] is True


def test_gradient_of_a_run_is_right(subject):
    found = gradients(subject, batch_size=4, directions=1)
    assert found.numbers["agree"] is True
    assert found.metrics["largest_relative_error"] < AGREE
    assert [row[0] for row in found.tables[0].rows] == ["input", "layer 1", "layer 2", "output"]


def test_gradients_by_layer_of_a_run(subject):
    found = gradient_norms(subject, batches=3, batch_size=16)
    assert list(found.numbers["weights"]) == [
        "first", "step 1", "step 4", "step 12", "step 40", "best"
    ]  # fmt: skip
    same = found.numbers["weights"]
    assert same["step 40"]["gradient"] == pytest.approx(same["best"]["gradient"])
    assert found.metrics["last_over_first_before"] == same["first"]["ratio"]["value"]


def test_planted_vanishing_is_told_with_its_interval():
    layers = {"input": [1.0] * 8, "layer 1": [0.01, 0.011] * 4, "layer 2": [0.1] * 8}
    layers |= {"layer 3": [1.0, 1.1] * 4, "output": [9.0] * 8}
    gradient = {name: np.array(values) for name, values in layers.items()}
    found = ratio(Norms(gradient_B=gradient, weights=dict.fromkeys(layers, 1.0)))
    assert found.value == pytest.approx(100)
    noisy = {**gradient, "layer 3": 0.01 * np.array([1, 3, 1 / 3, 1, 2, 0.5, 1, 1])}
    nothing = ratio(Norms(gradient_B=noisy, weights=dict.fromkeys(layers, 1.0)))
    assert nothing.low < 1 < nothing.high
    alone = {name: gradient[name] for name in ("input", "layer 1", "output")}
    assert ratio(Norms(gradient_B=alone, weights=dict.fromkeys(alone, 1.0))) is None


def test_statistics_of_batch_normalisation_are_those_of_the_examples(subject):
    model = subject.started()
    norm = next(m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d))
    batch = subject.task.take(Split.TRAIN, range(100))
    seen = []
    hook = norm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    retake(model, [batch])
    hook.remove()
    assert torch.allclose(norm.running_mean, seen[0].mean((0, 2, 3)), atol=1e-5)
    assert not model.training
    assert not norm.training
    assert norm.momentum == 0.1
    # Other weights by a factor: normalised anew, they are the same function.
    surface = Surface(subject.task, subject.model, examples=60)
    weights = trained(subject.model)
    surface.put(weights)
    loss = surface.height(Split.TRAIN).mean
    entry = next(name for name in weights if name.endswith("entry.convolution.weight"))
    surface.put({**weights, entry: 3 * weights[entry]})
    assert surface.height(Split.TRAIN).mean == pytest.approx(loss, rel=1e-3)
