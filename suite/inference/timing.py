"""Times single calls, after a warm-up that counts for nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FEWEST = 20
"""Calls that are timed at least, however long they take."""
WARM_UP_CALLS = 5
_WARM_UP_SHARE = 0.25
"""Of the time to measure for: until kernels are chosen, memory is mapped and the clock is up."""


@dataclass(frozen=True)
class Timing:
    """Seconds of each call, in their order."""

    seconds: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """Return the seconds within which this share of calls were done, interpolated."""
        return float(np.percentile(self.seconds, percent))

    @property
    def calls_per_second(self) -> float:
        """How many calls one after the other take a second."""
        return len(self.seconds) / sum(self.seconds)


def time_calls(
    call: Callable[[], object],
    *,
    seconds: float,
    wait: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time calls for so many seconds, and at least `FEWEST`.

    wait: returns once the device has done what a call asked of it.
    """
    _repeat(call, wait, clock, seconds=_WARM_UP_SHARE * seconds, fewest=WARM_UP_CALLS)
    return Timing(tuple(_repeat(call, wait, clock, seconds=seconds, fewest=FEWEST)))


def _repeat(
    call: Callable[[], object],
    wait: Callable[[], None],
    clock: Callable[[], float],
    *,
    seconds: float,
    fewest: int,
) -> list[float]:
    taken: list[float] = []
    wait()
    began = end = clock()
    while len(taken) < fewest or end - began < seconds:
        start = clock()
        call()
        wait()
        end = clock()
        taken.append(end - start)
    return taken
