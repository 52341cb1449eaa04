"""What a configuration may ask of Hydra itself, checked before Hydra does any of it.

Hydra builds its launcher, its sweeper and its callbacks from the configuration, with all that is
nested in them, and hands its logging to Python's `dictConfig`, which calls what it is told to. A
YAML file from elsewhere may set all of that, so:

- a launcher and a sweeper are plugins that Hydra has found installed, with no `_target_` inside;
- callbacks are the suite's own;
- logging goes to streams: a file handler appends to any file, and `()` calls anything;
- shell commands of launchers, and of the environment what cannot make a program load code, are
  taken from the command line alone, never from a file.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from omegaconf import Container, DictConfig
from omegaconf.errors import OmegaConfBaseException

from suite.errors import ConfigError
from suite.trust.text import in_a_line

_BUILT = ("callbacks", "launcher", "sweeper")
_LOGGING = ("hydra_logging", "job_logging")
_STREAMS = ("logging.StreamHandler", "logging.NullHandler")
_LOGGING_CLASSES = ("class", "()", ".", "queue", "listener")
_CALLBACKS = {
    "triathlon._target_": "suite.tracking.sweep.SweepCallback",
    "triathlon.report._target_": "suite.report.leaderboard.leaderboard",
    "triathlon.report._partial_": True,
}
_SHELL = re.compile(
    r"(.*\.)?(setup|srun_args|python|additional_parameters|runtime_env|\w+_commands)"
)
"""Settings of launchers that hold commands, or lines of a job's script."""
_ENVIRONMENT = re.compile(
    r"(OMP|MKL|OPENBLAS|NUMEXPR|NCCL|GLOO|CUDA)_\w+|TRIATHLON_CACHE|HF_HUB_OFFLINE|TOKENIZERS_PARALLELISM"
)
_OPTIONS = {
    "--experimental-rerun": "it would unpickle a file, and a pickle may run code",
    "--config-path": "the suite has its own; add a folder of yours with --config-dir",
    "--config-name": "the suite has its own; add a folder of yours with --config-dir",
}
"""Options of Hydra's that the command line refuses, by what it takes for them, and why."""
_SHORT = {"-cp": "--config-path", "-cn": "--config-name"}


def check_options(arguments: Sequence[str]) -> None:
    """Refuse options of Hydra's that would unpickle a file or replace the suite's configuration."""
    for argument in arguments:
        given = argument.partition("=")[0]
        given = _SHORT.get(given, given)
        for option, why in _OPTIONS.items():
            # Hydra takes any beginning that is no other option's.
            if given == option or (len(given) > len("--config-") and option.startswith(given)):
                raise ConfigError(f"{argument}: refused ({why})")
            if option == "--experimental-rerun" and len(given) > 2 and option.startswith(given):
                raise ConfigError(f"{argument}: refused ({why})")


def search_path_in(overrides: Sequence[str]) -> list[object]:
    """Return what overrides add to Hydra's search path."""
    if not any("searchpath" in one for one in overrides):
        return []
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parsed = OverridesParser.create().parse_overrides(list(overrides))
    values = [one.value() for one in parsed if one.get_key_element() == "hydra.searchpath"]
    return [path for value in values for path in (value if isinstance(value, list) else [value])]


def check_search_path(paths: Sequence[object], packages: Sequence[str]) -> None:
    """Refuse a search path that would import a package which is neither ours nor a plugin's."""
    for path in map(str, paths):
        scheme, there, rest = path.partition("://")
        package = (rest if there else scheme).partition(".")[0]
        if scheme == "file" and there:
            continue
        if package not in packages or (there and scheme != "pkg"):
            raise ConfigError(
                f"hydra.searchpath={path}: must be file://… or pkg://… of {', '.join(packages)}, "
                "as others would be imported"
            )


def check_hydra(hydra: DictConfig, given: Sequence[str]) -> None:
    """Raise a `ConfigError` for what would run code. given: overrides on the command line."""
    for part in (*_BUILT, *_LOGGING):
        node = hydra._get_node(part)
        if not isinstance(node, DictConfig):
            raise ConfigError(f"hydra.{part}={hydra[part]}: must be settings, key by key")
        check = _check_built if part in _BUILT else _check_logging
        check(part, node)
    _check_commands(hydra, given)
    for name in hydra.job.env_set or ():
        if not _ENVIRONMENT.fullmatch(str(name)) and not _is_given(f"job.env_set.{name}", given):
            raise ConfigError(
                f"hydra.job.env_set.{name}: is taken from the command line alone, as a variable "
                "can make programs load code"
            )


def _check_built(part: str, node: Container) -> None:
    for key, value in _leaves(part, node):
        name = key.rpartition(".")[2]
        if part == "callbacks":
            if name in ("_target_", "_partial_", "_args_") and _CALLBACKS.get(key) != value:
                raise _refused(f"callbacks.{key}", value, "callbacks are the suite's own")
        elif key == "_target_":
            if str(value) not in _installed():
                raise _refused(f"{part}.{key}", value, f"is no {part} that is installed")
        elif name in ("_target_", "_args_"):
            raise _refused(f"{part}.{key}", value, f"a {part} has none inside")
        elif key.startswith("params.hydra"):
            raise _refused(f"{part}.{key}", value, "Hydra's own settings are no part of a sweep")


def _check_logging(part: str, node: Container) -> None:
    for key, value in _leaves(part, node):
        where = key.split(".")
        called = key.endswith("()") or where[-1] in _LOGGING_CLASSES or key.endswith(".")
        if called and not (where[-1] == "class" and value in _STREAMS):
            raise _refused(f"{part}.{key}", value, f"logging goes to {' or '.join(_STREAMS)}")
        if isinstance(value, str) and re.match(r"(ext|cfg)://", value):
            if value not in ("ext://sys.stdout", "ext://sys.stderr"):
                raise _refused(f"{part}.{key}", value, "logging goes to sys.stdout or sys.stderr")


def _check_commands(hydra: DictConfig, given: Sequence[str]) -> None:
    for key, value in _leaves("launcher", hydra._get_node("launcher")):  # type: ignore[arg-type]
        parts = key.split(".")
        named = next(
            (p for i, _ in enumerate(parts) if _SHELL.fullmatch(p := ".".join(parts[: i + 1]))),
            None,
        )
        commands = named is not None and value not in (None, "")
        if (commands or "\n" in str(value)) and not _is_given(f"launcher.{named or key}", given):
            raise _refused(
                f"launcher.{key}", value, "commands are taken from the command line alone"
            )


def _is_given(key: str, given: Sequence[str]) -> bool:
    wanted = f"hydra.{key}"
    return any(
        (name := one.lstrip("+~").partition("=")[0]) == wanted or name.startswith(f"{wanted}.")
        for one in given
    )


def _leaves(part: str, node: Container, place: str = "") -> Iterator[tuple[str, Any]]:
    """Yield key and value of all that is below; refuse a node that is another in disguise.

    An interpolation that gives a whole node could bring a `_target_` in unseen.
    """
    keys = list(node) if isinstance(node, DictConfig) else range(len(node))  # type: ignore[arg-type]
    if node._is_none() or node._is_missing():
        return
    if node._is_interpolation():
        raise _refused(f"{part}.{place}".rstrip("."), node._value(), "must be written out")
    for key in keys:
        below = f"{place}.{key}" if place else str(key)
        child = node._get_node(key)
        assert child is not None
        if isinstance(child, Container) and not child._is_interpolation():
            yield from _leaves(part, child, below)
            continue
        value = child._value()  # type: ignore[union-attr]
        if child._is_interpolation():  # type: ignore[union-attr]
            if part == "callbacks" or str(key) in ("_target_", "_args_", "class", "()"):
                raise _refused(f"{part}.{below}", value, "must be written out")
            try:
                value = node[key]
            except OmegaConfBaseException:  # of what only a job knows: a text
                continue
            if isinstance(value, Container):
                raise _refused(f"{part}.{below}", child._value(), "must be written out")  # type: ignore[union-attr]
        yield below, value


def _installed() -> set[str]:
    from hydra.core.plugins import Plugins

    return set(Plugins.instance().class_name_to_class)


def _refused(key: str, value: object, why: str) -> ConfigError:
    return ConfigError(f"hydra.{key}={in_a_line(str(value))}: refused ({why})")
