"""A loss or gradient that is not finite: seen before the weights are, skipped, and kept."""

import errno
import json
import math
import signal
from itertools import islice
from types import SimpleNamespace

import pytest
import safetensors.torch
import torch
from torch import nn

from suite import Loss
from suite.config import CheckpointConfig, OnNonfinite
from suite.errors import TrainingError
from suite.stop import Interrupted
from suite.training import evidence, nonfinite
from suite.training.checkpoint import Checkpoints
from suite.training.loop import fit
from suite.training.nonfinite import finite
from suite.training.optimizers import Optimizers

SKIP = OnNonfinite.skip


class Normed(nn.Module):
    """A line with a buffer that a forward pass changes, as batch normalisation does."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, batch):
        with torch.no_grad():
            self.mean.lerp_(batch["x_BD"].mean(), 0.1)
        return self.layer(self.dropout(batch["x_BD"])).squeeze(1)


@pytest.fixture
def make(bench, line):
    """Make a run in which the batches of these numbers hold a value in their third example."""

    def prepared(bad=(), value=math.nan, **options):
        class Broken(line):
            def build_model(self, backbone=None):
                return Normed()

            def _batch(self, seed, number, examples):
                batch = super()._batch(seed, number, examples)
                if seed < 10_000 and number in bad:
                    batch["x_BD"][3] = value
                return batch

        made = bench(Broken, **{"steps": 12, "evaluate_every": 0.5, "ema_decay": 0.9, **options})
        model = made.run.model
        made.run.optimizers = Optimizers(torch.optim.AdamW(model.parameters(), lr=0.05))
        return made

    return prepared


def _weights(run):
    return {name: tensor.clone() for name, tensor in run.model.state_dict().items()}


def _same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def _watch(made):
    """Note the weights, the optimizer's and the average's state behind every step."""
    seen, take = [], made.run.meter.step

    def taking(taken):
        take(taken)
        state = made.run.optimizers.state_dict()[0]["state"]
        seen.append(
            (_weights(made.run), {str(i): one["exp_avg"].clone() for i, one in state.items()})
        )

    made.run.meter.step = taking
    return seen


def test_stops_before_the_weights_are_touched_and_keeps_the_step(make):
    made = make(bad=[7], accumulate=2)  # the second batch of the fourth step
    seen = _watch(made)
    with pytest.raises(TrainingError) as stopped:
        fit(made.run)
    told = str(stopped.value)
    assert told.startswith(
        "the training loss is nan at step 4 (in batch 2 of 2 x_BD is not finite "
    )
    assert "in example 3): mend the data; `triathlon replay run`" in told
    assert "\n" not in told
    before = seen[-1][0]
    assert len(seen) == 3
    assert _same(_weights(made.run), before)
    folder = made.run.best.path.parent / "nonfinite" / "00000004"
    kept = safetensors.torch.load_file(folder / "weights.safetensors")
    assert _same(kept, before)
    read = evidence.read(made.run.best.path.parent, 4)
    assert read.step == evidence.newest(made.run.best.path.parent) == 4
    expected = list(islice(made.run.task.train_batches(seed=0, skip=6), 2))
    assert [batch.examples for batch in read.batches] == [8, 8]
    for got, wanted in zip(read.batches, expected, strict=True):
        assert set(got) == set(wanted)
        assert all(torch.equal(got[k].nan_to_num(7), wanted[k].nan_to_num(7)) for k in wanted)
    plain = json.loads((folder / "step.json").read_text())
    assert [one["not_finite"] for one in plain["batches"]] == [{}, {"x_BD": [3]}]
    assert plain["batches"][1]["summed_loss"] == "nan"
    assert 0 < plain["batches"][0]["summed_loss"] < 100


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_gradient_alone_is_seen_too(make, clip_norm):
    made = make(clip_norm=clip_norm)
    loss = made.run.task.loss

    def breaking(model, batch):
        good = loss(model, batch)
        if len(made.run.meter.examples) == 2:  # the root of zero has no slope
            good = Loss(good.total + (model.layer.bias * 0).sum().sqrt(), good.count)
        return good

    made.run.task.loss = breaking
    with pytest.raises(
        TrainingError, match=r"norm of the gradient is nan at step 3, its loss is f"
    ):
        fit(made.run)


def test_a_skipped_step_counts_and_changes_nothing(make):
    made = make(bad=[2, 3], on_nonfinite=SKIP, log_every=2, evaluate_every=0.6)
    seen = _watch(made)
    outcome = fit(made.run)
    assert (outcome.steps, outcome.skipped, outcome.stopped) == (12, 2, "length")
    assert outcome.examples == 96
    for step in (3, 4):
        assert all(_same(a, b) for a, b in zip(seen[step - 1], seen[1], strict=True))
    assert not _same(seen[4][0], seen[3][0])
    assert all(tensor.isfinite().all() for tensor in seen[-1][0].values())
    kept = safetensors.torch.load_file(made.run.best.path)  # of the average
    assert all(tensor.isfinite().all() for tensor in kept.values())
    assert dict(made.series("train/skipped_steps")) == {2: 0, 4: 2, 6: 2, 8: 2, 10: 2, 12: 2}
    # Neither of the two steps before the log has a loss.
    assert [step for step, _ in made.series("train/loss")] == [2, 6, 8, 10, 12]


def test_one_more_than_may_be_skipped_stops(make):
    made = make(bad=range(2, 12), on_nonfinite=SKIP, max_nonfinite=4)
    with pytest.raises(TrainingError, match=r"step 7 .*4 steps were skipped before it .*nite=4\)"):
        fit(made.run)
    folder = made.run.best.path.parent / "nonfinite"
    assert sorted(path.name for path in folder.iterdir()) == ["00000005", "00000006", "00000007"]


@pytest.mark.parametrize("step", [3, 4, 5, 9])
def test_a_run_that_skips_resumes_exactly(make, tmp_path, step):
    options = {"bad": [3, 7], "on_nonfinite": SKIP, "log_every": 3}
    whole = make(**options)
    expected = fit(whole.run)
    first, second = make(**options), make(**options)
    for made in (first, second):
        made.run.checkpoints = Checkpoints(tmp_path / "again", CheckpointConfig(every_minutes=None))
    take = first.run.meter.take

    def taking(batches, count):
        if len(first.run.meter.examples) == step - 1:
            first.run.stop.ask(signal.SIGTERM)
        return take(batches, count)

    first.run.meter.take = taking
    with pytest.raises(Interrupted):
        fit(first.run)
    second.run.saved = second.run.checkpoints.latest()
    assert fit(second.run) == expected
    assert expected.skipped == 2
    assert first.emitted + second.emitted == whole.emitted
    assert _same(_weights(second.run), _weights(whole.run))


def test_without_a_look_at_every_step_the_log_finds_the_first(make, monkeypatch):
    monkeypatch.setattr(nonfinite, "sees_at_once", lambda run: False)  # as on CUDA
    made = make(bad=[6], log_every=10, evaluate_every=5)
    with pytest.raises(TrainingError, match=r"loss is nan at step 7, seen at step 10: lower"):
        fit(made.run)
    read = evidence.read(made.run.best.path.parent, 7)
    assert read.weights is None
    (expected,) = islice(made.run.task.train_batches(seed=0, skip=6), 1)
    assert torch.equal(read.batches[0]["x_BD"].nan_to_num(7), expected["x_BD"].nan_to_num(7))


def test_overflow_that_loss_scaling_skips_is_no_error():
    total, norm = torch.tensor(1.0), torch.tensor(math.inf)
    scaled, plain = (
        SimpleNamespace(precision=SimpleNamespace(scaler=scaler)) for scaler in (object(), None)
    )
    assert finite(scaled, total, norm)
    assert not finite(plain, total, norm)
    assert not finite(scaled, norm, total)


def test_full_disk_does_not_hide_the_error(make, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    made = make(bad=[0])
    with pytest.raises(
        TrainingError, match=r"loss is nan at step 1 .*not be kept: .*No space left"
    ):
        fit(made.run)
    assert list((made.run.best.path.parent / "nonfinite").iterdir()) == []
