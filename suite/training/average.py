"""Exponential moving average of weights (Polyak and Juditsky 1992; Tarvainen and Valpola 2017)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


class Average:
    """Averages what is trained, and buffers; `applied` puts it into the model for a while.

    The decay starts low, min(decay, (1 + n) / (10 + n)) after n updates, so that the first weights
    are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float | None) -> None:
        self.decay = decay
        self.updates = 0
        self._live = averaged(model) if decay is not None else []
        self._mean = [tensor.clone() for tensor in self._live]
        # Weights that are shared out are of another type than buffers, and no kernel takes both.
        kinds = {type(tensor) for tensor in self._live}
        self._pairs = [
            [pair for pair in zip(self._mean, self._live, strict=True) if type(pair[1]) is kind]
            for kind in kinds
        ]

    @torch.no_grad()
    def update(self) -> None:
        """Take the model's weights into the average."""
        if self.decay is None:
            return
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for pairs in self._pairs:
            means, lives = zip(*pairs, strict=True)
            torch._foreach_lerp_(means, lives, 1 - decay)
        self.updates += 1

    def state_dict(self) -> dict[str, Any]:
        """Return the average and how many updates it is of."""
        return {"updates": self.updates, "mean": self._mean}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.updates = state["updates"]
        for mean, kept in zip(self._mean, state["mean"], strict=True):
            mean.copy_(kept)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Exchange the model's weights with the average inside the context."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for live, mean in zip(self._live, self._mean, strict=True):
            kept = live.clone()
            live.copy_(mean)
            mean.copy_(kept)


def averaged(model: nn.Module) -> list[Tensor]:
    """Return the tensors of a model that an average is taken of."""
    tensors = [p.detach() for p in model.parameters() if p.requires_grad] + list(model.buffers())
    return [tensor for tensor in tensors if tensor.is_floating_point()]
