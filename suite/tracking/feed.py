"""Feeds MLflow from one run's journal while the run goes on, from a thread."""

import threading
from pathlib import Path

from suite.tracking import store
from suite.tracking.shipment import Shipment

_SECONDS_BETWEEN = 3.0
_SECONDS_BETWEEN_AT_MOST = 60.0


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
        """Send the rest, for at most `timeout` seconds; return a warning if something is unsent."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
            if self._thread.is_alive():
                self._error = TimeoutError(f"no answer in {timeout:.0f} seconds")
        if self._error is None:
            return None
        return store.unsent(self._shipment.uri, self._shipment.folder, self._error)

    def _work(self) -> None:
        wait = 0.0
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
                return
