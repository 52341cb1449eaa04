"""Computing in float64 what was written for float32.

Losses, spectrograms and library models ask for float32 by name. For what takes differences of
losses that is too coarse: six digits of a loss leave none of a small difference.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

from suite.task import Batch


@contextmanager
def in_double() -> Iterator[None]:
    """Have every torch function inside the context return float64 where it would float32.

    Attention is written out, as its fused kernels have no second derivative.
    """
    with sdpa_kernel(SDPBackend.MATH), _Double():
        yield


def doubled(model: nn.Module) -> nn.Module:
    """Return a copy of a model with weights and buffers in float64."""
    return deepcopy(model).double()


def doubled_batch(batch: Batch) -> Batch:
    """Return the batch with what is a floating-point number in float64."""
    tensors = {
        name: tensor.double() if tensor.is_floating_point() else tensor
        for name, tensor in batch.tensors.items()
    }
    return replace(batch, tensors=tensors)


class _Double(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is Tensor.float:
            func = Tensor.double
        wider = {key: _wider_type(value) for key, value in (kwargs or {}).items()}
        return _wider(func(*map(_wider_type, args), **wider))


def _wider_type(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value


def _wider(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.double() if value.dtype is torch.float32 else value
    if type(value) in (tuple, list):
        return type(value)(map(_wider, value))
    return value
