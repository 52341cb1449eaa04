"""A split held in memory as tensors, so that a small benchmark does not measure a data loader.

Batches are cut by indexing on the device that holds the split; nothing is copied from the host but
the indices.

Legend: N examples of the split, B batch, T positions of the longest example.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from suite.data.serving import Served
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
        """Return one row, (T,), without padding. index: its place, from 0."""
        start = int(self.offset_N[index])
        return self.flat[start : start + int(self.length_N[index])]

    def take(self, index_B: Tensor) -> tuple[Tensor, Tensor]:
        """Return rows padded with zeros, (B, T), and their lengths, (B,), both on the device.

        index_B: int64, on the host.
        """
        length_B = self.length_N[index_B]
        longest = max(int(length_B.max()), 1)
        device = self.flat.device
        # Without waiting: the host would else stand still until the device has done all before.
        length_B = length_B.to(device, non_blocking=True)
        index_B = index_B.to(device, non_blocking=True)
        position_T = torch.arange(longest, device=device)
        real_BT = position_T < length_B[:, None]
        if not len(self.flat):
            return self.flat.new_zeros(len(index_B), longest), length_B
        source_BT = (self.offset_N[index_B][:, None] + position_T).clamp(max=len(self.flat) - 1)
        return self.flat[source_BT] * real_BT, length_B

    def only(self, index_N: Tensor) -> "Ragged":
        """Return some of the rows. index_N: int64, on the host."""
        length_N = self.length_N[index_N]
        # Where each value lies: as far behind the start of its row as it will be in the new one.
        moved_N = self.offset_N.cpu()[index_N] - (length_N.cumsum(0) - length_N)
        place = torch.arange(int(length_N.sum())) + moved_N.repeat_interleave(length_N)
        return replace(self, flat=self.flat[place.to(self.flat.device)], length_N=length_N)

    def to(self, device: torch.device) -> "Ragged":
        """Return it with its values on `device`."""
        return replace(self, flat=self.flat.to(device))


@dataclass(frozen=True)
class Examples(Served):
    """All examples of one split, in memory.

    columns: tensors with N first, or ragged rows, by the name they have in a batch.
    unit_N: natural units of each example, float64 on the host.
    length_N: what batches are bucketed by, int64 on the host; None does not bucket.
    content: as in `Served`.
    """

    columns: Mapping[str, Tensor | Ragged]
    unit_N: Tensor
    length_N: Tensor | None = None
    content: str = ""

    def to(self, device: torch.device, *, workers: int = 0, worker_timeout: float = 0.0) -> Self:
        return replace(self, columns={k: v.to(device) for k, v in self.columns.items()})

    def only(self, index_N: Tensor) -> Self:
        columns = {
            name: column.only(index_N)
            if isinstance(column, Ragged)
            else column[index_N.to(column.device)]
            for name, column in self.columns.items()
        }
        length_N = None if self.length_N is None else self.length_N[index_N]
        return replace(
            self, columns=columns, unit_N=self.unit_N[index_N], length_N=length_N, content=""
        )

    def take(self, index_B: Tensor) -> Batch:
        tensors: dict[str, Tensor] = {}
        for name, column in self.columns.items():
            if isinstance(column, Ragged):
                tensors[name], tensors[column.length_name] = column.take(index_B)
            else:
                tensors[name] = column[index_B.to(column.device, non_blocking=True)]
        return self.batch(tensors, index_B)


@dataclass(frozen=True)
class DataSet:
    """A whole data set: its splits, in memory or streamed, what its labels mean, and its card.

    groups: whom or what each example of a split comes from, by name; empty where that is unknown.
    """

    splits: Mapping[Split, Served]
    card: DataCard
    classes: tuple[str, ...] = ()
    groups: Mapping[Split, Sequence[str]] = field(default_factory=dict)

    def to(
        self, device: torch.device, *, workers: int = 0, worker_timeout: float = 0.0
    ) -> "DataSet":
        """Return it with its batches on `device`.

        workers: processes that read what is streamed. worker_timeout: seconds without a batch from
        them after which they hang; 0 waits for ever.
        """
        splits = {
            split: part.to(device, workers=workers, worker_timeout=worker_timeout)
            for split, part in self.splits.items()
        }
        return replace(self, splits=splits)
