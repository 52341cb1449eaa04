"""A model as a function from tensors to tensors, which is all that compilers and exporters know."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from suite.data.recorder import Recorder
from suite.task import Batch


class Portable(nn.Module):
    """Takes the tensors that the model reads, in the order of `names`; returns those it makes.

    example: a batch on the model's device. Its counts are what the model sees of every batch, since
    no model computes with them.
    """

    def __init__(self, model: nn.Module, example: Batch) -> None:
        super().__init__()
        self.model = model
        self.names = names_read(model, example)
        self.example = replace(example, tensors={})

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Build the batch, and take the model's output apart."""
        named = dict(zip(self.names, tensors, strict=True))
        batch = Batch(named, self.example.examples, self.example.units)
        return tuple(tensors_of(self.model(batch)))


@torch.inference_mode()
def names_read(model: nn.Module, batch: Batch) -> list[str]:
    """Return the names of the tensors that a forward pass reads: a batch holds labels too."""
    recorder = Recorder(batch.tensors)
    model(replace(batch, tensors=recorder))
    return recorder.read


def tensors_of(output: Any) -> list[Tensor]:
    """Return the tensors of a model's output, however they are nested; what is None has none."""
    if isinstance(output, Tensor):
        return [output]
    if is_dataclass(output):
        parts = [getattr(output, one.name) for one in fields(output)]
    elif isinstance(output, Mapping):
        parts = list(output.values())
    elif isinstance(output, Sequence) and not isinstance(output, str):
        parts = list(output)
    else:
        parts = []
    return [tensor for part in parts for tensor in tensors_of(part)]
