"""A task is cheap to construct: `triathlon` makes one only to ask for its target."""

import time
from dataclasses import replace
from typing import Any

from suite.checking.check import Broken, Check
from suite.checking.subject import Subject

_SECONDS = 1.0


class _Closed:
    """Data that must not be touched yet."""

    def __getattr__(self, name: str) -> Any:
        raise Broken(
            f"__init__ uses setup.data.{name}: open data on first use",
            at="__init__",
            mend="move it into a functools.cached_property",
        )


def _look(subject: Subject) -> str:
    began = time.process_time()
    task = subject.kind(subject.config.task, replace(subject.setup, data=_Closed()))
    seconds = time.process_time() - began
    if seconds > _SECONDS:
        raise Broken(
            f"__init__ takes {seconds:.1f} s: it must be cheap",
            at="__init__",
            mend="open data, and compute from it, on first use",
        )
    for name in ("name", "unit", "primary"):
        value = getattr(task, name, None)
        if not isinstance(value, str) or not value:
            raise Broken(
                f"{name}={value!r}: must be a string",
                at=name,
                mend=f"set {name} in the class",
            )
    return f"{1000 * seconds:.1f} ms, no data opened"


CONSTRUCTION = Check(
    name="construction",
    looks_for="constructing opens no data; name, unit and primary are given",
    look=_look,
    of_networks=False,
)
