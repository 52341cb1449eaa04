"""Names content by its hash."""

import hashlib
from collections.abc import Mapping

from torch import Tensor

from suite.data.memory import Examples, Ragged
from suite.data.serving import Served
from suite.data.streaming import StreamedExamples
from suite.task import Split


def fingerprint(splits: Mapping[Split, Served]) -> str:
    """Return sha256 over names, shapes and bytes of all columns of all splits, in order.

    Where a source has found a name for the content of a split, as for all that are streamed, it
    takes that instead of the columns.
    """
    digest = hashlib.sha256()
    for split in Split:
        if split not in splits:
            continue
        digest.update(split.value.encode())
        part = splits[split]
        if part.content or isinstance(part, StreamedExamples):
            digest.update(part.content.encode())
        elif isinstance(part, Examples):
            _add_columns(digest, part)
        else:
            raise TypeError(f"{type(part).__name__} has no fingerprint")
    return digest.hexdigest()


def _add_columns(digest: "hashlib._Hash", part: Examples) -> None:
    for name, column in part.columns.items():
        tensors = [column.flat, column.length_N] if isinstance(column, Ragged) else [column]
        for tensor in tensors:
            digest.update(f"{name}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(_bytes(tensor))


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()
