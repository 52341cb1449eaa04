"""A split larger than memory: examples are read by index when their batch is due.

Batches are those of `Examples`, bit by bit, for any number of workers. At most `AHEAD` batches wait
in each worker's queue, so that host memory is bounded by (AHEAD * workers + 2) batches; with no
workers one batch is read when it is asked for.

Legend: N examples of the split, B batch.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from suite.data.memory import Ragged
from suite.data.serving import Served
from suite.errors import DataError, TriathlonError
from suite.task import Batch

_CPU = torch.device("cpu")
AHEAD = 2
"""Batches that each worker reads ahead."""

Columns = Mapping[str, Tensor | Ragged]
Fetch = Callable[[Tensor], Columns]
"""Takes indices, (B,), and returns the columns of these examples on the host, in that order, under
the names and types that `Examples.columns` would have. It is pickled to the workers, so that it
should hold arrays rather than lists: forked lists are copied as soon as they are counted. A method
`files()` may name the files it reads, so that their cache can be dropped; a method `name(index)` an
example, for messages."""
_SHOWN = 3
"""Examples that a message names."""


@dataclass(frozen=True)
class StreamedExamples(Served):
    """Examples of one split that are fetched in batches.

    fetch: reads examples; it raises a `DataError` that names the sample that it cannot read.
    unit_N, length_N: as in `Served`; known without reading the examples.
    content: names what `fetch` reads, for the fingerprint: a hash over names, sizes and as much of
        the content as is affordable. The card's notes say over what.
    workers: processes that read ahead; 0 reads in this process.
    worker_timeout: seconds without a batch from them after which they hang; 0 waits for ever.
    device: where batches are put, from pinned memory where it is CUDA.
    """

    fetch: Fetch
    unit_N: Tensor
    length_N: Tensor | None = None
    content: str = ""
    workers: int = 0
    worker_timeout: float = 0.0
    device: torch.device = _CPU

    def to(self, device: torch.device, *, workers: int = 0, worker_timeout: float = 0.0) -> Self:
        return replace(self, device=device, workers=workers, worker_timeout=worker_timeout)

    def forget(self) -> bool:
        name_files = getattr(self.fetch, "files", set)
        files: set[Path] = name_files()
        if not hasattr(os, "posix_fadvise"):
            return False
        for path in files:
            handle = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(handle)
        return bool(files)

    def only(self, index_N: Tensor) -> Self:
        length_N = None if self.length_N is None else self.length_N[index_N]
        return replace(
            self,
            fetch=_Some(self.fetch, index_N),
            unit_N=self.unit_N[index_N],
            length_N=length_N,
            content="",
        )

    def take(self, index_B: Tensor) -> Batch:
        return self._batch(index_B, _padded(self.fetch(index_B)))

    def batches(self, order: Iterable[Tensor]) -> Iterator[Batch]:
        """Yield the batch of each item of `order`; the next ones are read meanwhile."""
        asked: deque[Tensor] = deque()

        def indices() -> Iterator[NDArray[np.int64]]:
            for index_B in order:
                asked.append(index_B)
                yield index_B.numpy()  # a tensor would go to the worker through a file of its own

        loader = DataLoader(
            _Reading(self.fetch),
            sampler=indices(),
            batch_size=None,
            num_workers=self.workers,
            prefetch_factor=AHEAD if self.workers else None,
            timeout=self.worker_timeout if self.workers else 0,
            collate_fn=_as_it_is,
            pin_memory=self.device.type == "cuda",
            # The loader draws a seed for its workers; not from the generator that others use.
            generator=torch.Generator(),
        )
        results = iter(loader)
        try:
            for result in results:
                if isinstance(result, TriathlonError):
                    raise result
                yield self._batch(asked.popleft(), result)
        except (ConnectionError, EOFError, RuntimeError) as error:
            if "DataLoader timed out" in str(error):
                raise self._hanging(asked[0]) from error
            died = worker_died(error, reading=self.workers > 0)
            if died is None:
                raise
            with suppress(RuntimeError):
                time.sleep(0.5)  # torch may tell once more, when the signal of the death arrives
            raise died from error
        finally:
            del results  # ends the workers now, though a traceback may keep this frame

    def _hanging(self, index_B: Tensor) -> DataError:
        """Return the error for a batch that never came: its worker hangs, and has not died."""
        name = getattr(self.fetch, "name", "example {}".format)
        some = [str(name(index)) for index in index_B[:_SHOWN].tolist()]
        more = f" and {len(index_B) - _SHOWN} more" if len(index_B) > _SHOWN else ""
        return DataError(
            f"a worker process has read for {self.worker_timeout:g} s without an end, at "
            f"{', '.join(some)}{more}: a disk that does not answer, or a file without end; see to "
            "it, or raise hardware.worker_timeout"
        )

    def _batch(self, index_B: Tensor, tensors: Mapping[str, Tensor]) -> Batch:
        batch = self.batch(tensors, index_B)
        return batch if self.device.type == "cpu" else batch.to(self.device)


@dataclass(frozen=True)
class _Some:
    """Fetches some of the examples of another, by their place among them."""

    fetch: Fetch
    index_N: Tensor

    def name(self, index: int) -> str:
        name = getattr(self.fetch, "name", "example {}".format)
        return str(name(int(self.index_N[index])))

    def files(self) -> set[Path]:
        name_files = getattr(self.fetch, "files", set)
        files: set[Path] = name_files()
        return files

    def __call__(self, index_B: Tensor) -> Columns:
        return self.fetch(self.index_N[index_B])


class _Reading(Dataset[dict[str, Tensor] | TriathlonError]):
    """What runs in a worker. An error is a result: raised there, it would arrive as a traceback."""

    def __init__(self, fetch: Fetch) -> None:
        self.fetch = fetch

    def __getitem__(self, index_B: NDArray[np.int64]) -> dict[str, Tensor] | TriathlonError:
        try:
            return _padded(self.fetch(torch.from_numpy(index_B)))
        except TriathlonError as error:
            return error


def _padded(columns: Columns) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for name, column in columns.items():
        if isinstance(column, Ragged):
            tensors[name], tensors[column.length_name] = column.take(torch.arange(len(column)))
        else:
            tensors[name] = column
    return tensors


def _as_it_is(fetched: Any) -> Any:
    return fetched


def worker_died(error: BaseException, *, reading: bool = False) -> DataError | None:
    """Return what to say of an error that comes from the death of a worker, else None.

    torch raises where the main process is when it hears of it, perhaps in the middle of a step.
    While `reading` from workers, a broken connection tells the same.
    """
    text = str(error)
    heard = isinstance(error, RuntimeError) and "DataLoader worker (pid" in text
    broken = reading and isinstance(error, (ConnectionError, EOFError)) and "Caught" not in text
    if not heard and not broken:
        return None
    return DataError(
        "a worker process that reads data was killed: memory or /dev/shm is full; lower "
        "hardware.workers or trainer.batch_size, or use hardware.workers=0"
    )
