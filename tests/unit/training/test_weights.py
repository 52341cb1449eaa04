import errno

import pytest
import torch
from torch import nn

from suite.errors import DataError, TrainingError
from suite.training.weights import Best, load_weights, weights_of


def _model(features=3):
    return nn.Sequential(nn.Linear(2, features), nn.BatchNorm1d(features))


def _other(model):
    other = _model()
    assert not torch.equal(other[0].weight, model[0].weight)
    return other


def test_best_weights_come_back(tmp_path):
    model = _model()
    model(torch.randn(4, 2))
    best = Best(tmp_path)
    best.keep(weights_of(model))
    other = _other(model)
    load_weights(other, best.path)
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name


def test_better_weights_take_the_place_of_the_best(tmp_path):
    model, best = _model(), Best(tmp_path)
    best.keep(weights_of(model))
    nn.init.ones_(model[0].weight)
    best.keep(weights_of(model))
    other = _model()
    load_weights(other, best.path)
    assert other[0].weight.unique().tolist() == [1.0]
    assert [p.name for p in tmp_path.iterdir()] == ["best.safetensors"]


def test_weights_with_two_names_are_kept_under_both(tmp_path):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    best = Best(tmp_path)
    best.keep(weights_of(model))
    assert set(weights_of(model)) == {"0.weight", "0.bias", "1.weight", "1.bias"}
    load_weights(model, best.path)


@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "missing", "pickle"])
def test_damaged_weights_are_named(tmp_path, damage):
    Best(tmp_path).keep(weights_of(_model()))
    path = tmp_path / "best.safetensors"
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "pickle":
        torch.save({"a": torch.zeros(1)}, path)
    else:
        path.write_bytes({"cut": content[:-9], "garbage": b"x" * 40, "empty": b""}[damage])
    with pytest.raises(DataError, match=r"best\.safetensors: not a checkpoint of this model"):
        load_weights(_model(), path)


def test_weights_of_another_model_are_refused(tmp_path):
    Best(tmp_path).keep(weights_of(_model(5)))
    with pytest.raises(DataError, match="not a checkpoint of this model"):
        load_weights(_model(), tmp_path / "best.safetensors")


def test_full_disk_is_one_clear_line_and_leaves_the_old_file(tmp_path, monkeypatch):
    model, best = _model(), Best(tmp_path / "one-run")
    best.keep(weights_of(model))
    before = best.path.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(TrainingError, match=r"the disk is full.*triathlon resume one-run"):
        best.keep(weights_of(model))
    assert best.path.read_bytes() == before
    assert [p.name for p in best.path.parent.iterdir()] == ["best.safetensors"]
