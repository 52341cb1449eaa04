"""A model's weights as a file that loads without unpickling."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from suite.data.cache import atomic_path
from suite.data.unshared import unshared
from suite.errors import DataError
from suite.training.writing import unwritten


class Best:
    """Keeps a run's best weights in `best.safetensors` in its folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "best.safetensors"

    def keep(self, weights: dict[str, Tensor]) -> None:
        """Write these as the best weights so far."""
        with unwritten(self.path.parent), atomic_path(self.path) as temporary:
            safetensors.torch.save_file(weights, temporary)

    def restore(self, kept: Path) -> None:
        """Take the best weights that a checkpoint holds; none where it holds none."""
        if not kept.exists():
            self.path.unlink(missing_ok=True)
            return
        with unwritten(self.path.parent), atomic_path(self.path) as temporary:
            shutil.copyfile(kept, temporary)


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Return weights and buffers by name, each in memory of its own."""
    return unshared(model.state_dict())


def load_weights(model: nn.Module, path: Path) -> None:
    """Read weights from a file into the model, or raise a `DataError`."""
    put_back(model, read_weights(path), path)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the weights in a file, on the host, or raise a `DataError`."""
    try:
        weights: dict[str, Tensor] = safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise _no_weights(path, error) from error
    return weights


def put_back(model: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Give a model these weights, or raise a `DataError` that names where they are from."""
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise _no_weights(path, error) from error


def _no_weights(path: Path, error: Exception) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(f"{path}: not a checkpoint of this model ({reason})")
