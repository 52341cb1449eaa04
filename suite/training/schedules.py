"""Learning-rate schedules: functions from progress (0 to 1) to a share of the peak rate."""

import math
from collections.abc import Callable
from dataclasses import dataclass

Schedule = Callable[[float], float]


def _half_cosine(progress: float, start: float, end: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True, kw_only=True)
class Constant:
    """Linear warm-up, then the peak rate."""

    warmup: float = 0.0
    final: float = 1.0

    def __call__(self, progress: float) -> float:
        """Return the factor at this share of the run."""
        return progress / self.warmup if progress < self.warmup else 1.0


@dataclass(frozen=True, kw_only=True)
class Cosine:
    """Linear warm-up, then half a cosine to `final` (Loshchilov and Hutter 2017, equation 5)."""

    warmup: float
    final: float

    def __call__(self, progress: float) -> float:
        """Return the factor at this share of the run."""
        if progress < self.warmup:
            return progress / self.warmup
        return _half_cosine((progress - self.warmup) / (1 - self.warmup), 1.0, self.final)


@dataclass(frozen=True, kw_only=True)
class OneCycle:
    """Half a cosine from a 25th of the peak up, and down to `final` (Smith and Topin 2018)."""

    warmup: float
    final: float

    def __call__(self, progress: float) -> float:
        """Return the factor at this share of the run."""
        if progress < self.warmup:
            return _half_cosine(progress / self.warmup, 0.04, 1.0)
        return _half_cosine((progress - self.warmup) / (1 - self.warmup), 1.0, self.final)


@dataclass(frozen=True, kw_only=True)
class Trapezoid:
    """Linear warm-up, the peak rate, linear decay to `final` (Zhai et al. 2022, section 3.5)."""

    warmup: float
    decay: float
    final: float

    def __call__(self, progress: float) -> float:
        """Return the factor at this share of the run."""
        if progress < self.warmup:
            return progress / self.warmup
        if progress <= 1 - self.decay:
            return 1.0
        return self.final + (1 - self.final) * (1 - progress) / self.decay
