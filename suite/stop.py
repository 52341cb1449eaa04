"""Signals that end a run: it finishes its step, writes a checkpoint, and says that it can go on.

SIGTERM and SIGINT end the process with 143 and 130. A second signal ends it at once, as nothing is
lost by that: files are replaced whole or not at all. A signal that a launcher has a handler of its
own for, as submitit has for what a cluster sends ahead of a time limit, goes to that handler when
the checkpoint is written; it may put the job back into the queue.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


class Interrupted(SystemExit):
    """Ends a run that can be resumed, and the process with it. `code` is 128 + the signal."""

    def __init__(self, signum: int) -> None:
        super().__init__(128 + signum)
        self.signal = signal.Signals(signum).name

    def __str__(self) -> str:
        return self.signal


class Stop:
    """What a signal asks of a run. Where nothing is to be kept, a signal ends the run at once."""

    def __init__(self) -> None:
        self._asked: int | None = None
        self._deferred = False
        self._theirs: dict[int, Callable[[int, FrameType | None], Any]] = {}

    @property
    def asked(self) -> bool:
        """Whether the run is to stop at the next place where that loses nothing."""
        return self._asked is not None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take notice of signals inside the context; elsewhere than in the main thread of none."""
        if current_thread() is not main_thread():
            yield
            return
        before = {}
        for signum in _SIGNALS:
            handler = signal.getsignal(signum)
            theirs = callable(handler) and handler is not signal.default_int_handler
            if theirs:
                self._theirs[signum] = handler  # type: ignore[assignment]
            # Nobody sends the others without a handler for them: their default ends the process.
            if theirs or signum in (signal.SIGINT, signal.SIGTERM):
                before[signum] = signal.signal(signum, self._heard)
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let the code inside the context choose the moment, by `asked`, `check` and `obey`."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def ask(self, signum: int) -> None:
        """Have the run stop, as the signal would."""
        self._asked = signum

    def check(self) -> None:
        """Raise `Interrupted` where the run is to stop."""
        if self._asked is not None:
            raise Interrupted(self._asked)

    def obey(self) -> None:
        """Stop, now that everything is kept: raise `Interrupted`, or do what the launcher wants.

        Returns where the launcher has the run go on.
        """
        asked, self._asked = self._asked, None
        if asked is None:
            return
        if asked not in self._theirs:
            raise Interrupted(asked)
        self._theirs[asked](asked, None)

    def _heard(self, signum: int, frame: FrameType | None) -> None:
        theirs = self._theirs.get(signum)
        if self._asked is not None and theirs is None:
            os._exit(128 + signum)
        if self._deferred:
            self.ask(signum)
        elif theirs is not None:
            theirs(signum, frame)
        else:
            raise Interrupted(signum)
