"""Reads pickles of arrays, numbers, texts, lists and dicts, and refuses those of anything else.

A pickle is a program that may call whatever it names. This one calls nothing but the two functions
that an array is made with, which stand in for numpy's own.
"""

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from suite import DataError


def load_plain(content: bytes, name: str) -> Any:
    """Return what a pickle holds; texts of Python 2 are read as Latin-1. name: for messages.

    Raises a `DataError` where it holds anything but plain data, or is damaged.
    """
    try:
        return _Plain(io.BytesIO(content), encoding="latin1").load()
    except _Refused as error:
        raise DataError(f"{name}: {error}; it is not the published file, fetch it again") from error
    except Exception as error:  # a damaged pickle raises errors of many kinds
        raise DataError(f"{name}: cannot be read ({error}); fetch it again") from error


class _Refused(Exception):
    pass


def _empty_array(kind: object, shape: tuple[int, ...], code: str) -> Any:
    """Make the array that its state is put into."""
    if kind is not np.ndarray:
        raise _Refused("holds an array of a class of its own")
    return np.ndarray(shape, code)


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _empty_array,
    ("numpy._core.multiarray", "_reconstruct"): _empty_array,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise _Refused(f"asks for {module}.{name}, which is no plain data")
        return _ALLOWED[module, name]
