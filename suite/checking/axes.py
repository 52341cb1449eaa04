"""Tensors have the axes that their names declare, each of one size, and the right types."""

from itertools import islice

import torch
from torch import Tensor

from suite.checking.check import Broken, Check
from suite.checking.naming import axes_of, is_key, is_label
from suite.checking.subject import LOOKED_AT, Subject
from suite.classification import Classification
from suite.task import Batch, Split

_NUMBERS = (torch.int64, torch.float32)


def _look(subject: Subject) -> str:
    for batch in subject.batches:
        _check_batch(subject, batch, "train_batches")
    for batch in islice(subject.task.eval_batches(Split.VALIDATION), LOOKED_AT):
        _check_batch(subject, batch, "eval_batches")
    first = subject.first_batch()
    return ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in first.items())


def _check_batch(subject: Subject, batch: object, method: str) -> None:
    if not isinstance(batch, Batch) or not len(batch):
        what = f"a {type(batch).__name__}" if not isinstance(batch, Batch) else "an empty batch"
        raise Broken(f"yields {what}", at=method, mend="yield suite.Batch(tensors, examples, …)")
    sizes: dict[str, int] = {}
    classes = isinstance(subject.task, Classification)
    for name, tensor in batch.items():
        found = _shaped(name, tensor, sizes) or _typed(name, tensor, classes)
        place = tensor.device.type
        if not found and place != subject.setup.device.type:
            found = f"is on {place}, not on {subject.setup.device}", "move it to setup.device"
        if found:
            raise Broken(f"{name}: {found[0]}", at=method, mend=found[1])


def _shaped(name: str, tensor: Tensor, sizes: dict[str, int]) -> tuple[str, str] | None:
    """Return what is wrong with a tensor's axes, and how to mend it. sizes: of those seen."""
    axes, shape = axes_of(name), tuple(tensor.shape)
    if not axes.isupper() or not axes.startswith("B"):
        return "must end in its axes, as pixels_BCHW; B comes first", "rename it"
    if len(axes) != len(shape):
        return f"has shape {shape}, not axes {axes}", "name an axis for each dimension"
    for axis, size in zip(axes, shape, strict=True):
        known = sizes.setdefault(axis, size)
        if known != size:
            mend = "a letter is one size: take another letter, or mend the size"
            return f"axis {axis} is {size}, elsewhere {known}", mend
    return None


def _typed(name: str, tensor: Tensor, classes: bool) -> tuple[str, str] | None:
    """Return what is wrong with a tensor's type, and how to mend it. classes: labels are such."""
    counts = is_key(name) or "length" in name.split("_")
    if (counts or (classes and is_label(name))) and tensor.dtype is not torch.int64:
        return f"is {tensor.dtype}, must be torch.int64", "convert it where data opens"
    if is_label(name) and tensor.dtype not in _NUMBERS:
        rule = "must be torch.int64 (a class) or torch.float32 (a number)"
        return f"is {tensor.dtype}, {rule}", "convert it where data opens"
    return None


AXES = Check(
    name="axes",
    looks_for="shapes, types and devices as the names of tensors declare",
    look=_look,
    needs=("opens",),
)
