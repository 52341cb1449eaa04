"""Tensors as safetensors takes them."""

from collections.abc import Mapping

from torch import Tensor


def unshared(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors each in memory of its own: safetensors refuses two names for one storage."""
    weights: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in state.items():
        storage = tensor.untyped_storage().data_ptr()
        weights[name] = tensor.clone() if storage in seen else tensor.contiguous()
        seen.add(storage)
    return weights
