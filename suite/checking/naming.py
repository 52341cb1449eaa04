"""What the names of a batch's tensors tell: axes, labels, lengths.

Legend: B batch, T positions, S samples, L symbols.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from suite.task import Batch

GROWS = "TSL"
"""Axes that a batch pads to its longest example."""


def axes_of(name: str) -> str:
    """Return the axes that a name declares: `BCHW` of `pixels_BCHW`."""
    return name.rpartition("_")[2]


def is_label(name: str) -> bool:
    """Return whether a tensor holds what is to be predicted."""
    return name.startswith(("label", "target"))


def is_key(name: str) -> bool:
    """Return whether a tensor seeds augmentation."""
    return name.startswith("key")


def labels_of(batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the labels that an example has one row of, whatever the other examples are."""
    return {
        name: tensor
        for name, tensor in batch.items()
        if is_label(name) and not set(axes_of(name)) & set(GROWS)
    }


def with_labels_of(batch: Batch, order_B: Tensor) -> Batch:
    """Return the batch in which example i has the labels of example order[i]."""
    labels = {name: tensor[order_B] for name, tensor in labels_of(batch).items()}
    return replace(batch, tensors={**batch.tensors, **labels})


def few_of(batch: Batch, count: int) -> Batch:
    """Return so many examples of a batch, of as many classes as there are among its labels."""
    classes = [v for v in labels_of(batch).values() if v.ndim == 1 and v.dtype is torch.int64]
    index_B = torch.arange(batch.examples)
    if classes:
        label_B = classes[0].cpu()
        # How many of its class are before an example: first the first of each, then the second.
        before_B = (label_B[:, None] == label_B).tril(-1).sum(1)
        index_B = before_B.argsort(stable=True)
    index_B = index_B[:count].sort().values
    share = len(index_B) / batch.examples
    tensors = {name: tensor[index_B] for name, tensor in batch.items()}
    padded = None if batch.padded_units is None else batch.padded_units * share
    return Batch(tensors, len(index_B), batch.units * share, padded)


def same(one: Batch, other: Batch, *, but_keys: bool = False) -> bool:
    """Return whether two batches hold the same tensors. but_keys: leave out those of `key_B`."""
    names = {name for name in one if not (but_keys and is_key(name))}
    others = {name for name in other if not (but_keys and is_key(name))}
    return names == others and all(torch.equal(one[name], other[name]) for name in names)
