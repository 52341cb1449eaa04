"""Tells a run that hangs from one that is slow, and says what it was doing.

The loop says where it is (`note`), which costs the setting of two attributes. A thread looks at
them every few seconds: where nothing has come to its end for long, it warns and has all stacks
written down. Whether the process was at work meanwhile tells a slow step from one that waits for
ever.
"""

import faulthandler
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from suite.training.loop import Profile

_EVERY_SECONDS = 5.0
_USUAL = 20
"""A step may take so many times as long as the others before it is told of."""
_BUSY, _SUSPENDED_SECONDS = 0.2, 60.0
FAILED = 2
"""Exit code of a process that is ended."""
STACKS = "watchdog.txt"


@dataclass(frozen=True)
class Patience:
    """Seconds without anything coming to its end; None is for ever.

    batch: until a batch is missed. stall: until anything is. hang: until the process is ended.
    """

    batch: float | None
    stall: float | None
    hang: float | None

    def before_warning(self, doing: str, usual_seconds: float) -> float:
        """Return how long nothing is said: of what is usually slow, for longer."""
        limits = [self.stall, self.batch if doing == "data" else None]
        least = min((one for one in limits if one is not None), default=float("inf"))
        return max(least, _USUAL * usual_seconds)


class Watchdog:
    """Watches one training, as its profile, which it passes on to another.

    folder: of the run. end: ends the process, at once.
    """

    def __init__(
        self,
        profile: Profile,
        patience: Patience,
        folder: Path,
        *,
        end: Callable[[int], None] = os._exit,
    ) -> None:
        self._profile = profile
        self._patience = patience
        self._folder = folder
        self._end = end
        self._noted = 0
        self._doing = "starting"
        self._step = 0
        self._over = Event()
        waits = [one for one in (patience.batch, patience.stall, patience.hang) if one is not None]
        self._every = min([_EVERY_SECONDS, *(one / 4 for one in waits)]) if waits else None

    def note(self, doing: str) -> None:
        """Take notice that something has come to its end, and what is done next."""
        self._doing = doing
        self._noted += 1

    def begin(self, step: int) -> None:
        """Take notice that a step begins."""
        self._step = step
        self.note("a step")
        self._profile.begin(step)

    def part(self, name: str) -> AbstractContextManager[None]:
        """Return the context of a part of a step."""
        self.note(name)
        return self._profile.part(name)

    def close(self) -> None:
        """Take notice that training has ended."""
        self._profile.close()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the context lasts."""
        if self._every is None:
            yield
            return
        thread = Thread(target=self._watch, name="watchdog", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        began = moved = time.monotonic()
        asleep, busy = _suspended_seconds(), time.process_time()
        noted, warned, first = -1, False, self._step
        while not self._over.wait(self._every):
            now, was = time.monotonic(), asleep
            asleep = _suspended_seconds()
            if asleep - was > _SUSPENDED_SECONDS:
                self._warn(f"the machine was suspended for {asleep - was:.0f} s")
            if self._noted != noted:
                if warned:
                    self._warn(f"it goes on, {now - moved:.0f} s after it stood still")
                noted, moved, warned, busy = self._noted, now, False, time.process_time()
                continue
            quiet = now - moved
            usual = (moved - began) / max(self._step - first, 1) if self._step > first + 1 else 0.0
            if not warned and quiet >= self._patience.before_warning(self._doing, usual):
                warned = True
                self._warn(self._told(quiet, time.process_time() - busy, usual))
                self._write_stacks()
            if self._patience.hang is not None and quiet >= self._patience.hang:
                self._write_stacks()
                self._give_up(quiet)
                return

    def _told(self, quiet: float, busy: float, usual: float) -> str:
        """Say what stands still. busy: seconds of a processor that the process had meanwhile."""
        share = busy / quiet
        state = "is waiting" if share < _BUSY else f"is at work ({share:.0%} of a core): slow"
        doing = "no batch" if self._doing == "data" else f"nothing of {self._doing}"
        others = f", steps took {usual:.2g} s before" if usual else ""
        return (
            f"{doing} for {quiet:.0f} s at step {self._step}{others}; the process {state}; where "
            f"it stands: {self._folder / STACKS}"
        )

    def _warn(self, told: str) -> None:
        print(f"warning: {self._folder.name}: {told}", file=sys.stderr, flush=True)

    def _write_stacks(self) -> None:
        try:
            with (self._folder / STACKS).open("w") as file:
                faulthandler.dump_traceback(file, all_threads=True)
        except OSError as error:  # a full disk is no reason to stop watching
            self._warn(f"{STACKS} cannot be written ({error.strerror})")

    def _give_up(self, quiet: float) -> None:
        """End the process: no other thread can end what hangs outside of Python.

        Whatever is being written to the run's folder gets its name when it is whole.
        """
        name = self._folder.name
        print(
            f"triathlon: {name}: nothing of {self._doing} for {quiet:.0f} s at step {self._step} "
            f"(trainer.hang_seconds={self._patience.hang:g}), ended; `triathlon resume {name}` "
            f"goes on from the last checkpoint, {self._folder / STACKS} tells where it hung",
            file=sys.stderr,
            flush=True,
        )
        self._end(FAILED)


def _suspended_seconds() -> float:
    """Return how long the machine was suspended since it started; 0 where nobody knows."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
