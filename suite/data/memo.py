"""What one run of a process has prepared and the next one needs again, as in a sweep over seeds."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")

_last: dict[str, tuple[Hashable, Any]] = {}


def remembered(kind: str, key: Hashable, make: Callable[[], T]) -> T:
    """Return `make()`, or what it returned last time if the key of that was the same.

    One value of each kind is kept in the process's memory, and let go before another is made.
    Nobody may change it. The key has to hold everything that the value depends on.
    """
    known = _last.pop(kind, None)
    if known is None or known[0] != key:
        known = None
        known = (key, make())
    _last[kind] = known
    value: T = known[1]
    return value
