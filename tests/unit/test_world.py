import pytest
import torch

from suite import Batch
from suite.errors import PluginError
from suite.world import ALONE, World, is_shared, sharing


def test_a_world_of_one_asks_nobody():
    assert ALONE.alone
    assert ALONE.leads
    assert ALONE.sum([1, 2.5]) == [1, 2.5]
    assert ALONE.gather("x") == ["x"]
    assert ALONE.broadcast("x") == "x"
    with ALONE.in_turn():
        assert not is_shared()
    with sharing():
        assert is_shared()
    assert not is_shared()


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (RuntimeError("[…/pair.cc:553] Connection closed by peer [127.0.0.1]:12"), True),
        (RuntimeError("NCCL communicator was aborted"), True),
        (RuntimeError("Timed out waiting 600000ms for recv operation"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("connection closed by peer"), False),
    ],
)
def test_death_of_another_process_is_told_from_an_error_of_ones_own(error, lost):
    told = World(rank=0, size=2).lost(error)
    assert (told is not None) is lost
    assert ALONE.lost(error) is None


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_shares_of_a_batch_are_the_batch(size):
    batch = Batch({"x_BD": torch.arange(14).view(7, 2), "label_B": torch.arange(7)}, 7, 14.0, 21.0)
    shares = [batch.share(rank, size) for rank in range(size)]
    assert sum(share.examples for share in shares) == 7
    assert sum(share.units for share in shares) == pytest.approx(14)
    assert sum(share.padded_units for share in shares) == pytest.approx(21)
    labels = torch.cat([share["label_B"] for share in shares])
    assert sorted(labels.tolist()) == list(range(7))
    for share in shares:
        assert torch.equal(share["x_BD"][:, 0], 2 * share["label_B"])
        assert len(share["label_B"]) == share.examples


def test_tensor_without_a_batch_axis_in_front_is_named():
    with pytest.raises(PluginError, match="mask_TB: has no batch axis in front"):
        Batch({"mask_TB": torch.zeros(3, 2)}, 2, 2.0).share(0, 2)
