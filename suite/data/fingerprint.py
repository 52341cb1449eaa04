"""Names content by its hash."""

import hashlib
from collections.abc import Mapping

from torch import Tensor

from suite.data.memory import Examples, Ragged
from suite.task import Split


def fingerprint(splits: Mapping[Split, Examples]) -> str:
    """Return sha256 over names, shapes and bytes of all columns of all splits, in order."""
    digest = hashlib.sha256()
    for split in Split:
        if split not in splits:
            continue
        digest.update(split.value.encode())
        for name, column in splits[split].columns.items():
            tensors = [column.flat, column.length_N] if isinstance(column, Ragged) else [column]
            for tensor in tensors:
                digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
                digest.update(_bytes(tensor))
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()
