"""Makes one step again and looks inside: where numbers stop being finite, forward and backward.

Legend: B batch.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from suite.data.counter import step_seed
from suite.task import Batch, Loss, Task
from suite.training.evidence import not_finite
from suite.training.loop import Training, accumulate, seed_draws
from suite.training.pieces import in_parts, split


@dataclass(frozen=True)
class Numbers:
    """What a tensor holds: least, largest and mean of what is finite, and how many are not."""

    name: str
    shape: tuple[int, ...]
    least: float
    largest: float
    mean: float
    wrong: int

    @classmethod
    def of(cls, name: str, tensor: Tensor) -> "Numbers":
        """Sum up a tensor."""
        values = tensor.detach().double().flatten()
        good = values[values.isfinite()]
        shape, wrong = tuple(tensor.shape), len(values) - len(good)
        if not len(good):
            return cls(name, shape, float("nan"), float("nan"), float("nan"), wrong)
        return cls(name, shape, float(good.min()), float(good.max()), float(good.mean()), wrong)


@dataclass(frozen=True)
class Fault:
    """The first module whose output, or the gradient of whose output or weights, is not finite.

    where: says which of these. behind: where the gradient was finite last, on its way back.
    """

    module: str
    kind: str
    where: str
    behind: str = ""
    inputs: Sequence[Numbers] = ()
    parameters: Sequence[Numbers] = ()


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


@dataclass
class Inspection:
    """What was found. loss: the mean. losses: summed, and what they sum over, of each forward pass.

    norm: of the gradient before clipping. layers: name, weights, norm of their gradient and their
    own. broken: weights that were not finite before the step.
    """

    step: int
    loss: float = 0.0
    losses: list[tuple[float, int]] = field(default_factory=list)
    norm: float = 0.0
    forward: Fault | None = None
    backward: Fault | None = None
    examples: list[Example] = field(default_factory=list)
    layers: list[tuple[str, int, float, float]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def inspect(run: Training, batches: Sequence[Batch], step: int, most: int | None) -> Inspection:
    """Make the step again, up to its gradient, from the weights that the model has.

    most: examples of a forward pass, where batches are cut.
    """
    found = Inspection(step)
    found.broken = [n for n, p in run.model.named_parameters() if not p.isfinite().all()]
    heard = _Heard(run.task)
    listening = replace(run, task=cast(Task, heard), compiled=None)
    run.model.train()
    run.optimizers.zero_grad()
    seed_draws(run.precision.device, step_seed(run.seed, step))
    parts = list(in_parts(batches, most))
    with _listening(run.model, found, heard):
        total, count = accumulate(listening, parts)
    found.loss = float(total) / max(count, 1)
    found.losses = [(float(total), count) for total, count in heard.losses]
    found.layers = list(_layers(run.model))
    gradients = [p.grad for p in run.model.parameters() if p.grad is not None]
    found.norm = float(nn.utils.get_total_norm(gradients))
    found.examples = list(_examples(run, batches, parts, heard.outputs))
    return found


class _Heard:
    """A task whose losses are noted, and what its model returns to it."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.losses: list[tuple[Tensor, int]] = []
        self.outputs: list[Any] = []

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        loss = self._task.loss(model, batch)
        self.losses.append((loss.total.detach(), loss.count))
        return loss


@contextmanager
def _listening(model: nn.Module, found: Inspection, heard: _Heard) -> Iterator[None]:
    """Watch what every module puts out, and the gradients on their way back, while it lasts."""
    last = ["the loss"]
    hooks: list[Any] = []

    def put_out(name: str, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if module is model:
            heard.outputs.append(_detached(output))
        tensors = [one for _, one in _tensors(output) if one.is_floating_point()]
        if found.forward is None and not all(bool(one.isfinite().all()) for one in tensors):
            inputs = [Numbers.of(n, one) for n, one in _tensors((*args, kwargs))]
            found.forward = _fault(name, module, "output", inputs=inputs)
        for one in tensors:
            if one.requires_grad:
                one.register_hook(partial(came_back, name, module, "gradient of its output"))

    def came_back(name: str, module: nn.Module, where: str, gradient: Tensor) -> None:
        # Nothing is returned: that would replace the gradient.
        if found.backward is None and not bool(gradient.isfinite().all()):
            inputs = [Numbers.of("gradient", gradient)]
            found.backward = _fault(name, module, where, behind=last[0], inputs=inputs)
        last[0] = f"{name or 'the model'} ({where})"

    for name, module in model.named_modules():
        hook = partial(put_out, name)
        hooks.append(module.register_forward_hook(hook, with_kwargs=True))
        for own, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                told = partial(came_back, name, module, f"gradient of its {own}")
                hooks.append(parameter.register_hook(told))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _fault(
    name: str, module: nn.Module, where: str, *, inputs: Sequence[Numbers], behind: str = ""
) -> Fault:
    own = [Numbers.of(n, p) for n, p in module.named_parameters(recurse=False)]
    return Fault(name or "the model", type(module).__name__, where, behind, inputs, own)


def _layers(model: nn.Module) -> Iterator[tuple[str, int, float, float]]:
    for name, module in model.named_modules():
        own = [p for p in module.parameters(recurse=False) if p.grad is not None]
        if own:
            gradients = [p.grad for p in own if p.grad is not None]
            norm = float(nn.utils.get_total_norm(gradients))
            weights = float(nn.utils.get_total_norm([p.detach() for p in own]))
            yield name or "the model", sum(p.numel() for p in own), norm, weights


def _examples(
    run: Training, batches: Sequence[Batch], parts: Sequence[Batch], outputs: Sequence[Any]
) -> Iterator[Example]:
    """Yield every example with its own loss: the task's, of this example's share of the output."""
    losses: list[float | None] = []
    for part, output in zip(parts, outputs, strict=False):
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
def _losses(run: Training, part: Batch, output: Any) -> list[float | None]:
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


def _detached(output: Any) -> Any:
    return _mapped(output, Tensor.detach)


def _mapped(value: Any, function: Any) -> Any:
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


def _tensors(value: Any, name: str = "") -> Iterable[tuple[str, Tensor]]:
    """Yield the tensors in what a module takes or returns, with a name."""
    if isinstance(value, Tensor):
        yield name or "input", value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _tensors(one, str(key))
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _tensors(getattr(value, each.name), each.name)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _tensors(one, name)
