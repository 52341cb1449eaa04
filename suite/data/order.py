"""In which order examples are seen: a function of (seed, epoch) alone."""

from collections.abc import Iterator

import torch
from torch import Tensor

from suite.data.counter import example_keys

_POOL = 32
"""Batches sorted by length together: enough for little padding, few enough for shuffling."""


def training_order(
    examples: int, batch_size: int, *, seed: int, skip: int = 0, length_N: Tensor | None = None
) -> Iterator[tuple[int, Tensor]]:
    """Yield (epoch, indices) of batch number `skip` and all that follow, without end.

    Every batch has exactly `batch_size` examples (all of them, where there are fewer); what an
    epoch has left over is another subset in each. With `length_N` a batch holds examples of similar
    length, and batches come in random order.
    """
    batch_size = min(batch_size, examples)
    per_epoch = batches_per_epoch(examples, batch_size)
    epoch, first = divmod(skip, per_epoch)
    while True:
        batches = epoch_batches(examples, batch_size, seed=seed, epoch=epoch, length_N=length_N)
        for index_B in batches[first:]:
            yield epoch, index_B
        epoch, first = epoch + 1, 0


def batches_per_epoch(examples: int, batch_size: int) -> int:
    """Return the number of full batches in an epoch, at least one."""
    return max(examples // batch_size, 1)


def epoch_batches(
    examples: int, batch_size: int, *, seed: int, epoch: int, length_N: Tensor | None = None
) -> list[Tensor]:
    """Return the batches of one epoch, each (B,) int64 on the host."""
    order_N = _permutation(examples, seed, 2 * epoch)
    if length_N is not None:
        pools = order_N.split(_POOL * batch_size)
        order_N = torch.cat([pool[length_N[pool].argsort(stable=True)] for pool in pools])
    count = batches_per_epoch(examples, batch_size)
    batches = list(order_N[: count * batch_size].split(batch_size))
    if length_N is not None:
        # The remainder dropped would always be the longest of the last pool: drop at random.
        batches = _drop_at_random(order_N, batch_size, seed, epoch)
        shuffled = _permutation(len(batches), seed, 2 * epoch + 1)
        batches = [batches[i] for i in shuffled.tolist()]
    return batches


def _drop_at_random(order_N: Tensor, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
    count = batches_per_epoch(len(order_N), batch_size)
    keep = min(count * batch_size, len(order_N))
    dropped = _permutation(len(order_N), seed, 2 * epoch + 1)[keep:]
    kept = torch.ones(len(order_N), dtype=torch.bool)
    kept[dropped] = False
    return list(order_N[kept].split(batch_size))


def evaluation_order(
    examples: int, batch_size: int, *, length_N: Tensor | None = None
) -> Iterator[Tensor]:
    """Yield the indices of every example once, by length where lengths are given."""
    order_N = torch.arange(examples) if length_N is None else length_N.argsort(stable=True)
    yield from order_N.split(batch_size)


def _permutation(items: int, seed: int, round_: int) -> Tensor:
    return example_keys(seed, round_, torch.arange(items)).argsort(stable=True)
