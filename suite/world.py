"""The processes that train one model together. `torchrun` starts them; each takes its share.

A run without it is a world of one, and asks nobody anything. What processes tell each other of
where they are goes through gloo on the host, so that no device is waited for; gradients go through
what suits the device.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from suite.errors import ConfigError, TrainingError

T = TypeVar("T")
PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others before it takes them for dead."""
_LOST = ("connection", "peer", "timed out", "timeout", "nccl", "broken pipe", "gloo", "socket")


@dataclass(frozen=True)
class World:
    """One process among those of its run. rank: its number, from 0. local: that on its machine."""

    rank: int = 0
    size: int = 1
    local: int = 0
    control: Any = None

    @property
    def alone(self) -> bool:
        """Whether the run has one process."""
        return self.size == 1

    @property
    def leads(self) -> bool:
        """Whether it is the one that writes, and speaks."""
        return self.rank == 0

    def sum(self, values: Sequence[float]) -> list[float]:
        """Return each value summed over all processes."""
        if self.alone:
            return list(values)
        summed = torch.tensor(values, dtype=torch.float64)
        distributed.all_reduce(summed, group=self.control)
        return [float(value) for value in summed.tolist()]

    def gather(self, value: T) -> list[T]:
        """Return every process's value, in the order of their ranks."""
        if self.alone:
            return [value]
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value, group=self.control)
        return values

    def broadcast(self, value: T) -> T:
        """Return the value of the process that leads."""
        if self.alone:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0, group=self.control)
        return values[0]

    @contextmanager
    def in_turn(self) -> Iterator[None]:
        """Let one process of each machine go first: it fills the cache that the others read."""
        if not self.alone and self.local:
            distributed.barrier(group=self.control)
        try:
            yield
        finally:
            if not self.alone and not self.local:
                distributed.barrier(group=self.control)

    def lost(self, error: BaseException) -> TrainingError | None:
        """Return what to say of an error that the death of another process causes, else None."""
        told = str(error).lower()
        if self.alone or not isinstance(error, (RuntimeError, OSError)):
            return None
        if not any(word in told for word in _LOST):
            return None
        return TrainingError(
            "another process of this run has died or does not answer; its own error tells why. The "
            "same command, or torchrun's --max-restarts, goes on from the last checkpoint"
        )


ALONE = World()


def started_by_torchrun() -> bool:
    """Return whether this process is one of several that train together."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and "RANK" in os.environ


@contextmanager
def joined(device: torch.device) -> Iterator[World]:
    """Give the world of this process; it is left when the context ends."""
    if not started_by_torchrun():
        yield ALONE
        return
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    local = int(os.environ.get("LOCAL_RANK", rank))
    if device.type == "cuda":
        if local >= torch.cuda.device_count():
            raise ConfigError(
                f"torchrun --nproc-per-node: process {local} of this machine has no CUDA device of "
                f"its own, there are {torch.cuda.device_count()}; start fewer"
            )
        torch.cuda.set_device(local)
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    # torchrun may have kept the addresses of processes that it has started anew.
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    store, *_ = next(rendezvous("env://", timeout=PATIENCE))
    store = PrefixStore(f"attempt {attempt}", store)
    distributed.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=PATIENCE
    )
    try:
        control = distributed.new_group(backend="gloo", timeout=PATIENCE)
        yield World(rank, size, local, control)
    finally:
        distributed.destroy_process_group()


_sharing = False


@contextmanager
def sharing() -> Iterator[None]:
    """Have batches inside the context be those of all processes; called by all of them together."""
    global _sharing
    before, _sharing = _sharing, True
    try:
        yield
    finally:
        _sharing = before


def is_shared() -> bool:
    """Return whether other processes see other examples of the same batch just now."""
    return _sharing


def summed(values: Tensor) -> Tensor:
    """Return a tensor summed over all processes, with its gradient.

    For statistics of the whole batch, amid a forward pass that `is_shared`.
    """
    total: Tensor = _Sum.apply(values)
    return total


class _Sum(torch.autograd.Function):
    """What every process adds to the sum has part in the loss of all of them."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total
