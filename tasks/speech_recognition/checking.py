"""Which recordings cannot be read, found by reading all of them once; kept in the cache."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from suite import DataError, kept_faults
from tasks.speech_recognition.reading import Stretch, read_whole


def unreadable(stretches: Sequence[Stretch], cache: Path) -> dict[int, str]:
    """Return what is wrong with recordings behind their headers, by their place."""

    def find() -> dict[int, str]:
        faults = {}
        for place, stretch in enumerate(stretches):
            try:
                read_whole(stretch)
            except DataError as error:
                faults[place] = str(error).removeprefix(f"{stretch.file}: ")
        return faults

    return kept_faults(cache, _stamp(stretches), find)


def _stamp(stretches: Sequence[Stretch]) -> str | None:
    """Hash what is read: names, sizes and times of change of files, and stretches of them."""
    digest = hashlib.sha256()
    for stretch in stretches:
        try:
            status = os.stat(stretch.file)
        except OSError:
            return None
        place = f"{stretch.first} {stretch.frames} {stretch.rate} {stretch.endian}"
        digest.update(os.fsencode(stretch.file))
        digest.update(f"\0{status.st_size} {status.st_mtime_ns} {place}\0".encode())
    return digest.hexdigest()
