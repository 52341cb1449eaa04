"""What no value of a configuration may be, whichever key it is of."""

import math
from collections.abc import Mapping
from typing import Any

from suite.errors import ConfigError

_LARGEST = 2**63 - 1


def check_values(plain: Any, place: str = "") -> None:
    """Raise a `ConfigError` that names the key of a value that cannot be used or kept.

    Numbers are finite and fit 64 bits; texts can be written to files and have no reference left in
    them, as a configuration that was kept composes to the same run again.
    """
    if isinstance(plain, Mapping):
        for key, value in plain.items():
            check_values(value, f"{place}.{key}" if place else str(key))
    elif isinstance(plain, (list, tuple)):
        for value in plain:
            check_values(value, place)
    elif isinstance(plain, float) and not math.isfinite(plain):
        raise ConfigError(f"{place}={plain}: must be a finite number")
    elif isinstance(plain, int) and abs(plain) > _LARGEST:
        raise ConfigError(f"{place}={str(plain)[:40]}: must be at most {_LARGEST}")
    elif isinstance(plain, str):
        _check_text(plain, place)


def _check_text(text: str, place: str) -> None:
    shown = ascii(text)[1:-1][:80]
    if "\0" in text:
        raise ConfigError(f"{place}={shown}: must not have a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ConfigError(f"{place}={shown}: must be text that UTF-8 has") from None
    if "${" in text:
        raise ConfigError(f"{place}={shown}: must not have ${{ in it, which begins a reference")
