"""What is found by going through all encoded images once; kept in the cache.

Legend: N images, K bytes of a key.
"""

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from suite import DataError, atomic_path, kept_faults
from tasks.image_recognition.data.decoding import Decoding, Look, quiet_pillow
from tasks.image_recognition.data.images import Images

_CHUNK = 256
"""Images that a thread goes through at a time."""
_THREADS = 16
"""Most of the time is waiting for a disk."""
_Found = TypeVar("_Found")
_Array = TypeVar("_Array", NDArray[np.uint8], NDArray[np.int64])


def content_keys(images: Images, indices: NDArray[np.int64], cache: Path) -> NDArray[np.uint8]:
    """Return content keys, a row for each image, (N, K); zeros for all but these images."""

    def of_some(some: NDArray[np.int64]) -> NDArray[np.uint8]:
        try:
            keys = [images.key(int(index)) for index in some]
        except Exception as error:  # a table's library raises errors of many kinds
            raise DataError(f"an image cannot be read ({error}); mend or remove it") from error
        return np.frombuffer(b"".join(keys), np.uint8).reshape(len(some), -1)

    def find() -> NDArray[np.uint8]:
        found = np.concatenate(_in_threads(of_some, indices))
        key_NK = np.zeros((len(images), found.shape[1]), np.uint8)
        key_NK[indices] = found
        return key_NK

    return _kept(cache, "keys", images, hashlib.sha256(indices.tobytes()).hexdigest(), find)


def unreadable(images: Images, decoding: Decoding, look: Look, cache: Path) -> dict[int, str]:
    """Return what is wrong with the images that cannot be decoded, by decoding all of them.

    Raises a `DataError` where one looks otherwise than the others.
    """

    def of_some(some: NDArray[np.int64]) -> dict[int, str]:
        faults = {}
        for index in some.tolist():
            fault, array = decoding.one(images, index)
            if array is None:
                faults[index] = fault
            else:
                look.require(array, images.name(index))
        return faults

    def find() -> dict[int, str]:
        with quiet_pillow():
            found = _in_threads(of_some, np.arange(len(images)))
        return {index: fault for some in found for index, fault in some.items()}

    stamp = images.stamp()
    return kept_faults(cache, None if stamp is None else f"{stamp} {decoding} {look}", find)


def _in_threads(
    look: Callable[[NDArray[np.int64]], _Found], indices: NDArray[np.int64]
) -> list[_Found]:
    chunks = np.array_split(indices, max(-(-len(indices) // _CHUNK), 1))
    with ThreadPoolExecutor(min(_THREADS, 2 * (os.cpu_count() or 1))) as pool:
        return list(pool.map(look, chunks))


def _kept(cache: Path, what: str, images: Images, of: str, find: Callable[[], _Array]) -> _Array:
    """Return what was found before in the same images, else find and keep it."""
    stamp = images.stamp()
    if stamp is None:
        return find()
    name = hashlib.sha256(f"{stamp} {of}".encode()).hexdigest()[:32]
    file = cache / "images" / f"{name}.{what}.npy"
    # A file that is not whole is made anew.
    with suppress(OSError, ValueError, EOFError):
        return cast(_Array, np.load(file))
    found = find()
    with atomic_path(file) as temporary, temporary.open("wb") as stream:
        np.save(stream, found)
    return found
