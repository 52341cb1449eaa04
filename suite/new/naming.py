"""Which names a new task may have."""

import importlib.util
import keyword
import re
import sys

from suite.catalogue import options
from suite.errors import ConfigError
from suite.plugins import Found

_OURS = ("suite", "tasks", "conf", "tests", "benchmarks", "examples", "triathlon")
LONGEST = 24
"""Characters of a name: what is written stays within its lines."""


def check_name(name: str, found: Found, *, package: bool) -> None:
    """Raise a `ConfigError` for a name that cannot be a module, or that something else has.

    package: the task is a package of its own, so its name must be free among installed ones.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > LONGEST:
        rule = f"at most {LONGEST} lower-case letters, digits and _, a letter first"
        raise _refused(name, f"is no name of a module; use {rule}")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise _refused(name, "is a word of Python's own; choose another")
    if name in sys.stdlib_module_names:
        raise _refused(name, "is a module of Python's standard library; choose another")
    if name in _OURS:
        raise _refused(name, "is a package of the suite; choose another")
    for group in ("task", "data"):
        if name in options(group, found):
            raise _refused(name, f"there is a {group} of that name already; choose another")
    if name in found.plugins or name in found.broken:
        raise _refused(name, "a plugin of that name is installed already; choose another")
    if package and importlib.util.find_spec(name) is not None:
        raise _refused(name, "a package of that name is installed; choose another")


def kind_of(name: str) -> str:
    """Return the name of the class: `bird_songs` is `BirdSongs`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _refused(name: str, why: str) -> ConfigError:
    return ConfigError(f"new task {name}: {why}")
