"""A model as a function of what its stem offers: of numbers, where pixels and tokens are none.

Legend: B batch, C channels, H rows, W columns, T positions, D features, S samples, K classes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from suite import features
from suite.task import Batch

_VALUES = {
    features.Grid: "values_BCHW",
    features.Sequence: "values_BTD",
    features.Wave: "values_BS",
}


@dataclass(frozen=True)
class Offered:
    """What a stem offers of a batch: values with slopes, and tensors of B rows beside them.

    real: True where values are no padding, of the shape of `values` without features: (B, W) of a
    grid, (B, T), or (B, S). kind: of the form. Of tokens the values are their embeddings.
    """

    values: Tensor
    beside: tuple[Tensor | None, ...]
    real: Tensor
    kind: type


class FromStem(nn.Module):
    """Backbone and head: logits (B, K) of what the stem offers."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.stem: Any = model.stem
        self.backbone: Any = model.backbone
        self.head: Any = model.head

    def offer(self, batch: Batch) -> Offered:
        """Return what the stem offers of a batch, as numbers."""
        with torch.no_grad():
            form = self.stem(batch)
            kind = type(form)
            if kind is features.Tokens:
                values = self._embedding()(form.ids_BT)
                return Offered(values, (form.ids_BT, form.mask_BT), form.mask_BT, kind)
        values = getattr(form, _VALUES[kind])
        if kind is features.Wave:
            real = features.length_mask(form.length_B, values.shape[1])
            return Offered(values, (form.length_B,), real, kind)
        mask = form.mask_BW if kind is features.Grid else form.mask_BT
        positions = values.shape[3] if kind is features.Grid else values.shape[1]
        real = values.new_ones(len(values), positions).bool() if mask is None else mask
        return Offered(values, (mask,), real, kind)

    def forward(self, values: Tensor, kind: type, *beside: Tensor | None) -> Tensor:
        """Return logits (B, K) of values that `offer` gave, or others in their place."""
        if kind is features.Tokens:
            ids_BT, mask_BT = beside
            assert ids_BT is not None
            assert mask_BT is not None
            with self._embedded(values):
                hidden = self.backbone(features.Tokens(ids_BT, mask_BT))
        else:
            hidden = self.backbone(kind(values, *beside))
        logits_BK: Tensor = self.head(hidden)
        return logits_BK

    def _embedding(self) -> nn.Module:
        return next(m for m in self.backbone.modules() if isinstance(m, nn.Embedding))

    @contextmanager
    def _embedded(self, values: Tensor) -> Iterator[None]:
        """Let tokens be embedded as these values."""
        handle = self._embedding().register_forward_hook(lambda *_: values)
        try:
            yield
        finally:
            handle.remove()


def picture(attribution: Tensor, fold: int) -> Tensor:
    """Return an attribution of one example as a picture (H, W): summed over what is no place.

    Blocks that a grid has as channels are laid out again. A sequence is one row, as is a wave.
    """
    if attribution.ndim == 3:
        unfolds = fold > 1 and not len(attribution) % fold**2
        laid_out = nn.functional.pixel_shuffle(attribution, fold) if unfolds else attribution
        return laid_out.sum(0)
    return (attribution.sum(1) if attribution.ndim == 2 else attribution)[None]


def only(offered: Offered, place: int) -> Offered:
    """Return what is offered of one example of the batch, as a batch."""
    beside = tuple(
        None if tensor is None else tensor[place : place + 1] for tensor in offered.beside
    )
    return replace(
        offered,
        values=offered.values[place : place + 1],
        real=offered.real[place : place + 1],
        beside=beside,
    )
