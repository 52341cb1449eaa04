"""Where generated data is kept, and how a file is written so that nobody reads half of it."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}|\.tmp[A-Za-z0-9]{6}")
"""Names that mkstemp makes of those of files, and those that safetensors writes under."""


def cache_folder(configured: str | None) -> Path:
    """Return the configured folder, else $TRIATHLON_CACHE, else ~/.cache/triathlon."""
    chosen = configured or os.environ.get("TRIATHLON_CACHE")
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "triathlon"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a path to write to, on the same disk; on success it becomes `path` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes files private; a cache or a result is for everyone the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sweep_up(folder: Path, *, spare: str) -> None:
    """Delete what processes that were killed had begun to write in a folder by `atomic_path`.

    spare: name of a file that somebody else may be writing now.
    """
    for path in folder.rglob(".*"):
        if _TEMPORARY.fullmatch(path.name) and not path.name.startswith(f".{spare}."):
            path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the disk know what the folder holds: a rename may else be lost with the power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
