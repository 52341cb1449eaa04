"""Weights of a torchvision classifier, from a file of safetensors."""

from pathlib import Path

import safetensors.torch
from torch import Tensor, nn
from torchvision.models.vision_transformer import interpolate_embeddings

from suite.errors import ConfigError, one_line


def read_weights(weights: str) -> dict[str, Tensor]:
    """Read a file of safetensors, or raise a `ConfigError`."""
    path = Path(weights).expanduser()
    key = f"backbone.weights={path}"
    if not path.is_file():
        raise ConfigError(f"{key}: no such file; give weights in safetensors, or null")
    if path.suffix != ".safetensors":
        raise ConfigError(
            f"{key}: must be a .safetensors file; a pickle may run code when it is loaded and is "
            "never read: convert it with safetensors.torch.save_file"
        )
    try:
        return safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise ConfigError(f"{key}: cannot be read ({one_line(str(error))})") from error


def load_all_but_the_last(
    model: nn.Module, state: dict[str, Tensor], key: str, *, side: int
) -> None:
    """Load all but the classifier, which has been taken off."""
    positions = "encoder.pos_embedding"
    if positions in state and hasattr(model, "patch_size"):
        # Learned positions of another size are interpolated.
        state = dict(interpolate_embeddings(side, model.patch_size, state))
    own = model.state_dict()
    given = {k: v for k, v in state.items() if k in own and v.shape == own[k].shape}
    missing = sorted(own.keys() - given.keys())
    if missing:
        raise ConfigError(
            f"{key}: lacks {len(missing)} tensors of the model, or has them in another shape, such "
            f"as {missing[0]}; they belong to another model"
        )
    model.load_state_dict(given)
