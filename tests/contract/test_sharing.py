"""What several processes read of an embedded set is the set, each example once."""

from itertools import islice

import pytest
import torch

from suite import Split


@pytest.mark.parametrize("size", [2, 3])
def test_shares_of_training_batches_are_the_batches(open_task, embedded_name, size):
    task = open_task(embedded_name)
    whole = islice(task.train_batches(seed=3, skip=1), 3)
    shares = [
        list(islice(task.share_of_training(seed=3, skip=1, rank=rank, size=size), 3))
        for rank in range(size)
    ]
    for number, batch in enumerate(whole):
        parts = [share[number] for share in shares]
        assert sum(part.examples for part in parts) == batch.examples
        assert sum(part.units for part in parts) == pytest.approx(batch.units)
        keys_B = torch.empty_like(batch["key_B"])
        for rank, part in enumerate(parts):
            keys_B[rank::size] = part["key_B"]
        assert torch.equal(keys_B, batch["key_B"])


def test_shares_of_evaluation_are_its_batches_in_turn(open_task, embedded_name):
    task = open_task(embedded_name)
    whole = list(task.eval_batches(Split.TEST))
    for rank in range(2):
        share = list(task.share_of_evaluation(Split.TEST, rank=rank, size=2))
        assert len(share) == len(whole[rank::2])
        for one, other in zip(share, whole[rank::2], strict=True):
            assert set(one) == set(other)
            assert all(torch.equal(one[name], other[name]) for name in one)
