import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.record import RunRecord
from suite.tracking import feed as feed_module
from suite.tracking import store
from suite.tracking.feed import Feed
from suite.tracking.journal import Journal
from suite.tracking.shipment import Shipment
from suite.tracking.state import State

DEAD = "http://127.0.0.1:9"


def test_it_sends_while_the_run_goes_on(
    results: Path, record: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_SECONDS_BETWEEN", 0.05)
    folder = results / "runs" / "one"
    journal = Journal(folder)
    journal.start(record())
    feed = Feed(folder, results=results, uri=store.default_uri(results), experiment="mine")
    feed.start()
    journal.metrics(1, {"train/loss": 0.5})
    end = time.monotonic() + 20
    while time.monotonic() < end and _offset(folder) < journal.path.stat().st_size:
        time.sleep(0.02)
    assert _offset(folder) == journal.path.stat().st_size
    journal.end(record(status="finished"))
    assert feed.close() is None
    assert State.read(folder) is not None
    assert State.read(folder).done  # type: ignore[union-attr]


def _offset(folder: Path) -> int:
    state = State.read(folder)
    return state.offset if state else 0


def test_close_does_not_wait_for_a_hanging_server(
    results: Path, finished: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shipment, "send", lambda self: time.sleep(3))
    feed = Feed(finished(), results=results, uri=DEAD, experiment="mine")
    feed.start()
    begin = time.monotonic()
    warning = feed.close(timeout=0.1)
    assert time.monotonic() - begin < 1
    assert "not done in 0 seconds" in str(warning)


def test_an_error_on_connecting_is_a_warning(
    results: Path, finished: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ImportError("no module named mlflow")

    monkeypatch.setattr(store, "connect", broken)
    feed = Feed(finished(), results=results, uri=DEAD, experiment="mine")
    feed.start()
    assert "no module named mlflow" in str(feed.close())
