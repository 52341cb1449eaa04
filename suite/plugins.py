"""Finds plugins: installed packages that add tasks, data sets and anything else in `conf/`.

A package names a `Plugin` under the entry-point group `triathlon.plugins`, or itself alone where it
has no schemas of its own and its configuration in `conf/`; a single module names itself and has its
configuration in `CONF` (`suite/one_module.py`). Configuration joins what Hydra finds, schemas join
the suite's own, and the package joins those that a `_target_` may name. A plugin that fails to
import is reported and never breaks the others.
"""

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, wraps
from typing import Any

from suite.config import SCHEMAS
from suite.errors import PluginError
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
    """

    package: str
    conf: str | Mapping[str, str] | None = None
    schemas: Mapping[str, type] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """Plugins that loaded, and the error of each entry point that did not."""

    plugins: Mapping[str, Plugin]
    broken: Mapping[str, str]


@cache
def find() -> Found:
    """Load all plugins of this environment once."""
    plugins: dict[str, Plugin] = {}
    broken: dict[str, str] = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            plugin = entry.load() if entry.attr else _whole_package(entry.module)
            if not isinstance(plugin, Plugin):
                raise PluginError(f"{entry.value} is a {type(plugin).__name__}, not a suite.Plugin")
        except Exception as error:  # whatever a stranger's import raises
            broken[entry.name] = f"{type(error).__name__}: {error}"
        else:
            plugins[entry.name] = plugin
    return Found(plugins, broken)


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

    store = ConfigStore.instance()
    schemas = dict(SCHEMAS)
    for name, plugin in find().plugins.items():
        clash = schemas.keys() & plugin.schemas.keys()
        if clash:
            raise PluginError(f"plugin {name}: schema {min(clash)} is already taken")
        schemas.update(plugin.schemas)
    for path, schema in schemas.items():
        group, _, name = f"schema/{path}".rpartition("/")
        store.store(group=group, name=name, node=schema)
    for plugin in find().plugins.values():
        for path, text in plugin.conf.items() if isinstance(plugin.conf, Mapping) else ():
            group, _, name = path.rpartition("/")
            store.store(
                group=group, name=name, node=OmegaConf.create(text), package=package_of(text)
            )
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
