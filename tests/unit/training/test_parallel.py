import pytest
from torch import nn

from suite.backbones.grid import MaskedBatchNorm
from suite.config import Parallel
from suite.errors import ConfigError
from suite.training.parallel import Alone, engine_of, share_statistics
from suite.world import ALONE, World

TWO = World(rank=0, size=2)


def test_a_world_of_one_trains_the_model_itself():
    model, compiled = nn.Linear(2, 2), nn.Linear(2, 2)
    engine = engine_of(model, compiled, ALONE, Parallel.fsdp, "cpu", scaled=True)
    assert type(engine) is Alone
    assert (engine.model, engine.forward) == (model, compiled)
    assert not engine.sharded


@pytest.mark.parametrize(
    ("forward", "scaled", "words"),
    [(nn.Linear(2, 2), False, "hardware.compile"), (None, True, "precision=fp16; use bf16")],
)
def test_what_fsdp_cannot_do_is_refused(forward, scaled, words):
    with pytest.raises(ConfigError, match=words):
        engine_of(nn.Linear(2, 2), forward, TWO, Parallel.fsdp, "cpu", scaled=scaled)


def test_batch_normalisation_of_libraries_is_replaced_with_its_state():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Sequential(nn.BatchNorm2d(4)))
    nn.init.constant_(model[1].running_mean, 7.0)
    model[1].weight.requires_grad_(False)
    names = list(model.state_dict())
    share_statistics(model)
    assert isinstance(model[1], MaskedBatchNorm)
    assert isinstance(model[2][0], MaskedBatchNorm)
    assert list(model.state_dict()) == names
    assert model[1].running_mean.tolist() == [7.0] * 3
    assert not model[1].weight.requires_grad
