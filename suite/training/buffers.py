"""A model's buffers (running means) as they were before a step that is to leave no trace.

A forward pass changes them; weights change only behind the backward pass.
"""

import torch
from torch import nn


class Buffers:
    """Keeps the buffers of a model. It costs a copy of them at every step."""

    def __init__(self, model: nn.Module) -> None:
        self._live = list(model.buffers())
        self._kept = [buffer.clone() for buffer in self._live]

    @torch.no_grad()
    def keep(self) -> None:
        """Remember them as they are."""
        for kept, live in zip(self._kept, self._live, strict=True):
            kept.copy_(live)

    @torch.no_grad()
    def put_back(self) -> None:
        """Bring them back to what was kept."""
        for kept, live in zip(self._kept, self._live, strict=True):
            live.copy_(kept)
