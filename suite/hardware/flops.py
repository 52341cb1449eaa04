"""Counts floating-point operations and describes a model layer by layer.

These are *model FLOPs*: what the arithmetic of the model asks for, whatever a kernel recomputes.
torch's counter gives zero, without a word, for what has no registered formula (attention on the
CPU, LSTMs and CTC among them), and too much for the backward pass of grouped convolutions and of
attention that is computed twice. Their formulas are here. A multiplication with an addition counts
as two.

Legend: B batch, T positions, N heads, E features of a head, D inputs, H hidden features, K classes,
L symbols of a transcript.
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
from suite.task import Batch, Task

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


def count_training_flops(task: Task, model: nn.Module, batch: Batch) -> int:
    """Return the FLOPs of a forward and a backward pass of the whole batch, with its loss.

    In the mode that the model is in; gradients, buffers and random numbers stay as they are.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    kept = [(buffer, buffer.clone()) for buffer in model.buffers()]
    devices = {tensor.device for tensor in batch.values() if tensor.is_cuda}
    with torch.random.fork_rng(devices=devices), _counter() as counter, torch.enable_grad():
        loss = task.loss(model, batch).total
        if loss.requires_grad:
            torch.autograd.grad(loss, trained, allow_unused=True)
    with torch.no_grad():
        for buffer, before in kept:
            buffer.copy_(before)
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
    model.eval()
    try:
        with _counter() as counter:
            yield counter
    finally:
        model.train(training)


@contextmanager
def _counter() -> Iterator[FlopCounterMode]:
    fast = torch.backends.mha.get_fastpath_enabled()
    try:
        # Attention on its fast path is one operation without a formula.
        torch.backends.mha.set_fastpath_enabled(False)
        with FlopCounterMode(display=False, custom_mapping=_FORMULAS) as counter:
            yield counter
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


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


def _cudnn_lstm(inputs: Any, weights: Any, *_: Any, **__: Any) -> int:
    return int(2 * prod(inputs[:2]) * sum(prod(shape) for shape in weights if len(shape) == 2))


def _attention_backward(
    _gradient: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any
) -> int:
    """Count a product for each factor of each of the two products forward."""
    return 2 * _attention(query, key, value)


def _convolution_backward(
    gradient: Any, inputs: Any, kernel: Any, _bias: Any, _stride: Any, _padding: Any,
    _dilation: Any, transposed: bool, _output_padding: Any, _groups: Any, mask: Any,
    *_: Any, **__: Any,
) -> int:  # fmt: skip
    """As many as forward for the gradient of the inputs, and as many for that of the kernel."""
    # kernel: (out, in / groups, …), or transposed (in, out / groups, …).
    places = prod(inputs[2:]) if transposed else prod(gradient[2:])
    return int(2 * inputs[0] * places * prod(kernel)) * (bool(mask[0]) + bool(mask[1]))


def _ctc(log_probability: Any, symbols: Any, *_: Any, **__: Any) -> int:
    """Two additions and a product at each of T (2 L + 1) nodes (Graves et al. 2006, equation 6)."""
    positions, batch, _classes = log_probability
    return int(3 * positions * (2 * _symbols(symbols, batch) + 1) * batch)


def _ctc_backward(_gradient: Any, log_probability: Any, symbols: Any, *_: Any, **__: Any) -> int:
    """Count the same from behind (their equation 10), and two for each node's gradient."""
    positions, batch, _classes = log_probability
    return int(5 * positions * (2 * _symbols(symbols, batch) + 1) * batch)


def _symbols(shape: Any, batch: int) -> float:
    """Return symbols of a transcript: of the longest where they are padded, else of the mean."""
    return float(shape[1]) if len(shape) == 2 else shape[0] / batch


_FORMULAS: dict[Any, Any] = {
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    _aten._scaled_dot_product_flash_attention_backward: _attention_backward,
    _aten._scaled_dot_product_efficient_attention_backward: _attention_backward,
    _aten._scaled_dot_product_cudnn_attention_backward: _attention_backward,
    _aten.convolution_backward: _convolution_backward,
    _aten.mkldnn_rnn_layer: _lstm_layer,
    _aten.mkldnn_rnn_layer_backward: lambda *shapes, **__: 2 * _lstm_layer(*shapes),
    _aten.lstm: _lstm,
    _aten._cudnn_rnn: _cudnn_lstm,
    _aten._cudnn_rnn_backward: lambda *shapes, **__: 2 * _cudnn_lstm(*shapes),
    _aten._ctc_loss: _ctc,
    _aten._cudnn_ctc_loss: _ctc,
    _aten._ctc_loss_backward: _ctc_backward,
}
