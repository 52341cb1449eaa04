"""When a model is compiled, and what is told of it. Nothing here is timed: the clock is a fake."""

import pytest
import torch
from torch import nn

from suite.errors import TrainingError
from suite.training import compiling
from suite.training.compiling import compile_model, pays_back

CPU = torch.device("cpu")


class Compiled(nn.Module):
    """What stands for a compiled model: the model, called."""

    def __init__(self, model):
        super().__init__()
        self.model = [model]  # not registered: its parameters are the model's

    def forward(self, batch):
        return self.model[0](batch)


@pytest.fixture
def compile_(bench, monkeypatch):
    """Compile the model of a run; plain and compiled passes take these seconds."""

    def call(wanted, *, plain=0.1, fast=0.05, steps=10_000, fails="", refused=""):
        run = bench().run

        def compile_anyhow(model):
            if fails:
                raise RuntimeError(fails)
            return Compiled(model)

        monkeypatch.setattr(torch, "compile", compile_anyhow)
        ran = compiling.Trial.run

        def timed(self, model):
            ran(self, model)
            return fast if isinstance(model, Compiled) else plain

        monkeypatch.setattr(compiling.Trial, "run", timed)
        return compile_model(
            wanted, run.task, run.model, run.precision, steps=steps, accumulate=1, seed=0,
            refused=refused,
        )  # fmt: skip

    return call


def test_off_compiles_nothing(compile_):
    assert compile_(False) == compiling.Compiled(None, "off: hardware.compile=false")


def test_on_compiles_whatever_it_takes(compile_):
    found = compile_(True, plain=0.1, fast=0.2, steps=1)
    assert isinstance(found.model, Compiled)
    assert found.note.startswith("on: hardware.compile=true, compiled in ")


def test_every_shape_is_compiled_before_training(bench, monkeypatch):
    run = bench().run
    sizes = [5, 3, 5, 4]
    made = [run.task._batch(0, number, size) for number, size in enumerate(sizes)]
    monkeypatch.setattr(run.task, "train_batches", lambda seed: iter(made))
    monkeypatch.setattr(torch, "compile", Compiled)
    seen = []
    monkeypatch.setattr(Compiled, "forward", lambda self, batch: seen.append(batch.examples) or
                        self.model[0](batch))  # fmt: skip
    compile_model(True, run.task, run.model, run.precision, steps=1, accumulate=1, seed=0)
    assert seen == [5, 3, 4]


def test_auto_keeps_what_is_faster(compile_):
    found = compile_("auto", plain=0.1, fast=0.08)
    assert isinstance(found.model, Compiled)
    assert found.note.startswith("on: 1.25 times as fast, compiled in ")
    assert found.note.endswith("of 10,000 steps")


def test_auto_drops_what_is_not_faster(compile_):
    found = compile_("auto", plain=0.1, fast=0.11)
    assert found.model is None
    assert found.note.startswith("off: 0.91 times as fast")


def test_auto_does_not_begin_where_the_run_is_too_short(compile_):
    after = pays_back(0.1, compiling.GAIN, compiling.COST_SECONDS)
    found = compile_("auto", steps=after - 1, fails="must not be called")
    assert found.model is None
    assert found.note == f"off: would pay back after {after:,} of {after - 1:,} steps at best"


def test_auto_leaves_batches_of_many_shapes_alone(open_task):
    task = open_task("language_names")
    found = compile_model(
        "auto", task, nn.Linear(1, 1), None, steps=10**9, accumulate=1, seed=0
    )  # fmt: skip
    assert found.note == "off: batches differ in shape, each would be compiled anew"


def test_failure_ends_a_run_that_asked_and_no_other(compile_):
    with pytest.raises(TrainingError, match=r"hardware\.compile=true: .*no C\+\+ compiler"):
        compile_(True, fails="no C++ compiler")
    found = compile_("auto", fails="no C++ compiler")
    assert found.note == "off: torch.compile failed, RuntimeError: no C++ compiler"


def test_model_that_must_not_be_compiled_is_refused(compile_):
    with pytest.raises(TrainingError, match=r"hardware\.compile=true: too narrow; use"):
        compile_(True, refused="too narrow")
    assert compile_("auto", refused="too narrow").note == "off: too narrow"


@pytest.mark.parametrize(
    ("seconds", "gain", "cost", "accumulate", "steps"),
    [
        (0.1, 2.0, 30, 1, 600),
        (0.1, 2.0, 30, 3, 200),
        (0.05, 1.25, 30, 1, 3000),
        (1e3, 2.0, 1, 1, 1),
    ],
)
def test_pays_back_once_what_is_saved_is_what_it_cost(seconds, gain, cost, accumulate, steps):
    assert pays_back(seconds, gain, cost, accumulate) == steps
