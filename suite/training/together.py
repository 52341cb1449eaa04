"""Evaluates a split on several processes, and comes to what one process comes to, to the last bit.

Sums of floats depend on their order, and so may the state of a metric. So metrics are not merged:
each process notes what its batches would tell the metrics, and all of them tell it to their metrics
in the order of the batches.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from suite.task import Batch, Loss, Split, Task
from suite.training.parallel import Engine

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

Note = tuple[str, tuple[Any, ...], dict[str, Any]]
"""Which metric was told (empty: all of them), and what."""


@dataclass(frozen=True)
class _Seen:
    """What came of one batch, on the host."""

    total: Tensor
    count: int
    notes: list[Note]


class Noting:
    """Stands for metrics, and notes what they are told."""

    def __init__(self, metrics: Any, notes: list[Note], name: str = "") -> None:
        self._metrics = metrics
        self._notes = notes
        self._name = name

    def update(self, *values: Any, **named: Any) -> None:
        """Note what `update` of the metrics was to be told."""
        self._notes.append((self._name, _moved(values, "cpu"), _moved(named, "cpu")))

    def __getitem__(self, name: str) -> "Noting":
        return Noting(self._metrics[name], self._notes, name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._metrics, name)

    def __contains__(self, name: object) -> bool:
        return name in self._metrics

    def __iter__(self) -> Iterator[Any]:
        return iter(self._metrics)


def evaluate_together(
    task: Task,
    split: Split,
    engine: Engine,
    metrics: "MetricCollection",
    of_batch: Callable[[Batch, Any], Loss],
) -> Iterator[Loss]:
    """Yield the loss of every batch in order, and tell the metrics of each.

    of_batch: evaluates one batch, given what to tell the metrics by.
    """
    world = engine.world
    device = next(engine.model.parameters()).device
    seen = [_seen(batch, metrics, of_batch) for batch in _in_step(task, split, engine)]
    shares = world.gather([one for one in seen if one is not None])
    for number in range(max(map(len, shares))):
        for share in shares:
            if number < len(share):
                one = share[number]
                for name, values, named in one.notes:
                    told = metrics[name] if name else metrics
                    told.update(*_moved(values, device), **_moved(named, device))
                yield Loss(one.total, one.count)


def _in_step(task: Task, split: Split, engine: Engine) -> Iterator[tuple[Batch, bool]]:
    """Yield this process's batches, and whether they count.

    Where weights are shared out, a forward pass takes all processes: one that has no batch left
    makes one more of what it had.
    """
    world = engine.world
    own = iter(task.share_of_evaluation(split, rank=world.rank, size=world.size))
    last: Batch | None = None
    while True:
        batch = next(own, None)
        if not engine.sharded:
            if batch is None:
                return
        elif not world.sum([batch is not None])[0]:
            return
        last = batch or last or task.example_batch()
        yield last, batch is not None


def _seen(
    batch: tuple[Batch, bool], metrics: "MetricCollection", of_batch: Callable[[Batch, Any], Loss]
) -> _Seen | None:
    notes: list[Note] = []
    loss = of_batch(batch[0], Noting(metrics, notes))
    return _Seen(loss.total.detach().cpu(), loss.count, notes) if batch[1] else None


def _moved(value: Any, device: "torch.device | str") -> Any:
    if isinstance(value, Tensor):
        return value.detach().to(device)
    if isinstance(value, dict):
        return {key: _moved(one, device) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_moved(one, device) for one in value)
    return value
