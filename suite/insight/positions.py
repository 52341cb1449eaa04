"""What layers put out at every position, and how much of the input a position depends on.

Legend: B batch, P positions (rows * columns), D features, H rows, W columns.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from suite import features
from suite.insight.layers import masks_of, places
from suite.task import Batch

_TIME_FIRST = ("ConformerLayer",)
_CHANNELS_LAST = ("SwinTransformerBlock", "SwinTransformerBlockV2", "PatchMerging",
                  "PatchMergingV2", "LayerNorm")  # fmt: skip
_FELT = 0.05
"""Share of the largest slope from which on an input counts as seen (an effective receptive field,
Luo et al. 2016)."""


@dataclass(frozen=True)
class Positions:
    """A layer's output, (B, P, D), and which positions are real, (B, P) of bool."""

    values_BPD: Tensor
    mask_BP: Tensor
    rows: int
    columns: int


@dataclass(frozen=True)
class Reach:
    """What a position sees: rows and columns of the stem's output, ends excluded, of so many."""

    top: int
    bottom: int
    left: int
    right: int
    rows: int
    columns: int


def watched(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers to watch by name: where several make one, the one to take for it.

    Of an LSTM's directions the one that reads forwards, whose positions are the input's; of parts
    that follow each other, the last.
    """
    found = {}
    for name, parts in places(model).items():
        same = len({type(part) for part in parts}) == 1
        found[name] = parts[0] if same else parts[-1]
    return found


def read(model: nn.Module, batch: Batch) -> dict[str, Positions]:
    """Return what each layer puts out, by name; what holds no features is left out."""
    modules = watched(model)
    kept: dict[str, Any] = {}
    with keeping(modules, kept):
        model(batch)
    masks = masks_of(kept.values())
    found = {}
    for name, module in modules.items():
        one = positions_of(module, kept.get(name), batch.examples, masks)
        if one is not None:
            found[name] = one
    return found


def reach(model: nn.Module, batch: Batch, layer: str, unit: int, position: int) -> Reach | None:
    """Return what of the stem's output a unit of a layer depends on at a position.

    batch: one example. By the slopes of the unit: where they are above a twentieth of the largest.
    None where the stem offers numbers of tokens.
    """
    module = watched(model)[layer]
    with torch.no_grad():
        offered = model.stem(batch)  # type: ignore[operator]
    if isinstance(offered, features.Tokens):
        return None
    name = "values_BCHW" if isinstance(offered, features.Grid) else "values_BTD"
    name = "values_BS" if isinstance(offered, features.Wave) else name
    leaf = getattr(offered, name).detach().requires_grad_()
    kept: dict[str, Any] = {}
    # cuDNN has no backward pass of a recurrent network in evaluation mode.
    with keeping({layer: module}, kept), torch.backends.cudnn.flags(enabled=False):
        output = model.backbone(replace(offered, **{name: leaf}))  # type: ignore[operator]
    if layer == "stem":
        kept["stem"] = replace(offered, **{name: leaf})
    elif layer == "output":
        kept["output"] = output
    one = positions_of(module, kept[layer], 1, {})
    if one is None:
        return None
    slope = torch.autograd.grad(one.values_BPD[0, position, unit], leaf)[0][0].abs()
    if name == "values_BCHW":
        slope_HW = slope.sum(0)
    else:
        slope_HW = (slope.sum(1) if slope.ndim == 2 else slope)[None]
    felt_HW = slope_HW >= _FELT * slope_HW.max().clamp(min=1e-30)
    if not felt_HW.any():
        return None
    row, column = felt_HW.any(1).nonzero()[:, 0], felt_HW.any(0).nonzero()[:, 0]
    height, width = felt_HW.shape
    ends = (int(row[0]), int(row[-1]) + 1, int(column[0]), int(column[-1]) + 1)
    return Reach(*ends, height, width)


@contextmanager
def keeping(modules: Mapping[str, nn.Module], kept: dict[str, Any]) -> Iterator[None]:
    """Keep what modules put out, by name; of one that is called again, the first."""

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            kept.setdefault(name, output)

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def positions_of(
    module: nn.Module, output: Any, examples: int, masks: Mapping[int, Tensor]
) -> Positions | None:
    """Return an output as positions, whatever its form; None where it is none of features.

    masks: (B, T) of bool that are known, by T, for outputs that come without.
    """
    mask: Tensor | None = None
    if isinstance(output, features.Sequence):
        output, mask = output.values_BTD, output.mask_BT
    elif isinstance(output, features.Grid):
        output, mask = output.values_BCHW, output.mask_BW
    elif isinstance(output, Mapping):
        output = output.get("last_hidden_state", next(iter(output.values())))
    elif isinstance(output, tuple):
        second = output[1] if len(output) > 1 else None
        mask = second if isinstance(second, Tensor) and second.dtype is torch.bool else None
        output = output[0]
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return None
    kind = type(module).__name__
    if output.ndim == 3 and kind in _TIME_FIRST:
        output = output.transpose(0, 1)
    if output.ndim == 4 and kind in _CHANNELS_LAST:
        output = output.permute(0, 3, 1, 2)
    if len(output) != examples or output.ndim not in (2, 3, 4):
        return None
    if output.ndim == 2:
        output = output.unsqueeze(1)
    rows = output.shape[2] if output.ndim == 4 else 1
    columns = output.shape[3] if output.ndim == 4 else output.shape[1]
    values_BPD = output.flatten(2).transpose(1, 2) if output.ndim == 4 else output
    if mask is None:
        mask = masks.get(columns)
    if mask is None:
        mask = torch.ones(examples, columns, dtype=torch.bool, device=output.device)
    return Positions(values_BPD, mask.repeat(1, rows), rows, columns)
