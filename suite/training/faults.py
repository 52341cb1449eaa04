"""The first module of a pass that a number stops being finite in, forward and backward."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn


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


@dataclass
class Faults:
    """The first of a forward pass, and the first of a backward pass; None where there is none."""

    forward: Fault | None = None
    backward: Fault | None = None


@contextmanager
def listening(model: nn.Module, said: Callable[[Any], None]) -> Iterator[Faults]:
    """Watch what every module puts out, and the gradients on their way back, while it lasts.

    said: told what the model itself returns.
    """
    found = Faults()
    last = ["the loss"]
    hooks: list[Any] = []

    def put_out(name: str, module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        if module is model:
            said(output)
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
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _fault(
    name: str, module: nn.Module, where: str, *, inputs: Sequence[Numbers], behind: str = ""
) -> Fault:
    own = [Numbers.of(n, p) for n, p in module.named_parameters(recurse=False)]
    return Fault(name or "the model", type(module).__name__, where, behind, inputs, own)


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
