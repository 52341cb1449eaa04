"""The first layer with weights that reads the input, and its weights as pictures.

Legend: O filters, C channels, H height, W width, T patches, R rows and Q columns of patches, P side
of a patch, S samples.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite.task import Batch

_KINDS = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.Embedding, nn.RNNBase)
_MOST_COLOURS = 4
"""Channels that are seen as colours; more are what a layer before made."""


@dataclass(frozen=True)
class Pictures:
    """Weights on a picture, (O, C, H, W). what: which they are, in words.

    image: the picture is an image; else a spectrogram, bands by frames.
    """

    weight_OCHW: Tensor
    what: str
    image: bool


@dataclass(frozen=True)
class Waveforms:
    """Weights on a wave, (O, S), at `sample_rate` samples per second. what: which, in words."""

    weight_OS: Tensor
    sample_rate: int
    what: str


def first_layer(model: nn.Module, batch: Batch) -> Pictures | Waveforms | None:
    """Return what the first layer weighs; None where that is no picture and no sound.

    batch: of the task, to see in which order layers are called. A multilayer perceptron over a
    whole image in patches is told with its projection of patches: what a unit weighs of the image.
    """
    called = _called(model, batch)
    if not called:
        return None
    name, first = called[0]
    stem = getattr(model, "stem", None)
    if isinstance(first, nn.Conv1d) and first.in_channels == 1:
        rate = getattr(stem, "sample_rate", None)
        weight_OS = first.weight.detach()[:, 0]
        return None if rate is None else Waveforms(weight_OS, int(rate), f"filters of {name}")
    image = "pixels_BCHW" in batch
    if isinstance(first, nn.Conv2d):
        weight_OCHW = F.pixel_shuffle(first.weight.detach(), int(getattr(stem, "fold", 1)))
        side = "x".join(map(str, weight_OCHW.shape[2:]))
        fits = weight_OCHW.shape[1] <= _MOST_COLOURS and min(weight_OCHW.shape[2:]) > 1
        return Pictures(weight_OCHW, f"{side} kernels of {name}", image) if fits else None
    if isinstance(first, nn.Linear) and image:
        return _patches(called, batch)
    return None


def _called(model: nn.Module, batch: Batch) -> list[tuple[str, nn.Module]]:
    """Return the layers with weights, by name, in the order in which a forward pass calls them."""
    called: list[tuple[str, nn.Module]] = []
    handles = []
    for name, module in model.named_modules():
        if isinstance(module, _KINDS):

            def note(module: nn.Module, _inputs: Any, name: str = name) -> None:
                called.append((name, module))

            handles.append(module.register_forward_pre_hook(note))
    try:
        with torch.no_grad():
            model(batch)
    finally:
        for handle in handles:
            handle.remove()
    return called


def _patches(called: list[tuple[str, nn.Module]], batch: Batch) -> Pictures | None:
    name, first = called[0]
    assert isinstance(first, nn.Linear)
    channels, height, width = batch["pixels_BCHW"].shape[1:]
    side = math.isqrt(first.in_features // channels)
    if channels * side * side != first.in_features or not 0 < side <= max(height, width):
        return None
    patch_OCPP = first.weight.detach().unflatten(1, (channels, side, side))
    rows, columns = -(-height // side), -(-width // side)
    second_name, second = called[1] if len(called) > 1 else ("", None)
    whole = rows * columns * first.out_features
    if isinstance(second, nn.Linear) and second.in_features == whole and rows * columns > 1:
        read_ORQD = second.weight.detach().unflatten(1, (rows, columns, first.out_features))
        weight = torch.einsum("orqd,dcyx->ocryqx", read_ORQD, patch_OCPP)
        weight_OCHW = weight.reshape(len(weight), channels, rows * side, columns * side)
        what = f"units of {second_name} on the whole image, through {name}"
        return Pictures(weight_OCHW[..., :height, :width], what, True)
    return Pictures(patch_OCPP, f"{side}x{side} patches of {name}", True)
