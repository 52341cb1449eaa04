"""What can go wrong, as one tree. The command line prints one line for each and exits with 2.

```
TriathlonError
├── ConfigError     an override, a value or a combination in the configuration
├── DataError       a file, folder or sample that cannot be used
├── PluginError     a plugin that cannot be loaded or breaks the contract
│   └── CheckFailed what `suite.testing.check_task` finds broken
├── DeviceError     a device or precision that this machine does not have
└── TrainingError   a run that cannot go on (a loss that is not finite, a full disk)
```

A message names the key or file, the value, and the fix.
"""

import difflib
import errno
from collections.abc import Iterable, Sequence

from suite.trust.text import in_a_line

_MOST_CHARACTERS = 1500


class TriathlonError(Exception):
    """An error that its message fully explains; shown without a traceback.

    What cannot be printed is shown as an escape: a file's name may hold any byte, newlines too.
    What a damaged file holds may be megabytes: of a long message the middle is left out.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if len(text) > _MOST_CHARACTERS:
            half = _MOST_CHARACTERS // 2
            text = f"{text[:half]} … {text[-half:]}"
        return in_a_line(text)


class ConfigError(TriathlonError):
    """A wrong override, value or combination in the configuration."""


class DataError(TriathlonError):
    """A file, folder or sample that cannot be used."""


class PluginError(TriathlonError):
    """A plugin that cannot be loaded or breaks the contract."""


class CheckFailed(PluginError):
    """What `suite.testing.check_task` finds broken in a task, the first first.

    checks: the names of those that failed.
    """

    def __init__(self, message: str, checks: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.checks = tuple(checks)


class DeviceError(TriathlonError):
    """A device or precision that this machine does not have."""


class TrainingError(TriathlonError):
    """A run that cannot go on."""


def nearest(value: str, options: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest of `options`, or an empty string."""
    close = difflib.get_close_matches(value, list(options), n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else ""


def unwritable(results: object, error: OSError) -> ConfigError:
    """Return the error for a results folder that cannot be written."""
    return ConfigError(
        f"results={results}: cannot be written ({error.strerror}); "
        "give a folder that can, results=…"
    )


def is_disk_full(error: BaseException) -> bool:
    """Return whether a full disk, or a used-up quota, lies behind an error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        # safetensors and torch.save have errors of their own, without a number.
        if any(sign in str(cause) for sign in _DISK_FULL):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


_DISK_FULL = ("(os error 28)", "(os error 122)", "PytorchStreamWriter failed", ". unexpected pos ")


def one_line(text: str) -> str:
    """Join a message of several lines, without what omegaconf adds about its internals."""
    lines = [line.strip() for line in text.splitlines()]
    return "; ".join(line for line in lines if line and not line.startswith("object_type="))
