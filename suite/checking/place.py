"""Where in a plugin something is: class, method, file and line."""

import inspect
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

from suite.task import Task

_OURS = ("suite", "torch", "torchmetrics", "numpy")


def place_of(kind: type[Task], name: str) -> str:
    """Return where a method, property or attribute is; of an inherited one, where that is."""
    owner = next((one for one in kind.__mro__ if name in vars(one)), None)
    if owner is None:
        return f"{kind.__qualname__}.{name}"
    code = _code_of(vars(owner)[name])
    here = f"{kind.__qualname__}.{name}"
    if owner is not kind:
        here += f", inherited from {owner.__qualname__}"
    return f"{here} ({_at(code.co_filename, code.co_firstlineno)})" if code else here


def raised_at(error: BaseException, kind: type[Task]) -> str:
    """Return where in the plugin an error arose; outside of it, where that was."""
    frames = list(_frames(error.__traceback__))
    return _named([(frame.f_globals, frame.f_code, line) for frame, line in frames], kind)


def called_from(frame: FrameType | None, kind: type[Task]) -> str:
    """Return which line of the plugin led to a frame; empty where none did."""
    found = []
    while frame is not None:
        found.append((frame.f_globals, frame.f_code, frame.f_lineno))
        frame = frame.f_back
    inside = [one for one in found[::-1] if _is_of(one[0], kind)]
    return _named(inside, kind) if inside else ""


def _named(frames: list[tuple[dict[str, Any], CodeType, int]], kind: type[Task]) -> str:
    if not frames:
        return ""
    inside = [one for one in frames if _is_of(one[0], kind)]
    _, code, line = (inside or frames)[-1]
    return f"{code.co_qualname} ({_at(code.co_filename, line)})"


def _is_of(names: dict[str, Any], kind: type[Task]) -> bool:
    """Return whether a module is the plugin's: of a package that the task's classes are from."""
    packages = {one.__module__.partition(".")[0] for one in kind.__mro__} - {*_OURS, "builtins"}
    return str(names.get("__name__", "")).partition(".")[0] in packages


def _frames(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _code_of(found: object) -> CodeType | None:
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, cached_property):
        found = found.func
    if isinstance(found, (staticmethod, classmethod)):
        found = found.__func__
    function: Callable[..., Any] | None = found if inspect.isfunction(found) else None
    return None if function is None else inspect.unwrap(function).__code__


def _at(file: str, line: int) -> str:
    path = Path(file)
    try:
        return f"{path.relative_to(Path.cwd())}:{line}"
    except ValueError:
        return f"{path}:{line}"
