"""Finds what two plugins both claim: a name, a schema, or a file of the configuration.

Hydra takes the first file it finds and says nothing, so that another task than the one meant would
be trained. No plugin is preferred here: both are named.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

from suite.config import SCHEMAS

if TYPE_CHECKING:
    from suite.plugins import Plugin

OWN = "conf"
"""The package of the suite's own configuration."""
SUITE = "triathlon"
"""The suite's own plugin, which has its configuration in `conf`."""
WITHOUT = "TRIATHLON_DISABLED_PLUGINS"
"""The variable of the environment that names plugins to leave out."""


def clashes(plugins: Mapping[str, "Plugin"], origin: Mapping[str, str]) -> Iterator[str]:
    """Yield what each two plugins both have, in a line with both names and the fix.

    origin: what a plugin is called in messages, by its name.
    """
    owner = dict.fromkeys((f"schema {name}" for name in SCHEMAS), SUITE)
    if any(plugin.conf is not None for plugin in plugins.values()):
        owner |= dict.fromkeys(_files(OWN), SUITE)
    for name, plugin in plugins.items():
        claimed = [f"schema {schema}" for schema in plugin.schemas]
        if isinstance(plugin.conf, str):
            claimed += _files(plugin.conf.removeprefix("pkg://"))
        elif plugin.conf is not None:
            claimed += [f"{path}.yaml" for path in plugin.conf]
        for claim in claimed:
            first = owner.setdefault(claim, name)
            if first != name:
                yield told(f"both have {claim}", origin.get(first, first), origin.get(name, name))


def told(what: str, first: str, second: str) -> str:
    """Return the line about two plugins that do not go together."""
    return (
        f"plugins {first} and {second} {what}: uninstall or rename one, or leave one out with "
        f"{WITHOUT}=<name>"
    )


def _files(package: str) -> Iterator[str]:
    """Yield the configuration files of a package, as `task/chess.yaml`."""
    if importlib.util.find_spec(package) is None:
        return
    yield from _below(files(package), "")


def _below(folder: Traversable, prefix: str) -> Iterator[str]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _below(one, f"{prefix}{one.name}/")
        elif one.name.endswith(".yaml"):
            yield f"{prefix}{one.name}"
