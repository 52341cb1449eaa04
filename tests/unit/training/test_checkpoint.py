import errno
import json
import pickle
import threading

import pytest
import torch

from suite.config import CheckpointConfig
from suite.errors import DataError, TrainingError
from suite.training import checkpoint
from suite.training.checkpoint import Checkpoints

STATE = {
    "outcome": {"steps": 7, "best": {"loss": 0.5}, "stopped": ""},
    "shapes": [((2, 3), (4,))],
    "random": (3, (1, 2), None),
    "mean": [torch.arange(4.0)],
}


def _weights(value=1.0):
    return {"layer.weight": torch.full((3, 2), value), "count": torch.tensor(4)}


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path / "one-run", CheckpointConfig(every_steps=5))


def _folders(checkpoints):
    return sorted(path.name for path in checkpoints.folder.iterdir())


def test_what_was_saved_comes_back(checkpoints):
    checkpoints.save(7, _weights(), STATE)
    saved = checkpoints.latest()
    assert saved.step == 7
    assert torch.equal(saved.weights["layer.weight"], _weights()["layer.weight"])
    mean = saved.state.pop("mean")
    assert torch.equal(mean[0], torch.arange(4.0))
    assert saved.state == {k: v for k, v in STATE.items() if k != "mean"}
    assert not saved.best.exists()


def test_the_newest_and_one_before_it_are_kept(checkpoints):
    for step in (5, 10, 15, 100_000_000):
        checkpoints.save(step, _weights(step), STATE)
    assert _folders(checkpoints) == ["00000015", "100000000"]
    assert checkpoints.latest().step == 100_000_000


def test_before_a_step_the_last_that_is_sound_is_taken(checkpoints):
    assert checkpoints.before(9) is None
    for step, value in ((5, 5.0), (7, torch.nan)):
        checkpoints.save(step, _weights(value), STATE)
    assert checkpoints.before(9).step == 5
    assert checkpoints.before(5) is None
    (checkpoints.folder / "00000005" / "model.safetensors").write_bytes(b"cut")
    assert checkpoints.before(9) is None
    assert _folders(checkpoints) == ["00000005", "00000007"]


def test_strides_come_back(checkpoints):
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    checkpoints.save(1, _weights(), {"momentum": image})
    kept = checkpoints.latest().state["momentum"]
    assert torch.equal(kept, image)
    assert kept.stride() == image.stride()


def test_best_weights_of_then_are_kept_with_it(checkpoints):
    best = checkpoints.folder.parent / "best.safetensors"
    best.parent.mkdir()
    best.write_bytes(b"of step 5")
    checkpoints.save(5, _weights(), STATE)
    later = best.with_name("later")
    later.write_bytes(b"of step 6")
    later.replace(best)
    assert checkpoints.latest().best.read_bytes() == b"of step 5"


def _overwrite(path):
    path.write_bytes(b"\0" * path.stat().st_size)


DAMAGE = {
    "cut weights": lambda f: (f / "model.safetensors").write_bytes(b"x"),
    "cut state": lambda f: (f / "state.pt").write_bytes((f / "state.pt").read_bytes()[:-1]),
    "bit": lambda f: _overwrite(f / "state.pt"),
    "no state": lambda f: (f / "state.pt").unlink(),
    "no manifest": lambda f: (f / "manifest.json").unlink(),
    "cut manifest": lambda f: (f / "manifest.json").write_text("{"),
    "other manifest": lambda f: (f / "manifest.json").write_text('{"x": 1}'),
    "list manifest": lambda f: (f / "manifest.json").write_text("[]"),
    "empty": lambda f: [path.unlink() for path in f.iterdir()],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_one_is_told_of_and_the_one_before_is_taken(checkpoints, capsys, damage):
    checkpoints.save(5, _weights(5.0), STATE)
    checkpoints.save(10, _weights(10.0), STATE)
    DAMAGE[damage](checkpoints.folder / "00000010")
    assert checkpoints.latest().step == 5
    told = capsys.readouterr().err
    assert "00000010" in told
    assert "the one before it is taken" in told
    assert len(told.splitlines()) == 1


def test_without_a_good_one_it_is_an_error(checkpoints):
    assert checkpoints.latest() is None
    checkpoints.save(5, _weights(), STATE)
    DAMAGE["bit"](checkpoints.folder / "00000005")
    with pytest.raises(DataError, match=r"state\.pt: differs from what was written"):
        checkpoints.latest()


class _Bomb:
    def __reduce__(self):
        return (print, ("it went off",))


def test_hostile_state_is_refused(checkpoints, capsys):
    """One that somebody else has put there, with a manifest that fits."""
    checkpoints.save(5, _weights(), STATE)
    folder = checkpoints.folder / "00000005"
    for content in (pickle.dumps(_Bomb()), _zipped(_Bomb())):
        (folder / "state.pt").write_bytes(content)
        (folder / "manifest.json").unlink()
        checkpoint._seal(folder)
        with pytest.raises(DataError, match=r"state\.pt: not the state of a run"):
            checkpoints.latest()
    assert "it went off" not in capsys.readouterr().out


def _zipped(value):
    import io

    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def test_manifest_cannot_have_other_files_read(checkpoints, tmp_path):
    checkpoints.save(5, _weights(), STATE)
    path = checkpoints.folder / "00000005" / "manifest.json"
    told = json.loads(path.read_text())
    told["../../../secret"] = {"bytes": 6, "sha256": "0"}
    path.write_text(json.dumps(told))
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(DataError, match="not a checkpoint"):  # there is none of that name here
        checkpoints.latest()


@pytest.mark.parametrize("writer", ["safetensors.torch.save_file", "torch.save", "os.fsync"])
def test_full_disk_is_one_clear_line_and_leaves_the_last_good_one(checkpoints, monkeypatch, writer):
    checkpoints.save(5, _weights(), STATE)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(writer, full)
        with pytest.raises(TrainingError, match=r"the disk is full.*triathlon resume one-run"):
            checkpoints.save(10, _weights(), STATE)
    assert _folders(checkpoints) == ["00000005"]
    assert checkpoints.latest().step == 5


def test_large_one_is_written_while_training_goes_on(checkpoints, monkeypatch):
    monkeypatch.setattr(checkpoint, "_LARGE", 1)
    go = threading.Event()
    save = torch.save
    monkeypatch.setattr("torch.save", lambda *a: (go.wait(10), save(*a)))
    weights = _weights()
    checkpoints.save(5, weights, STATE)
    weights["layer.weight"].zero_()  # as the next step does
    assert _folders(checkpoints) == [".partial-00000005"]
    go.set()
    assert torch.equal(checkpoints.latest().weights["layer.weight"], torch.ones(3, 2))


def test_failure_of_a_large_one_is_raised_where_training_sees_it(checkpoints, monkeypatch):
    monkeypatch.setattr(checkpoint, "_LARGE", 1)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("torch.save", full)
    checkpoints.save(5, _weights(), STATE)
    with pytest.raises(TrainingError, match="the disk is full"):
        checkpoints.settle()
    checkpoints.settle()  # it is told once


@pytest.mark.parametrize(
    ("steps", "minutes", "now", "due"),
    [
        (5, None, 0, [5, 10]),
        (None, None, 1e9, []),
        (None, 2.0, 119, []),
        (None, 2.0, 121, list(range(1, 12))),
        (4, 2.0, 0, [4, 8]),
    ],
)
def test_due_by_steps_or_by_the_clock(tmp_path, monkeypatch, steps, minutes, now, due):
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    config = CheckpointConfig(every_steps=steps, every_minutes=minutes)
    checkpoints = Checkpoints(tmp_path, config)
    clock[0] += now
    assert [step for step in range(1, 12) if checkpoints.due(step)] == due
    assert checkpoints.seconds_at_risk == now
