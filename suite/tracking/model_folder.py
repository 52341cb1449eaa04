"""A trained model as a folder that MLflow loads without unpickling anything.

    MLmodel             MLflow's description, with the signature
    model.safetensors   weights and buffers
    config.json         the run's resolved configuration, from which the model is built again

torch.export would free the model from its source, but fixes what ragged batches leave open
(lengths, masks) and takes longer than many a run here; a pickle may run code when it is loaded.
"""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from suite.data.recorder import Recorder
from suite.data.unshared import unshared
from suite.errors import DataError, one_line
from suite.task import Batch
from suite.tracking.store import apply_settings

if TYPE_CHECKING:
    import numpy as np
    from mlflow.models import ModelSignature

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
_OPEN_AXES = "BTS"
"""Axes whose size differs from batch to batch, in the names' suffixes."""


def save_model_folder(
    folder: Path,
    model: nn.Module,
    example: Batch,
    *,
    config: Mapping[str, Any],
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Write the model; its signature holds those tensors of `example` that it reads.

    example: a batch on the model's device. metadata: what a user of the model should know (the run,
    the test result, whether the data was synthetic), as JSON allows.
    """
    apply_settings()
    from mlflow.models import Model

    read, outputs = _trial(model, example)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {k: v.detach().cpu() for k, v in unshared(model.state_dict()).items()}, folder / WEIGHTS
    )
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    description = Model(
        signature=_signature(read, outputs),
        metadata=dict(metadata or {}),
        flavors={
            "triathlon": {"weights": WEIGHTS, "config": CONFIG},
            "python_function": {"loader_module": __name__},
        },
    )
    description.save(str(folder / "MLmodel"))


def read_model_folder(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return the run's configuration and the weights, on the CPU.

    Raises `DataError` for a folder that does not hold both: weights are read as safetensors alone.
    """
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS)
    except (OSError, ValueError, SafetensorError) as error:
        reason = one_line(str(error))[:200]
        raise DataError(
            f"{folder}: is no model of a run ({reason}); it needs {CONFIG} and {WEIGHTS}"
        ) from error
    if not isinstance(config, dict):
        raise DataError(f"{folder / CONFIG}: is not the configuration of a run")
    return config, weights


def outputs_of(result: Any) -> dict[str, Tensor]:
    """Name what a model returns: logits (B, K), or a sequence of logits (B, T, K) and its mask."""
    if isinstance(result, Tensor):
        return {"logits_BK" if result.ndim == 2 else "logits": result}
    named = {"logits_BTK": result.values_BTD, "mask_BT": result.mask_BT}
    return {k: v for k, v in named.items() if v is not None}


class Predictor:
    """What `mlflow.pyfunc.load_model` hands out: arrays by tensor name in, arrays out."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval()

    @torch.inference_mode()
    def predict(
        self, model_input: "Mapping[str, np.ndarray]", params: Any = None
    ) -> "dict[str, np.ndarray]":
        """Return the outputs for a batch such as {"pixels_BCHW": …}."""
        tensors = {name: torch.as_tensor(array) for name, array in model_input.items()}
        examples = len(next(iter(tensors.values())))
        result = self.model(Batch(tensors, examples, float(examples)))
        return {name: tensor.numpy() for name, tensor in outputs_of(result).items()}


def _load_pyfunc(path: str) -> Predictor:
    """Rebuild the model; MLflow calls this by name."""
    # By name, as tracking does not depend on what runs the trainer.
    model: nn.Module = import_module("suite.run").load_model(Path(path))
    return Predictor(model)


@torch.inference_mode()
def _trial(model: nn.Module, example: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    recorder = Recorder(example.tensors)
    training = model.training
    model.eval()
    outputs = outputs_of(model(Batch(recorder, example.examples, example.units)))
    model.train(training)
    return {name: example.tensors[name] for name in recorder.read}, outputs


def _signature(read: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> "ModelSignature":
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    def schema(tensors: Mapping[str, Tensor]) -> Schema:
        return Schema(
            [
                TensorSpec(t[:0].cpu().numpy().dtype, _shape(name, t), name)
                for name, t in tensors.items()
            ]
        )

    return ModelSignature(inputs=schema(read), outputs=schema(outputs))


def _shape(name: str, tensor: Tensor) -> tuple[int, ...]:
    axes = name.rpartition("_")[2]
    if len(axes) != tensor.ndim:
        axes = "B" + "." * (tensor.ndim - 1)
    sizes = zip(axes, tensor.shape, strict=True)
    return tuple(-1 if axis in _OPEN_AXES else size for axis, size in sizes)
