"""Makes the forms that a model is called in.

A form is made for one batch size and one thread count: inductor writes both into its code, and an
exported graph has the shapes that it was traced with.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from suite.inference.plan import ModelForm
from suite.inference.portable import Portable

Call = Callable[[], Sequence[Tensor]]
"""Runs the model once on the inputs it was made for."""

Inputs = tuple[Tensor, ...]

_BACKEND = "inductor"


def make(form: ModelForm, model: Portable, inputs: Inputs, *, threads: int) -> Call:
    """Return the model in a form, ready to be called on these inputs.

    What is made at the first call only (compiled code) is not there yet. Raises whatever the maker
    of that form raises.
    """
    if form is ModelForm.eager:
        return lambda: model(*inputs)
    if form is ModelForm.compiled:
        return _compiled(model, inputs)
    if form is ModelForm.exported:
        return _exported(model, inputs)
    from suite.inference.onnx_form import onnx_call

    return onnx_call(model, inputs, threads=threads)


def _compiled(model: Portable, inputs: Inputs) -> Call:
    # Dynamo would take the code it has for another thread count.
    torch.compiler.reset()
    compiled = torch.compile(model, dynamic=False, backend=_BACKEND)
    return lambda: compiled(*inputs)


def _exported(model: Portable, inputs: Inputs) -> Call:
    # A graph traced in inference mode would keep its constants as tensors of that mode.
    with torch.inference_mode(False), torch.no_grad():
        graph = torch.export.export(model, inputs).module()
    return lambda: graph(*inputs)
