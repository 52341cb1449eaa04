import errno

import pytest
import torch
from torch import nn

from suite.errors import DataError, TrainingError
from suite.training.checkpoint import Checkpoints, load_weights
from suite.training.optimizers import adamw


def _model(features=3):
    return nn.Sequential(nn.Linear(2, features), nn.BatchNorm1d(features))


def _other(model):
    other = _model()
    assert not torch.equal(other[0].weight, model[0].weight)
    return other


def test_best_weights_come_back(tmp_path):
    model = _model()
    model(torch.randn(4, 2))
    Checkpoints(tmp_path).keep_best(model)
    other = _other(model)
    load_weights(other, tmp_path / "best.safetensors")
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_last_weights_come_back_with_the_optimizers(tmp_path):
    model = _model()
    optimizers = adamw(model, lr=0.1, beta1=0.9, beta2=0.9, eps=1e-8, weight_decay=0.0)
    model(torch.randn(4, 2)).sum().backward()
    optimizers.members[0].step()
    checkpoints = Checkpoints(tmp_path)
    checkpoints.keep_last(model, {"step": 7, "optimizers": optimizers.state_dict()})
    load_weights(_other(model), checkpoints.last)
    state = torch.load(tmp_path / "last.pt", weights_only=True)
    assert state["step"] == 7
    optimizers.load_state_dict(state["optimizers"])


def test_later_checkpoint_takes_the_place_of_the_earlier(tmp_path):
    model, checkpoints = _model(), Checkpoints(tmp_path)
    checkpoints.keep_best(model)
    nn.init.ones_(model[0].weight)
    checkpoints.keep_best(model)
    other = _model()
    load_weights(other, checkpoints.best)
    assert other[0].weight.unique().tolist() == [1.0]
    assert [p.name for p in tmp_path.iterdir()] == ["best.safetensors"]


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "missing"])
def test_damaged_checkpoint_is_named(tmp_path, damage):
    Checkpoints(tmp_path).keep_best(_model())
    path = tmp_path / "best.safetensors"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"cut": content[:-9], "garbage": b"x" * 40, "empty": b""}[damage])
    with pytest.raises(DataError, match=r"best\.safetensors: not a checkpoint of this model"):
        load_weights(_model(), path)


def test_checkpoint_of_another_model_is_refused(tmp_path):
    Checkpoints(tmp_path).keep_best(_model(5))
    with pytest.raises(DataError, match="not a checkpoint of this model"):
        load_weights(_model(), tmp_path / "best.safetensors")


@pytest.mark.parametrize("writer", ["safetensors.torch.save_file", "torch.save"])
def test_full_disk_is_one_clear_line_and_leaves_the_old_file(tmp_path, monkeypatch, writer):
    model, checkpoints = _model(), Checkpoints(tmp_path)
    checkpoints.keep_last(model, {"step": 1})
    before = (tmp_path / "last.pt").read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writer, full)
    with pytest.raises(TrainingError, match=r"cannot write a checkpoint.*No space.*free some disk"):
        checkpoints.keep_last(model, {"step": 2})
    assert (tmp_path / "last.pt").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["last.pt", "last.safetensors"]
