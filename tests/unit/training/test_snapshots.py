import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.config import CheckpointConfig
from suite.training.checkpoint import Checkpoints
from suite.training.loop import fit
from suite.training.snapshots import Snapshots, snapshot_steps, snapshots_of


@given(st.integers(2, 40), st.integers(1, 3000))
def test_snapshots_are_as_many_as_asked_for_and_as_there_are(count, steps):
    chosen = snapshot_steps(count, steps)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, steps + 1)
    assert (chosen[0], chosen[-1]) == (0, steps)


def test_steps_grow_by_a_factor():
    assert snapshot_steps(5, 1000) == [0, 1, 10, 100, 1000]
    assert snapshot_steps(1, 1000) == [1000]
    assert snapshot_steps(0, 1000) == []


@pytest.fixture
def make(bench, tmp_path):
    """Make a run that keeps weights after these steps; it returns the run and its folder."""

    def prepared(name, chosen, **options):
        made = bench(steps=20, ema_decay=0.9, **options)
        made.run.snapshots = Snapshots(tmp_path / name, chosen)
        return made, tmp_path / name

    return prepared


def test_first_and_last_weights_are_kept_and_training_is_as_without(make, tmp_path):
    made, folder = make("some", [0, 3, 20])
    began = {k: v.clone() for k, v in made.run.model.state_dict().items()}
    fit(made.run)
    kept = snapshots_of(folder)
    assert list(kept) == [0, 3, 20]
    assert all(torch.equal(kept[0]()[name], value) for name, value in began.items())
    assert not torch.equal(kept[3]()["layer.weight"], kept[20]()["layer.weight"])
    without, _ = make("none", [])
    fit(without.run)
    assert without.emitted == made.emitted
    assert without.run.model.layer.weight.equal(made.run.model.layer.weight)
    assert snapshots_of(tmp_path / "none") == {}
    # The last are those of the average, as the best are, which the last validation chose.
    best = safetensors.torch.load_file(made.run.best.path)
    assert torch.equal(best["layer.weight"], kept[20]()["layer.weight"])


def test_run_that_ends_early_keeps_its_end(make):
    made, folder = make("early", [0, 20], max_seconds=7)
    fit(made.run)
    assert list(snapshots_of(folder)) == [0, 7]


def test_killed_run_that_goes_on_has_the_same_snapshots(make):
    chosen = [0, 5, 7, 9, 20]
    whole, expected = make("whole", chosen)
    fit(whole.run)
    first, folder = make("killed", chosen)
    keeps = Checkpoints(folder, CheckpointConfig(every_steps=7, every_minutes=None))
    first.run.checkpoints = keeps
    take = first.run.meter.take

    def taking(batches, count):
        if len(first.run.meter.examples) == 10:
            raise MemoryError
        return take(batches, count)

    first.run.meter.take = taking
    with pytest.raises(MemoryError):
        fit(first.run)
    assert list(snapshots_of(folder)) == [0, 5, 7, 9]
    second, _ = make("killed", chosen)
    second.run.checkpoints = keeps
    second.run.saved = keeps.latest()
    fit(second.run)
    assert list(snapshots_of(folder)) == chosen
    for step, read in snapshots_of(expected).items():
        again = snapshots_of(folder)[step]()
        assert all(torch.equal(again[name], value) for name, value in read().items())
