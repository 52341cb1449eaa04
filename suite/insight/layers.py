"""What a network's layers hold of examples: one vector for each example and layer.

Layers are the stem's output, every hidden layer (`Backbone.hidden_layers`), and the backbone's
output. They differ in shape, and examples in length, so each is averaged over a few parts of what
is real of an example: quarters of a sequence, four by four fields of a grid. More than one part
keeps where something is, which the first layers of a network would otherwise seem not to know.

Legend: N examples, B batch, T positions, D features, C channels, H height, W width, P parts.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suite import features
from suite.classification import DataSetTask
from suite.features import Backbone
from suite.task import Batch, Split

PARTS = 4
"""Parts along each axis."""
_AT_ONCE = 128
"""Examples of a batch."""
_CHANNELS_LAST = ("LayerNorm", "PatchMerging", "PatchMergingV2", "SwinTransformerBlock",
                  "SwinTransformerBlockV2")  # fmt: skip
"""torchvision's modules that put out (B, H, W, C)."""
_TIME_FIRST = ("ConformerLayer",)
"""torchaudio's modules that put out (T, B, D)."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer and what it holds. depth: 0 at the stem, 1 at the output. values_ND: float32."""

    name: str
    depth: float
    values_ND: NDArray[np.float32]


def choose(task: DataSetTask, split: Split, most: int, *, seed: int = 0) -> list[int]:
    """Return at most `most` examples of a split by index, drawn once and for all, in order."""
    count = len(task.data.splits[split])
    drawn = np.random.default_rng(seed).permutation(count)[:most]
    return [int(i) for i in np.sort(drawn)]


def activations(
    model: nn.Module, task: DataSetTask, split: Split, indices: Sequence[int]
) -> list[Layer]:
    """Return what every layer of the model holds of these examples, from input to output.

    Empty for a model that is not made of stem, backbone and head.
    """
    watched = places(model)
    if not watched:
        return []
    length_N = task.data.splits[split].length_N
    order = np.arange(len(indices))
    if length_N is not None:  # examples of one length beside each other: less padding to compute
        order = np.argsort(length_N[torch.as_tensor(indices)].numpy(), kind="stable")
    found: dict[str, list[NDArray[np.float32]]] = {}
    for start in range(0, len(order), _AT_ONCE):
        batch = task.take(split, [indices[i] for i in order[start : start + _AT_ONCE]])
        for name, values_BD in pooled(model, batch, watched).items():
            found.setdefault(name, []).append(values_BD.float().cpu().numpy())
    back = np.argsort(order, kind="stable")
    last = max(len(found) - 1, 1)
    return [
        Layer(name=name, depth=at / last, values_ND=np.concatenate(values)[back])
        for at, (name, values) in enumerate(found.items())
    ]


def places(model: nn.Module) -> Mapping[str, Sequence[nn.Module]]:
    """Return the modules of each layer by its name, from input to output; none of another model.

    A layer may be several modules: two directions of an LSTM, a convolution and its norm.
    """
    stem, backbone = getattr(model, "stem", None), getattr(model, "backbone", None)
    if not isinstance(stem, nn.Module) or not isinstance(backbone, Backbone):
        return {}
    named: dict[str, Sequence[nn.Module]] = {"stem": [stem]}
    hidden = [layer for layer in backbone.hidden_layers() if layer is not backbone]
    for number, layer in enumerate(hidden, 1):
        named[f"layer {number}"] = list(layer) if isinstance(layer, nn.ModuleList) else [layer]
    return {**named, "output": [backbone]}


@torch.inference_mode()
def pooled(
    model: nn.Module, batch: Batch, watched: Mapping[str, Sequence[nn.Module]]
) -> dict[str, Tensor]:
    """Return what each layer holds of a batch, (B, D) by name.

    A stem that offers tokens holds their embeddings; one that offers waves holds nothing yet.
    """
    kept: dict[int, Any] = {}
    embedding = next((m for m in model.modules() if isinstance(m, nn.Embedding)), None)
    stem = watched["stem"][0]

    def keep(module: nn.Module, output: Any) -> None:
        if id(module) in kept:  # called again: for a mirror image, say
            return
        if module is not stem and isinstance(kept.get(id(stem)), features.Grid):
            # Grids are large, and know their masks: all layers of a batch may not fit in memory.
            masks = masks_of([kept[id(stem)]])
            output = _Pooled(_pool(module, output, batch.examples, masks))
        kept[id(module)] = output

    modules = [module for parts in watched.values() for module in parts]
    with _told(keep, [*modules, *([embedding] if embedding is not None else [])]):
        model(batch)
    masks = masks_of([kept.get(id(watched[name][0])) for name in ("stem", "output")])
    found: dict[str, Tensor] = {}
    for name, parts in watched.items():
        if name == "stem" and isinstance(kept[id(stem)], features.Tokens) and embedding is not None:
            parts = [embedding]
        told = [(part, kept[id(part)]) for part in parts if id(part) in kept]
        if len({type(part) for part in parts}) > 1:
            told = told[-1:]  # one after the other; those of one type lie side by side
        held = [_pool(part, output, batch.examples, masks) for part, output in told]
        whole = [values_BD for values_BD in held if values_BD is not None]
        if whole:
            found[name] = torch.cat(whole, 1)
    return found


@dataclass(frozen=True)
class _Pooled:
    """A module's output that is pooled already."""

    values_BD: Tensor | None


@contextmanager
def _told(keep: Callable[[nn.Module, Any], None], modules: Sequence[nn.Module]) -> Iterator[None]:
    """Have `keep` told of what modules put out."""

    def hook(module: nn.Module, _inputs: Any, output: Any) -> None:
        keep(module, output)

    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def masks_of(outputs: Iterable[Any]) -> dict[int, Tensor]:
    """Return the masks (B, T) that are known of a batch, by T."""
    found: dict[int, Tensor] = {}
    for output in outputs:
        mask = getattr(output, "mask_BT", None)
        mask = getattr(output, "mask_BW", None) if mask is None else mask
        if mask is not None:
            found.setdefault(mask.shape[1], mask)
    return found


def _pool(
    module: nn.Module, output: Any, examples: int, masks: Mapping[int, Tensor]
) -> Tensor | None:
    """Return (B, D) of whatever a module puts out; None where that are no features."""
    if isinstance(output, _Pooled):
        return output.values_BD
    if isinstance(output, features.Sequence):
        return parts_of_sequence(output.values_BTD, output.mask_BT)
    if isinstance(output, features.Grid):
        return parts_of_grid(output.values_BCHW, output.mask_BW)
    mask: Tensor | None = None
    if isinstance(output, Mapping):  # what the transformers library returns
        output = output.get("last_hidden_state", next(iter(output.values())))
    if isinstance(output, tuple):
        second = output[1] if len(output) > 1 else None
        mask = second if isinstance(second, Tensor) and second.dtype is torch.bool else None
        output = output[0]
    if not isinstance(output, Tensor) or not output.is_floating_point():
        return None
    if type(module).__name__ in _TIME_FIRST and output.ndim == 3:
        output = output.transpose(0, 1)
    if type(module).__name__ in _CHANNELS_LAST and output.ndim == 4:
        output = output.permute(0, 3, 1, 2)
    if len(output) != examples or output.ndim not in (2, 3, 4):
        return None
    if output.ndim == 2:
        vector_BD: Tensor = output
        return vector_BD
    if mask is None:
        mask = masks.get(output.shape[1 if output.ndim == 3 else 3])
    if output.ndim == 3:
        return parts_of_sequence(output, mask)
    return parts_of_grid(output, mask)


def parts_of_sequence(values_BTD: Tensor, mask_BT: Tensor | None) -> Tensor:
    """Average the real positions of each part of each example: (B, T, D) -> (B, P * D).

    Parts are as in adaptive pooling: part p of n positions goes from floor(p n / P) up to
    ceil((p + 1) n / P), so that each has a position, and neighbours share one where they must.
    """
    if mask_BT is None:
        mask_BT = torch.ones(values_BTD.shape[:2], dtype=torch.bool, device=values_BTD.device)
        count = min(PARTS, values_BTD.shape[1])
    else:
        count = PARTS
    real_BT1 = mask_BT.unsqueeze(-1)
    # Whatever padding holds, be it not finite, must not enter a product.
    values_BTD = values_BTD.float().masked_fill(~real_BT1, 0)
    length_B11 = mask_BT.sum(1)[:, None, None]
    rank_B1T = (mask_BT.cumsum(1) - 1).unsqueeze(1)
    part_P1 = torch.arange(count, device=mask_BT.device)[:, None]
    first_BP1 = part_P1 * length_B11 // count
    end_BP1 = -(-(part_P1 + 1) * length_B11 // count)
    member_BPT = (rank_B1T >= first_BP1) & (rank_B1T < end_BP1) & mask_BT.unsqueeze(1)
    weight_BPT = member_BPT.float() / member_BPT.sum(2, keepdim=True).clamp(min=1)
    return (weight_BPT @ values_BTD).flatten(1)


def parts_of_grid(values_BCHW: Tensor, mask_BW: Tensor | None) -> Tensor:
    """Average the real columns of each field of a grid: (B, C, H, W) -> (B, fields * C)."""
    rows = min(PARTS, values_BCHW.shape[2])
    if mask_BW is not None:
        values_BCHW = values_BCHW.masked_fill(~mask_BW[:, None, None, :], 0)
    height = values_BCHW.shape[2]
    bands = [
        values_BCHW[:, :, p * height // rows : -(-(p + 1) * height // rows)].float().mean(2)
        for p in range(rows)
    ]
    return parts_of_sequence(torch.cat(bands, 1).transpose(1, 2), mask_BW)
