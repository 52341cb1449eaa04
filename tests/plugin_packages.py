"""Installs plugin packages for tests, as pip does, into a folder of their own."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
LOCAL = ("--no-deps", "--no-index", "--no-build-isolation")
"""Nothing is fetched: hatchling and what the package depends on are in the environment."""


def install(*packages: Path, to: Path) -> dict[str, str]:
    """Install packages from their folders; return the environment in which they are found."""
    command = [sys.executable, *PIP, *LOCAL, "--target", str(to), *map(str, packages)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    inherited = os.environ.get("PYTHONPATH", "")
    path = os.pathsep.join(filter(None, (str(to), inherited)))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


@contextmanager
def installed_here(to: Path) -> Iterator[None]:
    """Let this process, and those it starts, find what is in a folder while the block lasts."""
    before, inherited = set(sys.modules), os.environ.get("PYTHONPATH")
    sys.path.insert(0, str(to))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(to), inherited)))
    _look_again()
    try:
        yield
    finally:
        sys.path.remove(str(to))
        if inherited is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = inherited
        for name in set(sys.modules) - before:
            origin = getattr(sys.modules[name], "__file__", None) or ""
            if Path(origin).is_relative_to(to):
                del sys.modules[name]
        _look_again()


def _look_again() -> None:
    from suite.plugins import find, register

    importlib.invalidate_caches()
    find.cache_clear()
    register.cache_clear()
