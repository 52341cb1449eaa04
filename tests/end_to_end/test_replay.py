"""`triathlon replay`: a step of a run made again, from what was kept or by training up to it."""

import json
import math

import pytest
import torch

from suite import Loss
from suite.data.counter import step_seed
from suite.training import nonfinite
from tasks.image_recognition.task import ImageRecognition

RUN = ["backbone=mlp", "backbone.width=16", "tracking=none", "hardware=cpu_single"]
LOST = ["optimizer=sgd", "optimizer.lr=1e30", "trainer=smoke", "trainer.steps=20"]


def _name(folder):
    (run,) = (folder / "results" / "runs").iterdir()
    return run.name


def test_the_step_in_which_numbers_break_is_made_again(inside, tmp_path):
    said = inside(*RUN, *LOST, "trainer.clip_norm=null")
    said.refused("at step 2", "`triathlon replay ", "lower optimizer.lr")
    name = _name(tmp_path)
    before = sorted(path for path in tmp_path.rglob("*"))
    said = inside("replay", name)
    assert said.code == 0, said
    assert said.out.startswith("step 2: loss ")
    assert "numbers: fp32; weights: kept with the run" in said.out
    assert "first not finite in " in said.out
    assert "gradient by layer" in said.out
    assert sorted(path for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "seen", "source"),
    [
        (["trainer.log_every=8"], ", seen at step 8: ", "the start"),
        (["trainer.log_every=2", "trainer.checkpoint.every_steps=1"], " 2: ", "checkpoint 1"),
    ],
)
def test_where_it_was_seen_late_the_run_is_trained_again(
    inside, tmp_path, monkeypatch, options, seen, source
):
    with monkeypatch.context() as as_on_cuda:
        as_on_cuda.setattr(nonfinite, "sees_at_once", lambda run: False)
        said = inside(*RUN, *LOST, "trainer.clip_norm=null", *options)
    said.refused("loss is nan at step 2", seen)
    (kept,) = (tmp_path / "results").rglob("nonfinite/*")
    assert not (kept / "weights.safetensors").exists()
    said = inside("replay", _name(tmp_path))
    assert said.code == 0, said
    assert said.out.startswith("step 2: loss ")
    assert f"weights: trained again from {source}" in said.out


@pytest.fixture
def trained(inside, tmp_path):
    """The name of a finished run of 8 steps, and its training losses by step."""
    said = inside(*RUN, "trainer=smoke", "backbone.dropout=0.2", "trainer.accumulate=2")
    assert said.code == 0, said
    name = _name(tmp_path)
    path = tmp_path / "results" / "runs" / name / "journal.jsonl"
    events = map(json.loads, path.read_text().splitlines())
    told = [event for event in events if event["event"] == "metrics"]
    losses = {e["step"]: e["values"]["train/loss"] for e in told if "train/loss" in e["values"]}
    return name, losses


def test_any_step_of_a_finished_run_has_the_loss_that_it_had(inside, trained):
    name, losses = trained
    for step in (1, 6):
        said = inside("replay", name, "--step", str(step))
        assert said.code == 0, said
        assert said.out.startswith(f"step {step}: loss {losses[step]:.6g}, gradient norm ")
        assert "weights: trained again from the start" in said.out
        assert "forward: every output is finite" in said.out
        assert "examples with the largest loss" in said.out


def test_skipped_steps_and_parts_stand_in_the_record(inside, tmp_path, monkeypatch):
    loss = ImageRecognition.loss

    def breaking(task, model, batch):
        assert batch.examples <= 40
        good = loss(task, model, batch)
        third = torch.initial_seed() == step_seed(0, 3)
        return Loss(good.total * (math.nan if third else 1), good.count)

    monkeypatch.setattr(ImageRecognition, "loss", breaking)
    options = ["trainer.on_nonfinite=skip", "trainer.micro_batch=40", "trainer=smoke"]
    said = inside(*RUN, *options)
    assert said.code == 0, said
    assert "1 step skipped, not finite" in said.out
    (path,) = (tmp_path / "results").rglob("record.json")
    record = json.loads(path.read_text())
    assert record["troubles"] == {"skipped_steps": 1}
    assert record["techniques"]["micro_batch"] == "on: 40 examples, trainer.micro_batch"
    assert (record["steps"], record["examples"]) == (8, 512)
    monkeypatch.setattr(ImageRecognition, "loss", loss)
    said = inside("replay", _name(tmp_path))
    assert said.out.startswith("step 3: loss ")
    assert "the run said: the training loss is nan at step 3" in said.out


def test_wrong_commands_say_what_is_wrong(inside, trained):
    name, _ = trained
    inside("replay", name).refused(name, "no step of it", "--step N")
    inside("replay", name, "--step", "9").refused("--step 9", "has steps 1 to 8")
    inside("replay", f"{name}x", "--step", "1").refused("no such run", f"did you mean '{name}'?")
