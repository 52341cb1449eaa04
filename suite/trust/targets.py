"""What a `_target_` may name: a configuration of a stranger must not run code of its choice.

The first name must be the suite, a plugin's package or one of `LIBRARIES`. That is checked while
composing, without importing anything. What the name leads to is checked where it is built: a prefix
alone would let through whatever a module of ours has imported (`suite.run.sys.exit`).
"""

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from suite.errors import ConfigError, PluginError, one_line

LIBRARIES = ("torch", "torchaudio", "torchvision", "transformers")
"""Beside ours: modules, optimizers and schedules that are defined there. None of their functions,
for `torch.load` and `torch.hub.load` run what they are given."""


def check_name(target: object, packages: Iterable[str]) -> str:
    """Return the target if its name may be looked up, or raise a `ConfigError`.

    packages: the suite's and those of the plugins.
    """
    allowed = sorted({*packages, *LIBRARIES})
    parts = str(target).split(".")
    if not isinstance(target, str) or parts[0] not in allowed:
        raise ConfigError(
            f"_target_={target}: must lie in one of the packages {', '.join(allowed)}"
        )
    hidden = [part for part in parts if part.startswith("_") or not part.isidentifier()]
    if hidden or len(parts) < 2:
        raise ConfigError(
            f"_target_={target}: must be the dotted path of a public class or function"
        )
    return target


def resolve(target: str, packages: Iterable[str], *, function: bool = False) -> Any:
    """Return the class that a target names, or raise a `ConfigError`. function: one will do.

    It must be defined in an allowed package, and be reached through modules of such packages alone.
    Raises a `PluginError` where a module cannot be imported.
    """
    ours = set(packages)
    found: Any = _imported(check_name(target, ours), ours)
    home = str(getattr(found, "__module__", "")).partition(".")[0]
    if not (inspect.isclass(found) or inspect.isfunction(found)) or home not in {*ours, *LIBRARIES}:
        what = f"defined in {home}" if home else f"a {type(found).__name__}"
        raise ConfigError(
            f"_target_={target}: is {what}; it must be defined in the suite, a plugin or a library "
            "of models"
        )
    if inspect.isfunction(found) and not function:
        raise ConfigError(f"_target_={target}: is a function; only an optimizer may be one")
    if home not in ours and not _is_part(found):
        raise ConfigError(
            f"_target_={target}: of {home} only modules, optimizers and schedules may be built"
        )
    return found


def targets_in(plain: Any, place: str = "") -> Iterator[tuple[str, object]]:
    """Yield the key and the value of every `_target_` in a tree of dicts and lists."""
    if isinstance(plain, Mapping):
        for key, value in plain.items():
            below = f"{place}.{key}" if place else str(key)
            if key == "_target_":
                yield below, value
            else:
                yield from targets_in(value, below)
    elif isinstance(plain, (list, tuple)):
        for index, value in enumerate(plain):
            yield from targets_in(value, f"{place}.{index}")


_DATA = "data._target_"


def check_all(plain: Any, check: Callable[[str], object]) -> None:
    """Check every `_target_` of a configuration by name, also where nothing would build it."""
    for key, value in targets_in(plain):
        # Data may be opened by its task; anything else of no name is a mistake.
        if value is None or (key == _DATA and not value):
            continue
        try:
            check(value)  # type: ignore[arg-type]
        except ConfigError as error:
            raise ConfigError(f"{key.removesuffix('_target_')}{error}") from error


def _imported(target: str, ours: set[str]) -> Any:
    """Walk from the package to what is named, through modules of allowed packages alone."""
    name, *rest = target.split(".")
    found: Any = _module(name, target)
    for part in rest:
        if not isinstance(found, ModuleType):
            raise ConfigError(f"_target_={target}: must be in a module, not inside of {name}")
        if part in vars(found) or hasattr(found, part):
            found = getattr(found, part)
        else:
            found = _module(f"{found.__name__}.{part}", target)
        name = part
        if isinstance(found, ModuleType):
            home = found.__name__.partition(".")[0]
            if home not in {*ours, *LIBRARIES}:
                raise ConfigError(f"_target_={target}: leads to {found.__name__}, which is refused")
    return found


def _module(name: str, target: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever a stranger's import raises
        reason = one_line(str(error)) or type(error).__name__
        raise PluginError(f"_target_={target}: cannot be imported ({reason})") from error


def _is_part(found: Any) -> bool:
    from torch import nn
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    return inspect.isclass(found) and issubclass(found, (nn.Module, Optimizer, LRScheduler))
