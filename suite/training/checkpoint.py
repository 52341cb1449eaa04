"""Checkpoints: the best weights and the last ones, in formats that load without unpickling."""

from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from suite.data.cache import atomic_path
from suite.errors import DataError, TrainingError


class Checkpoints:
    """Writes `best.safetensors`, `last.safetensors` and `last.pt` (optimizers) into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.best = folder / "best.safetensors"
        self.last = folder / "last.safetensors"

    def keep_best(self, model: nn.Module) -> None:
        """Write the weights as the best so far."""
        _save(model, self.best)

    def keep_last(self, model: nn.Module, state: dict[str, Any]) -> None:
        """Write the weights and the state that training would go on from."""
        _save(model, self.last)
        with _explained(self.folder), atomic_path(self.folder / "last.pt") as path:
            torch.save(state, path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Read weights that `Checkpoints` wrote into the model, or raise a `DataError`."""
    try:
        weights = safetensors.torch.load_file(path)
        model.load_state_dict(weights)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not a checkpoint of this model ({reason})") from error


def _save(model: nn.Module, path: Path) -> None:
    weights: dict[str, Tensor] = {k: v.contiguous() for k, v in model.state_dict().items()}
    with _explained(path.parent), atomic_path(path) as temporary:
        safetensors.torch.save_file(weights, temporary)


class _explained:
    """Turn a failed write (a full disk) into one clear line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OSError, safetensors.SafetensorError)):
            raise TrainingError(
                f"{self.folder}: cannot write a checkpoint ({error}); free some disk"
            ) from error
