"""What a split does wherever its examples lie: serve batches of chosen ones, in order.

Legend: N examples of the split, B batch.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Self

import torch
from torch import Tensor

from suite.data.counter import example_keys
from suite.data.order import batches_per_epoch, evaluation_order, training_order
from suite.errors import PluginError
from suite.task import Batch

WHOLE = (0, 1)
"""The share of one process alone."""


class Served(ABC):
    """One split. Which examples are in a batch does not depend on where they lie.

    unit_N: natural units of each example, float64 on the host.
    length_N: what batches are bucketed by, int64 on the host; None does not bucket.
    content: names the content for the fingerprint, where a source knows it better than by the bytes
        of all columns; empty where it does not.
    """

    unit_N: Tensor
    length_N: Tensor | None
    content: str

    @abstractmethod
    def take(self, index_B: Tensor) -> Batch:
        """Return the batch of these examples; `index_B` is on the host."""

    @abstractmethod
    def to(self, device: torch.device, *, workers: int = 0, worker_timeout: float = 0.0) -> Self:
        """Return the split with its batches on `device`; see `DataSet.to`."""

    def only(self, index_N: Tensor) -> Self:
        """Return the split of these examples alone; its content has no name yet.

        index_N: int64, on the host. Raises `PluginError` where a kind of split cannot do it.
        """
        raise PluginError(f"{type(self).__name__}: cannot serve a part of its examples (only)")

    def forget(self) -> bool:
        """Drop the files of the examples from the operating system's cache; False without any."""
        return False

    def batch(self, tensors: Mapping[str, Tensor], index_B: Tensor) -> Batch:
        """Return the batch of these examples, whose tensors are at hand, with its counts.

        tensors: by the names they have in a batch, B in front. index_B: int64, on the host.
        """
        unit_B = self.unit_N[index_B]
        padded = None if self.length_N is None else float(unit_B.max()) * len(index_B)
        return Batch(tensors, len(index_B), float(unit_B.sum()), padded)

    def batches(self, order: Iterable[Tensor]) -> Iterator[Batch]:
        """Yield the batch of each item of `order`, which holds indices, (B,), on the host."""
        for index_B in order:
            yield self.take(index_B)

    def training(
        self,
        batch_size: int,
        *,
        seed: int,
        skip: int = 0,
        buckets: bool = True,
        share: tuple[int, int] = WHOLE,
    ) -> Iterator[Batch]:
        """Yield training batches without end, with `key_B`; see `training_order`.

        buckets: by length, where lengths differ. share: (r, n) yields of each batch the examples
        number r, r + n, …
        """
        rank, size = share
        length_N = self.length_N if buckets else None
        order = training_order(len(self), batch_size, seed=seed, skip=skip, length_N=length_N)
        # A stream asks for indices some batches ahead: what it asked for waits here.
        asked: deque[tuple[int, Tensor]] = deque()

        def indices() -> Iterator[Tensor]:
            for epoch, whole_B in order:
                index_B = whole_B[rank::size] if size > 1 else whole_B
                asked.append((epoch, index_B))
                yield index_B

        keyed, key_N = -1, torch.empty(0)
        for batch in self.batches(indices()):
            epoch, index_B = asked.popleft()
            if epoch != keyed:
                # All of an epoch at once: a batch of a small model takes less time than its keys.
                keyed, key_N = epoch, example_keys(seed, epoch, torch.arange(len(self)))
            device = next(iter(batch.values())).device
            tensors = {**batch.tensors, "key_B": key_N[index_B].to(device, non_blocking=True)}
            yield Batch(tensors, batch.examples, batch.units, batch.padded_units)

    def evaluation(self, batch_size: int, share: tuple[int, int] = WHOLE) -> Iterator[Batch]:
        """Yield every example once, `batch_size` at a time, by length where lengths differ.

        share: (r, n) yields batches number r, r + n, … alone.
        """
        order = evaluation_order(len(self), batch_size, length_N=self.length_N)
        return self.batches(islice(order, share[0], None, share[1]))

    def typical(self, batch_size: int) -> Batch:
        """Return the middle batch of `evaluation`: of typical length where lengths differ."""
        order = list(evaluation_order(len(self), batch_size, length_N=self.length_N))
        return self.take(order[len(order) // 2])

    def batches_per_epoch(self, batch_size: int) -> int:
        """Return the number of training batches in an epoch."""
        return batches_per_epoch(len(self), min(batch_size, len(self)))

    def __len__(self) -> int:
        return len(self.unit_N)
