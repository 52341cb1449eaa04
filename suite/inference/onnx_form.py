"""A model in ONNX, run by ONNX Runtime: the extra `onnx`."""

import importlib.util
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from suite.errors import DeviceError
from suite.inference.portable import Portable

PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def onnx_call(
    model: Portable, inputs: tuple[Tensor, ...], *, threads: int
) -> Callable[[], Sequence[Tensor]]:
    """Export to ONNX and open it on the CPU; arrays are handed over without a copy.

    Raises `DeviceError` where the extra is not installed or the model is on another device.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise DeviceError(f"{', '.join(missing)} not installed; pip install 'triathlon[onnx]'")
    if any(tensor.device.type != "cpu" for tensor in inputs):
        raise DeviceError("ONNX Runtime is measured on the CPU only; set hardware.device=cpu")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with torch.inference_mode(False), torch.no_grad():
            program = torch.onnx.export(model, inputs, dynamo=True, verbose=False)
        assert program is not None  # it is None only where it wrote a file itself
        program.save(path)
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    feeds = {name: tensor.numpy() for name, tensor in zip(names, inputs, strict=True)}
    return lambda: [torch.from_numpy(array) for array in session.run(None, feeds)]
