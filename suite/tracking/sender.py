"""Has MLflow fed while a run goes on, by a process of its own.

Importing MLflow takes seconds, and what it does with the rows of a run that logs every step takes
as long as the steps: in the training process both would hold up what is being timed. One process
serves all runs of a training process, one after the other, so that a sweep imports MLflow once.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from suite.tracking import store

_GRACE_SECONDS = 5.0
"""How much later than asked the answer may be there: the process may still be importing MLflow."""


class Sender:
    """Has one run's journal sent. Nothing here ever raises.

    folder: the run's folder, with `journal.jsonl` in it. experiment: name of the MLflow experiment.
    """

    def __init__(self, folder: Path, *, results: Path, uri: str, experiment: str) -> None:
        self._folder = folder
        self._results = results
        self._uri = uri
        self._experiment = experiment
        self._process: _Process | None = None

    def start(self) -> None:
        """Have the sending begin."""
        with suppress(OSError):  # training goes on without a tracker; `close` tries again
            self._open()

    def close(self, timeout: float = 60.0) -> str | None:
        """Have the rest sent, in `timeout` seconds; return a warning if something is unsent."""
        until = time.monotonic() + timeout
        try:
            try:
                return self._rest(timeout)
            except TimeoutError:
                raise
            except OSError:  # it was killed, as for want of memory: another sends what is missing
                self._open()
                return self._rest(max(0.0, until - time.monotonic()))
        except OSError as error:
            return store.unsent(self._uri, self._folder, error)

    def _open(self) -> None:
        self._process = _process()
        opened = {
            "folder": str(self._folder),
            "results": str(self._results),
            "uri": self._uri,
            "experiment": self._experiment,
        }
        self._process.tell({"open": opened})

    def _rest(self, timeout: float) -> str | None:
        if self._process is None:
            raise BrokenPipeError("no process sends")
        self._process.tell({"close": str(self._folder), "timeout": timeout})
        warning: str | None = self._process.answer(timeout + _GRACE_SECONDS)["warning"]
        return warning


class _Process:
    """The sending process, and the two pipes to it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._failed = False
        self._unread = b""
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "suite.tracking.sending"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        # One that is stopped and reads nothing must not stop the training as well.
        assert self._popen.stdin is not None
        os.set_blocking(self._popen.stdin.fileno(), False)
        atexit.register(self.end)

    @property
    def usable(self) -> bool:
        """Whether it lives, and is this process's own and not that of one it was forked from."""
        return self.owner == os.getpid() and not self._failed and self._popen.poll() is None

    def tell(self, message: dict[str, Any]) -> None:
        """Send one line; raise an `OSError` where nobody reads it."""
        assert self._popen.stdin is not None
        line = json.dumps(message).encode() + b"\n"
        try:
            if self._popen.stdin.write(line) != len(line):
                raise BrokenPipeError("the process that sends does not read")
        except OSError:
            self._give_up()
            raise

    def answer(self, timeout: float) -> dict[str, Any]:
        """Return the next line; raise an `OSError` where there is none in time."""
        assert self._popen.stdout is not None
        until = time.monotonic() + timeout
        while b"\n" not in self._unread:
            left = max(0.0, until - time.monotonic())
            ready, _, _ = select.select([self._popen.stdout], [], [], left)
            if not ready:
                self._give_up()
                raise TimeoutError(f"no answer in {timeout:.0f} seconds")
            read = os.read(self._popen.stdout.fileno(), 1 << 16)
            if not read:
                self._give_up()
                raise BrokenPipeError("the process that sends has died")
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _give_up(self) -> None:
        """Use it no more; that it is dead may show only in a moment."""
        self._failed = True
        self._popen.kill()

    def end(self) -> None:
        """Let it go when it is done; what nobody waits for any more it sends by itself."""
        if self.owner != os.getpid():
            return
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._popen.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.returncode = 0  # nobody has to be warned that it goes on


_running: _Process | None = None


def _process() -> _Process:
    """Return the process that sends, started where there is none."""
    global _running
    if _running is None or not _running.usable:
        _running = _Process()
    return _running
