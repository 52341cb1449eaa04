"""Finds plugins: installed packages that add tasks, data sets and anything else in `conf/`.

A package names a `Plugin` under the entry-point group `triathlon.plugins`, or itself alone where it
has no schemas of its own and its configuration in `conf/`; a single module names itself and has its
configuration in `CONF` (`suite/one_module.py`). Configuration joins what Hydra finds, schemas join
the suite's own, and the package joins those that a `_target_` may name. A plugin that cannot be
used is reported and never breaks the others; two that claim the same name are an error.
"""

import importlib.metadata
import importlib.util
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, wraps
from importlib.metadata import EntryPoint
from typing import Any

from suite.clashes import SUITE, WITHOUT, clashes, told
from suite.config import SCHEMAS
from suite.contract import check_contract, check_requirement, skew
from suite.errors import PluginError, nearest, one_line
from suite.one_module import package_of, written_in
from suite.trust import hydra_nodes, targets
from suite.trust.secrets import read_environment

GROUP = "triathlon.plugins"


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """What a package adds to the suite.

    package: the import package that its `_target_`s live in.
    conf: where its configuration is (`pkg://my_package.conf`), or the text of each YAML file by its
        name, as "task/chess"; None where it adds none of its own.
    schemas: config dataclasses by the name its YAML refers to as `/schema/<name>`.
    contract: version of `suite.CONTRACT` that it was written for.
    """

    package: str
    conf: str | Mapping[str, str] | None = None
    schemas: Mapping[str, type] = field(default_factory=dict)
    contract: int = 1


@dataclass(frozen=True)
class Found:
    """What there is of plugins, by the names of their entry points.

    plugins: those that can be used. broken: why others cannot. clashing: what two of them claim,
    which no command that composes a configuration gets past. origin: distribution and version.
    seconds: what each took to load.
    """

    plugins: dict[str, Plugin]
    broken: dict[str, str]
    clashing: list[str] = field(default_factory=list)
    origin: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def drop(self, name: str, error: BaseException) -> None:
        """Take notice that a plugin cannot be used after all."""
        del self.plugins[name]
        self.broken[name] = _reason(error)


@cache
def find() -> Found:
    """Load all plugins of this environment once, but those that the user leaves out."""
    found = Found({}, {})
    entries = list(importlib.metadata.entry_points(group=GROUP))
    left_out = _left_out({entry.name for entry in entries})
    for entry in entries:
        if entry.name in left_out:
            continue
        origin = _origin(entry)
        if entry.name in found.origin:
            found.clashing.append(told("have the same name", found.origin[entry.name], origin))
            continue
        found.origin[entry.name] = origin
        started = time.perf_counter()
        try:
            found.plugins[entry.name] = _load(entry)
        # Whatever a stranger's import raises; it may even ask to exit.
        except (Exception, SystemExit) as error:
            found.broken[entry.name] = _reason(error)
        found.seconds[entry.name] = time.perf_counter() - started
    found.clashing.extend(clashes(found.plugins, found.origin))
    return found


def _left_out(known: set[str]) -> set[str]:
    names = {one.strip() for one in os.environ.get(WITHOUT, "").split(",")} - {""}
    for name in sorted(names - known):
        raise PluginError(
            f"{WITHOUT}={name}: there is no such plugin{nearest(name, sorted(known))}; "
            f"there are {', '.join(sorted(known))}"
        )
    if SUITE in names:
        raise PluginError(f"{WITHOUT}={SUITE}: the suite's own tasks cannot be left out")
    return names


def _origin(entry: EntryPoint) -> str:
    """Return a plugin's name with the distribution that brings it."""
    distribution = getattr(entry, "dist", None)
    if distribution is None:
        return entry.name
    return f"{entry.name} ({distribution.name} {distribution.version})"


def _load(entry: EntryPoint) -> Plugin:
    """Import a plugin and check what it says of itself; raise whatever is wrong with it."""
    check_requirement(entry)
    try:
        plugin = entry.load() if entry.attr else _whole_package(entry.module)
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "suite":
            raise
        raise PluginError(f"{error}{skew(entry)}") from error
    if not isinstance(plugin, Plugin):
        raise PluginError(f"{entry.value} is a {type(plugin).__name__}, not a suite.Plugin")
    check_contract(plugin.contract)
    if isinstance(plugin.conf, str):
        package = plugin.conf.removeprefix("pkg://")
        if not plugin.conf.startswith("pkg://") or importlib.util.find_spec(package) is None:
            raise PluginError(
                f"conf={plugin.conf}: must be pkg:// and a package with the YAML files; is the "
                "folder among those that are installed?"
            )
    return plugin


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {one_line(str(error))}"


def _whole_package(package: str) -> Plugin:
    """Return the plugin of an entry point that names a package or a module alone.

    The `conf/` of a package lies inside it; a module has its own in `CONF`. Neither is imported.
    """
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise PluginError(f"package {package} is not installed")
    if spec.submodule_search_locations is None:
        return Plugin(package=package, conf=written_in(spec))
    return Plugin(package=package, conf=f"pkg://{package}.conf")


@cache
def register() -> None:
    """Tell Hydra of all schemas and of every plugin's configuration, once."""
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins
    from omegaconf import OmegaConf

    found = find()
    if found.clashing:
        raise PluginError("; ".join(found.clashing))
    store = ConfigStore.instance()

    def offer(plugin: Plugin) -> None:
        for path, schema in plugin.schemas.items():
            group, _, name = f"schema/{path}".rpartition("/")
            store.store(group=group, name=name, node=schema)
        for path, text in plugin.conf.items() if isinstance(plugin.conf, Mapping) else ():
            group, _, name = path.rpartition("/")
            node = OmegaConf.create(text)
            store.store(group=group, name=name, node=node, package=package_of(text))

    offer(Plugin(package="suite", schemas=SCHEMAS))
    for name, plugin in list(found.plugins.items()):
        try:
            offer(plugin)
        except Exception as error:  # what OmegaConf does not take
            found.drop(name, error)
    from suite.sweeps import sweepers

    Plugins.instance().register(_search_path_plugin())
    sweepers.register()
    OmegaConf.register_new_resolver("oc.env", read_environment, replace=True)
    _guard_composing()


def _search_path_plugin() -> Any:
    from hydra.core.config_search_path import ConfigSearchPath
    from hydra.plugins.search_path_plugin import SearchPathPlugin

    class PluginSearchPath(SearchPathPlugin):
        def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
            for name, plugin in find().plugins.items():
                if isinstance(plugin.conf, str):
                    search_path.append(provider=name, path=plugin.conf)

    return PluginSearchPath


def packages() -> list[str]:
    """Return the packages that a `_target_` may lie in, beside the libraries of models."""
    return sorted({"suite", *(plugin.package for plugin in find().plugins.values())})


def check_target(target: str) -> str:
    """Return `target` if its name may be looked up, else raise: config must not run code."""
    return targets.check_name(target, packages())


def find_target(target: str, *, function: bool = False) -> Any:
    """Return the class that a `_target_` names, or raise a `ConfigError` or `PluginError`.

    function: whether a function will do, as for optimizers, which are called with the model.
    """
    return targets.resolve(target, packages(), function=function)


def _guard_composing() -> None:
    """Have every configuration checked before Hydra builds anything that it names.

    Hydra has no hook between composing and building its callbacks, so its loader is wrapped: all
    that composes goes through it, commands, verbs and the cells of a sweep.
    """
    from hydra._internal.config_loader_impl import ConfigLoaderImpl

    load = ConfigLoaderImpl.load_configuration
    if getattr(load, "guarded", False):
        return

    @wraps(load)
    def checked(
        self: Any, config_name: str | None, overrides: list[str], *arguments: Any, **named: Any
    ) -> Any:
        hydra_nodes.check_search_path(hydra_nodes.search_path_in(overrides), packages())
        composed = load(self, config_name, overrides, *arguments, **named)
        hydra_nodes.check_search_path(composed.hydra.searchpath or (), packages())
        hydra_nodes.check_hydra(composed.hydra, overrides)
        return composed

    checked.guarded = True  # type: ignore[attr-defined]
    ConfigLoaderImpl.load_configuration = checked  # type: ignore[method-assign]
