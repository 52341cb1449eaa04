"""Feeds MLflow from one run's journal while the run goes on, from a thread."""

import threading
import time
from contextlib import suppress
from pathlib import Path

from suite.tracking import knock, store
from suite.tracking.shipment import Shipment

_SECONDS_BETWEEN = 3.0
_SECONDS_BETWEEN_AT_MOST = 60.0
_SECONDS_BEFORE_ASKING = 5.0
"""How long the end of a run waits for a call to return before it asks whether anybody is there."""

_ATTEMPTS_AT_THE_END = 3
"""A server may be killed while it takes the last rows, and be back a moment later."""
_SECONDS_TO_COME_BACK = 1.0


class Feed:
    """Feeds MLflow from one run's journal. Nothing here ever raises.

    folder: the run's folder, with `journal.jsonl` in it. experiment: name of the MLflow experiment.
    """

    def __init__(self, folder: Path, *, results: Path, uri: str, experiment: str) -> None:
        self._shipment = Shipment(folder, results, uri, experiment)
        self._closing = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="mlflow-feed", daemon=True)

    def start(self) -> None:
        """Connect and start sending."""
        self._thread.start()

    def close(self, timeout: float = 60.0) -> str | None:
        """Send the rest, for at most `timeout` seconds; return a warning if something is unsent.

        A slow tracker has all of that time. One that does not even say that it is there is not
        waited for: its run is over, and `triathlon sync` sends the rest.
        """
        self._closing.set()
        error = self._error
        if self._thread.ident is not None:
            error = self._hanging(timeout) or self._error
        if error is None:
            return None
        return store.unsent(self._shipment.uri, self._shipment.folder, error)

    def abandon(self) -> None:
        """Send the rest of a run whose process has died, and show it as killed."""
        with suppress(Exception):  # nobody is left to be told; `triathlon sync` is
            left = self._shipment.journal.stat().st_size
            if self.close() is None:
                self._shipment.leave(left)

    def _hanging(self, timeout: float) -> Exception | None:
        """Wait for the thread; return why it is left to itself, None where it is done."""
        until = time.monotonic() + timeout
        while True:
            self._thread.join(max(0.0, min(_SECONDS_BEFORE_ASKING, until - time.monotonic())))
            if not self._thread.is_alive():
                return None
            if time.monotonic() >= until:
                return self._error or TimeoutError(f"not done in {timeout:.0f} seconds")
            asked = time.monotonic()
            error = self._silence()
            # A refusal comes at once, and the thread sees to it: the server may be starting again.
            hangs = time.monotonic() - asked > knock.SECONDS / 2
            if error is not None and hangs and self._thread.is_alive():
                return error

    def _silence(self) -> Exception | None:
        """Return why the tracker does not answer, None where it does."""
        try:
            knock.knock(self._shipment.uri)
        except Exception as error:  # whatever a driver raises
            return error
        return None

    def _work(self) -> None:
        wait, attempts = 0.0, _ATTEMPTS_AT_THE_END
        while True:
            closing = self._closing.wait(wait)
            try:
                self._shipment.send()
            except Exception as error:  # told once, by `close`
                self._error = error
                wait = min(2 * wait + 1, _SECONDS_BETWEEN_AT_MOST)
            else:
                self._error = None
                wait = _SECONDS_BETWEEN
            if closing:
                attempts -= 1
                if self._error is None or attempts == 0:
                    return
                time.sleep(_SECONDS_TO_COME_BACK)
                if self._silence() is not None:
                    return
