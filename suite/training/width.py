"""The width rule: what a learning rate found at one width becomes at another.

Maximal update parametrisation (µP; Yang et al. 2022, "Tensor Programs V", table 3), relative to a
base width, at which nothing changes. Table 8 there has a multiplier behind the output layer
instead; for Adam both are the same network (their lemma J.1), and here no forward pass changes but
that of attention, whose logits are scaled by 1 / features of a head (their definition 4.1).

A parameter is told by the sides in which it has grown against the same model at the base width, by
factors `in` and `out`:

| grown        | such as                        | deviation at the start | Adam | SGD   |
|--------------|--------------------------------|------------------------|------|-------|
| in, not out  | the output layer               | / in                   | / in | / in  |
| out, not in  | the input layer, biases, gains | as at the base         | 1    | * out |
| both         | hidden layers                  | / sqrt(in)             | / in | 1     |
| neither      | the output's bias              | as at the base         | 1    | 1     |

Muon's steps have the same spectral norm at every width, times sqrt(max(1, out / in)), which is what
hidden layers ask for (Yang, Simon and Bernstein 2023, condition 1); a layer that grows on one side
only gets sqrt(out / in). What Muon leaves to AdamW goes by Adam's column.

Weight decay of a group is divided by its factor: what a weight loses in a step is the product.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.RNNBase)
"""Layers whose weights are (out, in, …). Tables of embeddings are (rows, out), as are positions."""


@dataclass(frozen=True)
class Growth:
    """How many times as large as at the base width a parameter's sides are."""

    fan_in: float = 1.0
    fan_out: float = 1.0

    @property
    def start(self) -> float:
        """Standard deviation at the start, as a share of that at the base width."""
        return 1 / self.fan_in if self.fan_out == 1 else 1 / math.sqrt(self.fan_in)

    @property
    def adam(self) -> float:
        """Learning rate of Adam as a share of the full one."""
        return 1 / self.fan_in

    @property
    def sgd(self) -> float:
        """Learning rate of gradient descent as a share of the full one."""
        return self.fan_out / self.fan_in

    def muon(self, rows: int, columns: int) -> float:
        """Learning rate of Muon as a share of the full one. rows, columns: of the matrix now."""
        now, base = rows / columns, (rows / self.fan_out) / (columns / self.fan_in)
        return math.sqrt(now / base) / math.sqrt(max(now, 1) / max(base, 1))


def widen(model: nn.Module, base: nn.Module) -> Mapping[str, Growth]:
    """Start a model as the rule has it; return how each parameter has grown, by its name.

    base: the same model at the base width, with its first weights.
    Raises `ValueError` where they have other parameters, or one other axes.
    """
    growth = dict(_growths(model, base))
    found = dict(base.named_parameters())
    layers = {name for name, _ in _weights(model)}
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name in layers:
                # Measured, as layers start by their fan-in, by their fan-out or by both.
                wanted, has = _size(found[name]) * growth[name].start, _size(parameter)
                if has > 0:
                    parameter.mul_(wanted / has)
    _scale_attention(model, base)
    return growth


def _growths(model: nn.Module, base: nn.Module) -> Iterator[tuple[str, Growth]]:
    shape = {name: parameter.shape for name, parameter in base.named_parameters()}
    layers = {name for name, _ in _weights(model)}
    for name, parameter in model.named_parameters():
        if name not in shape or len(shape[name]) != parameter.ndim:
            raise ValueError(name)
        ratios = [now / then for now, then in zip(parameter.shape, shape[name], strict=True)]
        if name in layers:
            yield name, Growth(fan_in=ratios[1], fan_out=ratios[0])
        else:
            yield name, Growth(fan_out=math.prod(ratios))


def _weights(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the weights of layers, without biases and gains."""
    for place, module in model.named_modules():
        if isinstance(module, _LAYERS):
            for name, parameter in module.named_parameters(prefix=place, recurse=False):
                if parameter.ndim >= 2:
                    yield name, parameter


def _size(parameter: Tensor) -> float:
    return float(parameter.double().square().mean().sqrt())


def _scale_attention(model: nn.Module, base: nn.Module) -> None:
    """Scale logits of attention by 1 / features, where the features of a head have grown."""
    at_base = dict(base.named_modules())
    for name, module in model.named_modules():
        if hasattr(module, "attention_scale"):
            features, before = _head_features(module), _head_features(at_base[name])
            if features != before:
                module.attention_scale = math.sqrt(before) / features


def _head_features(module: nn.Module) -> int:
    return int(module.head_features)  # type: ignore[arg-type]
