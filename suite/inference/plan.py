"""What is measured: which forms of a model, at which batch sizes, on how many threads.

Read from the command line before torch is imported.
"""

import enum
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from suite.errors import ConfigError, nearest

T = TypeVar("T")
N = TypeVar("N", int, float)


class ModelForm(enum.Enum):
    """What a model is made into before it is called.

    eager: nothing, it is Python. compiled: machine code, by torch.compile. exported: the graph that
    torch.export traces. onnx: the same in ONNX's terms, run by ONNX Runtime.
    """

    eager = "eager"
    compiled = "compiled"
    exported = "exported"
    onnx = "onnx"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Forms, batch sizes in examples, and thread counts, all of which are combined.

    threads: None leaves the choice to the machine. seconds: those that calls are timed for, each
        combination.
    """

    forms: Sequence[ModelForm] = (ModelForm.eager, ModelForm.compiled, ModelForm.exported)
    batch_sizes: Sequence[int] = (1, 8, 64)
    threads: Sequence[int] | None = None
    seconds: float = 1.0

    @classmethod
    def parse(
        cls, *, forms: str | None, batch_sizes: str | None, threads: str | None, seconds: str | None
    ) -> "Plan":
        """Read options as they were given; None keeps the default. Raises `ConfigError`."""
        read: dict[str, Any] = {}
        if forms is not None:
            read["forms"] = _unique(map(_form, forms.split(",")))
        if batch_sizes is not None:
            read["batch_sizes"] = sorted(_unique(_counts("--batch-sizes", batch_sizes)))
        if threads is not None:
            read["threads"] = sorted(_unique(_counts("--threads", threads)))
        if seconds is not None:
            read["seconds"] = _seconds(seconds)
        return cls(**read)

    def threads_on(self, cores: int, *, fixed: int | None, accelerator: bool) -> Sequence[int]:
        """Return the thread counts for a machine of so many usable cores.

        fixed: what the configuration says, if anything. By default one thread and all cores are
        compared; an accelerator does not care. Raises `ConfigError` where there are fewer cores.
        """
        if self.threads is None:
            if fixed is not None:
                return [fixed]
            return [1] if accelerator else sorted({1, cores})
        if max(self.threads) > cores:
            raise ConfigError(
                f"--threads {_joined(self.threads)}: this process may use {cores} cores; "
                f"more threads than these would wait for each other, give at most {cores}"
            )
        return self.threads


def _form(name: str) -> ModelForm:
    try:
        return ModelForm(name.strip())
    except ValueError:
        known = [form.value for form in ModelForm]
        raise ConfigError(
            f"--forms {name}: no such form{nearest(name, known)}; there are {', '.join(known)}"
        ) from None


def _counts(option: str, given: str) -> list[int]:
    wanted = "whole numbers from 1 on, such as 1,8,64"
    return [
        _positive(int, part, f"{option} {given}: must be {wanted}") for part in given.split(",")
    ]


def _seconds(given: str) -> float:
    return _positive(float, given, f"--seconds {given}: must be a number above 0, such as 0.5")


def _positive(kind: Callable[[str], N], text: str, otherwise: str) -> N:
    """Return the number, or raise a `ConfigError` that says `otherwise`."""
    try:
        value = kind(text)
    except ValueError:
        raise ConfigError(otherwise) from None
    if not 0 < value < math.inf:
        raise ConfigError(otherwise)
    return value


def _unique(values: Iterable[T]) -> list[T]:
    return list(dict.fromkeys(values))


def _joined(values: Iterable[object]) -> str:
    return ",".join(map(str, values))
