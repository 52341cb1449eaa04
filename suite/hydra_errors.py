"""Puts what Hydra and OmegaConf say about a wrong command line into one line.

The line names the key, the value and the nearest right one.
"""

from collections.abc import Sequence

from suite.errors import nearest, one_line
from suite.plugins import find


def explain(error: BaseException, arguments: Sequence[str]) -> str | None:
    """Return one line for an error of Hydra's or OmegaConf's; None for any other error."""
    from hydra.errors import (
        ConfigCompositionException,
        HydraException,
        MissingConfigException,
        OverrideParseException,
    )
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if isinstance(error, (YAMLError, UnicodeDecodeError)):
        return _not_yaml(error)
    if isinstance(error, MissingConfigException):
        return _missing_option(error)
    if isinstance(error, OverrideParseException):
        return _not_an_override(error)
    if isinstance(error, ConfigCompositionException):
        return _composition(error, arguments)
    if isinstance(error, OmegaConfBaseException):
        return _value(error, arguments)
    if isinstance(error, HydraException):
        return one_line(str(error).partition("Set the environment variable")[0])
    if isinstance(error, ValueError) and "--multirun" in str(error):
        return one_line(str(error))
    if isinstance(error, ValueError) and str(error).startswith("Config group override"):
        given = next((a for a in arguments if a.endswith("=null")), " ".join(arguments))
        return f"{given}: a group cannot be null or a number; `triathlon list` shows what there is"
    return _inside_hydra(error, arguments)


def _inside_hydra(error: BaseException, arguments: Sequence[str]) -> str | None:
    """Explain what Hydra and OmegaConf trip over: they assert what a strange override breaks."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    if place.partition(".")[0] not in ("hydra", "omegaconf", "antlr4") or isinstance(
        error, OSError
    ):
        return None
    reason = one_line(str(error)) or type(error).__name__
    return f"{' '.join(arguments)}: cannot be composed ({reason}); mend the overrides"


def _not_yaml(error: BaseException) -> str | None:
    """Name the file that cannot be read, and the place in it; None where there is no such file."""
    from yaml import MarkedYAMLError

    path = _file_being_read(error)
    if path is None and isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        path = error.problem_mark.name
    return None if path is None else not_yaml(path, error)


def not_yaml(path: object, error: BaseException) -> str:
    """Return one line for a file that is not YAML or not UTF-8, with the place in it."""
    from yaml import MarkedYAMLError

    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}"
        return f"{place}: not YAML ({one_line(error.problem or 'cannot be read')}); mend it there"
    if isinstance(error, UnicodeDecodeError):
        return f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8"
    return f"{path}: not YAML ({one_line(str(error))})"


def _file_being_read(error: BaseException) -> str | None:
    """Return which file Hydra was reading: its errors of text name none."""
    trace, path = error.__traceback__, None
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name in ("load_config", "_read_config"):
            told = frame.f_locals.get("full_path") or frame.f_locals.get("res")
            path = str(told) if told is not None else path
        trace = trace.tb_next
    return path


def _not_an_override(error: "OverrideParseException") -> str:  # type: ignore[name-defined]  # noqa: F821
    """`digits`, `seed=[`: what Hydra's grammar does not have."""
    from suite.cli import VERBS

    given = error.override
    if "=" not in given:
        verbs = ", ".join(VERBS)
        hint = nearest(given, VERBS)
        return f"{given}: not an override and not a verb{hint}; write key=value, or {verbs}"
    reason = one_line(str(error)).partition("; See https")[0]
    return f"{given}: not an override ({reason}); write key=value, and quote special characters"


def _missing_option(error: "MissingConfigException") -> str:  # type: ignore[name-defined]  # noqa: F821
    """`task=imag`: no such option of a group."""
    group, _, option = (error.missing_cfg_file or "").rpartition("/")
    options = [name for name in error.options or [] if not name.startswith("_")]
    if not group or not options:
        return one_line(str(error))
    known = ", ".join(options)
    found = find()
    broken = "".join(
        f"; plugin {found.origin.get(name, name)} does not load ({error})"
        for name, error in found.broken.items()
    )
    return f"{group}={option}: no such {group}{nearest(option, options)}; there are {known}{broken}"


def _composition(error: BaseException, arguments: Sequence[str]) -> str:
    from omegaconf.errors import OmegaConfBaseException

    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException):
        return _value(cause, arguments)
    text = one_line(str(error))
    if text.startswith("In '") and isinstance(error.__context__, OmegaConfBaseException):
        name = text.split("'")[1]
        return f"{name}.yaml: {_value(error.__context__, [])}"
    if text.startswith("Could not override '"):
        key = text.split("'")[1]
        return _unknown(key, "", _top_level())
    return text


def _value(error: BaseException, arguments: Sequence[str]) -> str:
    from omegaconf.errors import ConfigAttributeError, ConfigKeyError

    key = getattr(error, "full_key", None) or ""
    if isinstance(error, (ConfigAttributeError, ConfigKeyError)):
        parent = key.rpartition(".")[0]
        siblings = _siblings(error)
        return _unknown(key, parent, siblings)
    given = next((a for a in arguments if a.lstrip("+~").startswith(f"{key}=")), key)
    reason = one_line(getattr(error, "msg", None) or str(error))
    if "is not a ListConfig, list or tuple" in reason:
        reason = f"must be a list; write {key}=[…,…]"
    return f"{given}: {reason.partition('; full_key:')[0]}"


def _unknown(key: str, parent: str, siblings: Sequence[str]) -> str:
    name = key.rpartition(".")[2]
    hint = nearest(name, siblings)
    if hint and parent:
        hint = hint.replace("did you mean '", f"did you mean '{parent}.")
    known = f"; there are {', '.join(siblings)}" if siblings else ""
    return f"{key}: no such key{hint}{known}"


def _siblings(error: BaseException) -> list[str]:
    from dataclasses import fields, is_dataclass

    owner = getattr(error, "object_type", None)
    if is_dataclass(owner):
        return sorted(f.name for f in fields(owner) if f.name not in ("_target_", "choices"))
    parent = getattr(error, "parent_node", None)
    try:
        return sorted(str(k) for k in parent) if parent is not None else []
    except Exception:  # a node that cannot be iterated has no keys to suggest
        return []


def _top_level() -> list[str]:
    from dataclasses import fields

    from suite.config import RunConfig

    return sorted({f.name for f in fields(RunConfig)} - {"choices"} | {"experiment"})
