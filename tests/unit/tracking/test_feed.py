import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from suite.record import RunRecord
from suite.tracking import feed as feed_module
from suite.tracking import knock as knock_module
from suite.tracking import store
from suite.tracking.feed import Feed
from suite.tracking.journal import Journal
from suite.tracking.shipment import Shipment
from suite.tracking.state import State
from suite.tracking.sync import sync

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


def test_close_ends_in_time(
    results: Path, finished: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    monkeypatch.setattr(Shipment, "send", lambda self: released.wait(60))
    feed = Feed(finished(), results=results, uri=store.default_uri(results), experiment="mine")
    feed.start()
    assert "not done in 0 seconds" in str(feed.close(timeout=0.1))
    released.set()


def test_close_waits_for_a_slow_tracker_and_not_for_one_that_hangs(
    results: Path, finished: Callable[..., Path], hanging: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "_SECONDS_BEFORE_ASKING", 0.05)
    monkeypatch.setattr(knock_module, "SECONDS", 0.2)
    released, knocks = threading.Event(), []
    monkeypatch.setattr(Shipment, "send", lambda self: released.wait(60))

    def answers(uri: str) -> None:
        knocks.append(uri)
        if len(knocks) == 3:
            released.set()
        elif len(knocks) == 2:
            raise OSError("refused, as by a server that is being started again")

    knock = knock_module.knock
    monkeypatch.setattr(knock_module, "knock", answers)
    folder = finished()
    feed = Feed(folder, results=results, uri=hanging, experiment="mine")
    feed.start()
    assert feed.close() is None
    assert len(knocks) >= 3
    released.clear()
    monkeypatch.setattr(knock_module, "knock", knock)
    feed = Feed(folder, results=results, uri=hanging, experiment="mine")
    feed.start()
    # Well before the minute that it may take, else this test would.
    assert "no answer" in str(feed.close())
    released.set()


def test_a_dead_process_leaves_its_run_killed(
    results: Path, record: Callable[..., RunRecord]
) -> None:
    journal = Journal(results / "runs" / "one")
    journal.start(record())
    journal.metrics(1, {"train/loss": 0.5})
    journal.close()
    uri = store.default_uri(results)
    feed = Feed(journal.folder, results=results, uri=uri, experiment="mine")
    feed.start()
    feed.abandon()
    state = State.of(journal.folder, uri)
    assert state is not None
    run = store.connect(results, uri).get_run(state.run)
    assert run.info.status == "KILLED"
    assert run.data.metrics == {"train/loss": 0.5}


def limit_pages(connection: Any, _: Any) -> None:
    """Have sqlite say that its disk is full."""
    connection.execute("PRAGMA max_page_count = 1")


def forbid_writing(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA query_only = ON")


@pytest.mark.parametrize(
    ("trouble", "told"),
    [(limit_pages, "database or disk is full"), (forbid_writing, "readonly database")],
)
def test_a_database_that_takes_nothing_is_a_line_and_then_forgotten(
    results: Path, finished: Callable[..., Path], trouble: Any, told: str,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    folder, uri = finished(steps=400), store.default_uri(results)
    event.listen(Pool, "connect", trouble)
    try:
        feed = Feed(folder, results=results, uri=uri, experiment="mine")
        feed.start()
        warning = str(feed.close())
    finally:
        event.remove(Pool, "connect", trouble)
    assert told in warning
    assert "\n" not in warning
    assert capfd.readouterr().err == ""
    for engine in engines():
        engine.dispose()
    assert sync(results).sent == ["one"]


def engines() -> Iterable[Any]:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    return SqlAlchemyStore._engine_map.values()


def test_an_error_on_connecting_is_a_warning(
    results: Path, finished: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ImportError("no module named mlflow")

    monkeypatch.setattr(store, "connect", broken)
    feed = Feed(finished(), results=results, uri=DEAD, experiment="mine")
    feed.start()
    assert "no module named mlflow" in str(feed.close())
