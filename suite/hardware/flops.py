"""Counts floating-point operations and describes a model layer by layer.

torch's counter gives zero, without a word, for what has no registered formula: attention on the CPU
and LSTMs among them. Their formulas are here. A multiplication with an addition counts as two.

Legend: B batch, T positions, N heads, E features of a head, D inputs, H hidden features.
"""

from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from suite.features import Grid, Sequence, Tokens, Wave
from suite.task import Batch

_aten = torch.ops.aten


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One row of the layer table. `flops` are those of a forward pass of one example."""

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    flops: int


def count_flops(model: nn.Module, batch: Batch) -> int:
    """Return the FLOPs of a forward pass of the whole batch."""
    with _counting(model) as counter, torch.no_grad():
        model(batch)
    return counter.get_total_flops()


def describe_layers(model: nn.Module, batch: Batch) -> list[Layer]:
    """Return a row for each module with parameters or operations of its own, and for each leaf."""
    shapes: dict[str, tuple[int, ...]] = {}
    names = {module: name for name, module in model.named_modules() if name}

    def note_shape(module: nn.Module, _: Any, output: Any) -> None:
        shapes.setdefault(names[module], _shape(output))

    handles = [module.register_forward_hook(note_shape) for module in names]
    try:
        with _counting(model) as counter, torch.no_grad():
            model(batch)
    finally:
        for handle in handles:
            handle.remove()
    root = type(model).__name__
    counts = counter.get_flop_counts()
    within = {name: sum(counts.get(f"{root}.{name}", {}).values()) for name in shapes}
    flops = dict(within)
    for name, inner in within.items():
        enclosing = _enclosing(name, shapes)
        if enclosing:
            flops[enclosing] -= inner
    rows = []
    for module, name in names.items():
        own = sum(p.numel() for p in module.parameters(recurse=False))
        if name in shapes and (own or flops[name] or not any(module.children())):
            rows.append(
                Layer(
                    name=name,
                    kind=type(module).__name__,
                    shape=shapes[name],
                    parameters=own,
                    flops=flops[name] // batch.examples,
                )
            )
    return rows


def _enclosing(name: str, called: Container[str]) -> str:
    """Return the module that this one was called in; lists of modules are not called."""
    parent = name.rpartition(".")[0]
    while parent and parent not in called:
        parent = parent.rpartition(".")[0]
    return parent


@contextmanager
def _counting(model: nn.Module) -> Iterator[FlopCounterMode]:
    """Count in evaluation mode: what training adds at random is not the model's work."""
    training = model.training
    fast = torch.backends.mha.get_fastpath_enabled()
    model.eval()
    try:
        # Attention on its fast path is one operation without a formula.
        torch.backends.mha.set_fastpath_enabled(False)
        with FlopCounterMode(display=False, custom_mapping=_FORMULAS) as counter:
            yield counter
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        model.train(training)


def _shape(output: Any) -> tuple[int, ...]:
    while isinstance(output, (Mapping, tuple, list)) and output:  # as transformers returns it
        output = next(iter(output.values() if isinstance(output, Mapping) else output))
    if isinstance(output, Sequence):
        output = output.values_BTD
    if isinstance(output, Grid):
        output = output.values_BCHW
    if isinstance(output, Tokens):
        output = output.ids_BT
    if isinstance(output, Wave):
        output = output.values_BS
    return tuple(output.shape) if isinstance(output, Tensor) else ()


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """QK^T and the weighted sum of V: 2 B N T T' E each."""
    batch, heads, queries, size = query
    keys, value_size = key[2], value[3]
    return int(2 * batch * heads * queries * keys * (size + value_size))


def _lstm_layer(inputs: Any, weight_input: Any, weight_hidden: Any, *_: Any, **__: Any) -> int:
    """Four gates from input and hidden state at every position: 2 B T 4H (D + H)."""
    positions = prod(inputs[:2])
    return int(2 * positions * (prod(weight_input) + prod(weight_hidden)))


def _lstm(inputs: Any, _state: Any, weights: Any, *_: Any, **__: Any) -> int:
    """Sum over the matrices of all layers and directions."""
    positions = prod(inputs[:2])
    return int(2 * positions * sum(prod(shape) for shape in weights if len(shape) == 2))


_FORMULAS: dict[Any, Any] = {
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten.mkldnn_rnn_layer: _lstm_layer,
    _aten.lstm: _lstm,
    _aten._cudnn_rnn: lambda inputs, weights, *_, **__: (
        2 * prod(inputs[:2]) * sum(prod(shape) for shape in weights if len(shape) == 2)
    ),
}
