"""Locks that die with their process, however it ends.

POSIX record locks: the kernel drops them when the process is gone, they are not inherited by what
it forks (a data loader's workers outlive a killed run by seconds), and network file systems with a
lock manager carry them between hosts. A process holds one descriptor to each file that it has
locked, since closing any other would drop the lock too.
"""

import fcntl
import os
import time
from pathlib import Path

_SECONDS_BETWEEN = 0.2
_held: dict[str, int] = {}


def take(path: Path) -> bool:
    """Lock the file, created where it is missing, unless another process has; tell whether."""
    key = _key(path)
    if key in _held:
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    _held[key] = file
    return True


def wait(path: Path) -> None:
    """Lock the file, however long another process keeps it."""
    while not take(path):
        time.sleep(_SECONDS_BETWEEN)


def release(path: Path) -> None:
    """Unlock a file that this process has locked."""
    os.close(_held.pop(_key(path)))


def held(path: Path) -> bool:
    """Return whether a living process, this one or another, has the file locked."""
    if _key(path) in _held:
        return True
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(file)


def _key(path: Path) -> str:
    return os.path.realpath(path)
