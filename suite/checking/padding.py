"""Masks mask: more padding, and other values in it, change nothing.

The samples of a wave (S) stay zero there: silence is what a wave goes on with, and the last frame
of a spectrogram reaches into it.

Legend: B batch, T positions.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from suite.checking.batch_size import close
from suite.checking.check import Broken, Check, DoesNotApply
from suite.checking.naming import GROWS, axes_of, is_label
from suite.checking.subject import Subject
from suite.task import Batch, Split

_MORE = 7
"""Positions of padding that are added."""
_FILLED = "TL"
"""Axes along which padding may hold anything."""


def _look(subject: Subject) -> str:
    task, model = subject.task, subject.model.eval()
    batches = list(task.eval_batches(Split.VALIDATION))
    batch = batches[len(batches) // 2]
    names = padded_names(batch)
    if not names:
        raise DoesNotApply("no tensor is padded to the longest of lengths in length_B")
    changed = {
        "more padding": padded(batch),
        "other values in the padding": filled(padded(batch)),
    }
    with torch.no_grad():
        plain = float(task.evaluate(model, batch, task.metrics()).total)
        for how, other in changed.items():
            value = float(task.evaluate(model, other, task.metrics()).total)
            if not close(plain, value):
                raise Broken(
                    f"model: padding changes the loss from {plain} to {value} ({how} of "
                    f"{', '.join(names)})",
                    at="build_model",
                    mend="mask by length_B (suite.length_mask) in stem, pooling and normalisation",
                )
    return f"{', '.join(names)}: more padding, and what is in it, change nothing"


def padded_names(batch: Batch) -> list[str]:
    """Return the tensors that are padded to their longest example."""
    longest = {int(v.max()) for v in _lengths(batch).values()}
    return [
        name
        for name, tensor in batch.items()
        if axes_of(name)[-1] in GROWS and tensor.ndim > 1 and tensor.shape[-1] in longest
    ]


def padded(batch: Batch) -> Batch:
    """Return the batch with more padding wherever it pads to the longest."""
    more = {
        name: nn.functional.pad(batch[name], (0, _more(name, batch[name].shape[-1])))
        for name in padded_names(batch)
    }
    return replace(batch, tensors={**batch.tensors, **more})


def _more(name: str, longest: int) -> int:
    """Return how many positions to add: of samples whole frames, of others a few."""
    return longest // 4 + _MORE if axes_of(name)[-1] == "S" else _MORE


def filled(batch: Batch) -> Batch:
    """Return a batch whose padding holds other values, such as real ones are.

    Labels stay: what is no label may be told by a value there.
    """
    changed = {}
    for name, tensor in batch.items():
        length_B = _length_of(name, tensor, batch)
        if length_B is None or is_label(name):
            continue
        place_T = torch.arange(tensor.shape[-1])
        real_BT = place_T < length_B.reshape(-1, *[1] * (tensor.ndim - 1))
        # Its own first values, behind the longest example: real ones in strange places.
        own = tensor.roll(int(length_B.max()), -1)
        changed[name] = torch.where(real_BT.expand_as(tensor), tensor, _other(own, tensor))
    return replace(batch, tensors={**batch.tensors, **changed})


def _other(own: Tensor, tensor: Tensor) -> Tensor:
    """Return values of the tensor's kind, none of them zero where it has others."""
    largest = tensor.max()
    return torch.where(own == 0, largest.expand_as(own), own)


def _lengths(batch: Batch) -> dict[str, Tensor]:
    return {k: v for k, v in batch.items() if "length" in k and k.endswith("_B")}


def _length_of(name: str, tensor: Tensor, batch: Batch) -> Tensor | None:
    """Return the lengths that a padded tensor's examples have; None where that is not plain."""
    if tensor.ndim < 2 or axes_of(name)[-1] not in _FILLED:
        return None
    fits = {k: v for k, v in _lengths(batch).items() if int(v.max()) + _MORE == tensor.shape[-1]}
    stem = name.rpartition("_")[0].rstrip("s")
    own = [v for k, v in fits.items() if k.startswith(stem)]
    found = own or list(fits.values())
    return found[0] if len(found) == 1 else None


PADDING = Check(
    name="padding",
    looks_for="amount and values of padding change nothing",
    look=_look,
    needs=("opens", "repeatable"),
)
