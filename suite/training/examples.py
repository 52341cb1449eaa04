"""The loss of each example of a step, from what the model has returned for all of them.

Legend: B batch.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from suite.task import Batch
from suite.training.evidence import not_finite
from suite.training.pieces import split

if TYPE_CHECKING:
    from suite.training.loop import Training


@dataclass(frozen=True)
class Example:
    """An example of a step. batch, index: its place, from 0. loss: None where it cannot be told.

    wrong: names of its inputs that are not finite.
    """

    batch: int
    index: int
    label: int | None
    loss: float | None
    wrong: Sequence[str] = ()

    @property
    def sound(self) -> bool:
        """Whether its inputs and its loss are finite, as far as they are known."""
        finite = self.loss is None or abs(self.loss) < float("inf")
        return finite and not self.wrong


def examples_of(
    run: "Training", batches: Sequence[Batch], parts: Sequence[Batch], outputs: Sequence[Any]
) -> Iterator[Example]:
    """Yield every example with its own loss: the task's, of this example's share of the output."""
    losses: list[float | None] = []
    if len(outputs) == len(parts):  # a loss may ask the model twice
        for part, output in zip(parts, outputs, strict=True):
            losses += _losses(run, part, output)
    losses += [None] * (sum(batch.examples for batch in batches) - len(losses))
    places = iter(losses)
    for number, batch in enumerate(batches):
        wrong = not_finite(batch)
        labels = batch["label_B"].tolist() if "label_B" in batch else None
        for index in range(batch.examples):
            yield Example(
                batch=number,
                index=index,
                label=None if labels is None else int(labels[index]),
                loss=next(places),
                wrong=[name for name, examples in wrong.items() if index in examples],
            )


@torch.no_grad()
def _losses(run: "Training", part: Batch, output: Any) -> list[float | None]:
    """Return each example's loss; None where the task's loss is not of single examples."""
    losses: list[float | None] = []
    for index, example in enumerate(split(part, 1)):
        try:
            said = _Said(_share(output, index, part.examples))
            with run.precision.autocast():
                loss = run.task.loss(said, example)
            losses.append(float(loss.total) / max(loss.count, 1))
        except Exception:  # whatever a task does with a model that only repeats itself
            losses.append(None)
    return losses


class _Said(nn.Module):
    """A model that has said already what it says."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self._output = [output]

    def forward(self, *_: Any) -> Any:
        return self._output[0]


def _share(output: Any, index: int, examples: int) -> Any:
    """Return an example's share of what a model returned: every B-th row of it."""
    return _mapped(
        output,
        lambda one: one[index::examples] if one.ndim and not len(one) % examples else one,
    )


def detached(output: Any) -> Any:
    """Return what a model returned, without what it takes to go backward from it."""
    return _mapped(output, Tensor.detach)


def _mapped(value: Any, function: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return function(value)
    if is_dataclass(value) and not isinstance(value, type):
        own = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        return replace(value, **{name: _mapped(one, function) for name, one in own.items()})
    if isinstance(value, Mapping):
        return {name: _mapped(one, function) for name, one in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_mapped(one, function) for one in value)
    return value
