"""A split held in memory as tensors, so that a small benchmark does not measure a data loader.

Batches are cut by indexing on the device that holds the split; nothing is copied from the host but
the indices.

Legend: N examples of the split, B batch, T positions of the longest example.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from suite.data.counter import example_keys
from suite.data.order import batches_per_epoch, evaluation_order, training_order
from suite.task import Batch, DataCard, Split


@dataclass(frozen=True)
class Ragged:
    """Rows of different length, one after the other in `flat`.

    length_N: int64, on the host. length_name: under which name a batch gets its lengths, (B,).
    offset_N: where each row starts, on the device of `flat`; found from the lengths.
    """

    flat: Tensor
    length_N: Tensor
    length_name: str = "length_B"
    offset_N: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        offset_N = self.length_N.cumsum(0) - self.length_N
        object.__setattr__(self, "offset_N", offset_N.to(self.flat.device))

    def __len__(self) -> int:
        return len(self.length_N)

    @classmethod
    def from_rows(cls, rows: list[Tensor], length_name: str = "length_B") -> "Ragged":
        """Pack rows, each (T,), into one."""
        length_N = torch.tensor([len(row) for row in rows], dtype=torch.int64)
        flat = torch.cat(rows) if rows else torch.zeros(0, dtype=torch.int64)
        return cls(flat, length_N, length_name)

    def row(self, index: int) -> Tensor:
        """Return one row, (T,)."""
        start = int(self.offset_N[index])
        return self.flat[start : start + int(self.length_N[index])]

    def take(self, index_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows padded with zeros, (B, T), and their lengths, (B,), both on the device."""
        length_B = self.length_N[index_B]
        longest = max(int(length_B.max()), 1)
        device = self.flat.device
        length_B, index_B = length_B.to(device), index_B.to(device)
        position_T = torch.arange(longest, device=device)
        real_BT = position_T < length_B[:, None]
        if not len(self.flat):
            return self.flat.new_zeros(len(index_B), longest), length_B
        source_BT = (self.offset_N[index_B][:, None] + position_T).clamp(max=len(self.flat) - 1)
        return self.flat[source_BT] * real_BT, length_B

    def to(self, device: torch.device) -> "Ragged":
        """Return it with its values on `device`."""
        return replace(self, flat=self.flat.to(device))


@dataclass(frozen=True)
class Examples:
    """All examples of one split.

    columns: tensors with N first, or ragged rows, by the name they have in a batch.
    unit_N: natural units of each example, float64 on the host.
    length_N: what batches are bucketed by, int64 on the host; None does not bucket.
    """

    columns: Mapping[str, Tensor | Ragged]
    unit_N: Tensor
    length_N: Tensor | None = None

    def __len__(self) -> int:
        return len(self.unit_N)

    def to(self, device: torch.device) -> "Examples":
        """Return the split held on `device`."""
        return replace(self, columns={k: v.to(device) for k, v in self.columns.items()})

    def take(self, index_B: Tensor) -> Batch:
        """Return the batch of these examples; `index_B` is on the host."""
        tensors: dict[str, Tensor] = {}
        for name, column in self.columns.items():
            if isinstance(column, Ragged):
                tensors[name], tensors[column.length_name] = column.take(index_B)
            else:
                tensors[name] = column[index_B.to(column.device)]
        return Batch(tensors, len(index_B), float(self.unit_N[index_B].sum()))

    def training(self, batch_size: int, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        """Yield training batches without end, with `key_B`; see `training_order`."""
        order = training_order(len(self), batch_size, seed=seed, skip=skip, length_N=self.length_N)
        for epoch, index_B in order:
            batch = self.take(index_B)
            device = next(iter(batch.values())).device
            key_B = example_keys(seed, epoch, index_B).to(device)
            yield replace(batch, tensors={**batch.tensors, "key_B": key_B})

    def evaluation(self, batch_size: int) -> Iterator[Batch]:
        """Yield every example once."""
        for index_B in evaluation_order(len(self), batch_size, length_N=self.length_N):
            yield self.take(index_B)

    def batches_per_epoch(self, batch_size: int) -> int:
        """Return the number of training batches in an epoch."""
        return batches_per_epoch(len(self), min(batch_size, len(self)))


@dataclass(frozen=True)
class DataSet:
    """A whole data set in memory: its splits, what its labels mean, and its card."""

    splits: Mapping[Split, Examples]
    card: DataCard
    classes: tuple[str, ...] = ()

    def to(self, device: torch.device) -> "DataSet":
        """Return it held on `device`."""
        return replace(self, splits={k: v.to(device) for k, v in self.splits.items()})
