"""A model's buffers (running means) as they were before a step that is to leave no trace.

A forward pass changes them, and some batch normalisation reads them in training; weights change
only behind the backward pass.
"""

import torch
from torch import Tensor, nn


class Buffers:
    """Keeps the buffers of a model: a copy at every step, of what is small beside its weights."""

    def __init__(self, model: nn.Module) -> None:
        by_type: dict[torch.dtype, list[Tensor]] = {}
        for buffer in model.buffers():
            by_type.setdefault(buffer.dtype, []).append(buffer)
        # One kernel copies many tensors of one type.
        self._live = list(by_type.values())
        self._kept = [[buffer.clone() for buffer in several] for several in self._live]

    @torch.no_grad()
    def keep(self) -> None:
        """Remember them as they are."""
        for kept, live in zip(self._kept, self._live, strict=True):
            torch._foreach_copy_(kept, live)

    @torch.no_grad()
    def put_back(self) -> None:
        """Bring them back to what was kept."""
        for kept, live in zip(self._kept, self._live, strict=True):
            torch._foreach_copy_(live, kept)
