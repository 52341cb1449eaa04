import fcntl
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from suite.errors import DataError
from suite.tracking import knock as knock_module
from suite.tracking import store
from suite.tracking import sync as sync_module
from suite.tracking.journal import Journal
from suite.tracking.shipment import Shipment
from suite.tracking.state import State
from suite.tracking.sync import sync


def test_sync(results: Path, finished: Callable[..., Path]) -> None:
    finished("one")
    finished("two")
    assert sync(results, runs=["two"]).sent == ["two"]
    summary = sync(results)
    assert (summary.sent, summary.already, summary.failed) == (["one"], ["two"], {})
    assert str(summary) == "sent 1, already there 1"


def test_sync_of_an_unknown_run(results: Path) -> None:
    with pytest.raises(DataError, match="three: no such run"):
        sync(results, runs=["three"])


def test_sync_tells_what_is_broken_and_goes_on(
    results: Path, finished: Callable[..., Path]
) -> None:
    (finished("one") / "tracking.json").write_text("{")
    finished("two")
    summary = sync(results)
    assert summary.sent == ["two"]
    assert "tracking.json: unreadable" in summary.failed["one"]
    # Once the tracker is named, the file is made anew.
    assert sync(results, store.default_uri(results), ["one"]).sent == ["one"]
    assert sync(results).already == ["one", "two"]


def test_sync_through_a_server_twice_is_the_same(
    results: Path, finished: Callable[..., Path], served: Callable[..., str]
) -> None:
    finished("one")
    uri = served()
    assert sync(results, uri).sent == ["one"]
    before = dump(results)
    (results / "runs" / "one" / "tracking.json").unlink()
    assert sync(results, uri).sent == ["one"]
    assert dump(results) == before
    assert sync(results).already == ["one"]


def dump(results: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{results / 'mlflow.db'}?mode=ro", uri=True)) as database:
        tables = ("runs", "metrics", "params", "tags", "inputs")
        return [line for line in database.iterdump() if line.startswith(
            tuple(f'INSERT INTO "{table}"' for table in tables))]  # fmt: skip


def test_trouble_with_one_run_does_not_stop_the_others(
    results: Path, finished: Callable[..., Path], served: Callable[..., str]
) -> None:
    uri = served()
    finished("one")
    assert sync(results, uri).sent == ["one"]
    state = State.read(results / "runs" / "one")
    assert state is not None
    # Somebody has deleted it in MLflow, and there is more to send.
    store.connect(results, uri).delete_run(str(state.run))
    with (results / "runs" / "one" / "journal.jsonl").open("a") as file:
        file.write('{"event": "metrics", "time": 1, "step": 9, "values": {"train/loss": 1}}\n')
    finished("two")
    summary = sync(results, uri)
    assert summary.sent == ["two"]
    assert "deleted" in summary.failed["one"]


@pytest.mark.parametrize("tracker", ["dead", "hanging", "locked"])
def test_many_runs_ask_a_tracker_that_is_away_once(
    results: Path,
    finished: Callable[..., Path],
    hanging: str,
    monkeypatch: pytest.MonkeyPatch,
    tracker: str,
) -> None:
    for number in range(20):
        finished(f"run{number}")
    monkeypatch.setattr(knock_module, "SECONDS", 0.2)
    asked: list[Path] = []
    send = Shipment.send
    monkeypatch.setattr(
        Shipment, "send", lambda self, p: (asked.append(self.folder), send(self, p))
    )
    uri = {"dead": "http://127.0.0.1:9", "hanging": hanging}.get(tracker)
    with locked(results, monkeypatch, tracker == "locked"):
        summary = sync(results, uri)
    assert len(asked) == 1
    assert len(summary.failed) == 20
    told = {"dead": "no connection", "hanging": "no answer", "locked": "database is locked"}
    assert all(told[tracker] in reason for reason in summary.failed.values())
    # None of it is held against the runs.
    assert len(sync(results, store.default_uri(results)).sent) == 20


@contextmanager
def locked(results: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool) -> Iterator[None]:
    """Hold the database as another process may."""
    if not wanted:
        yield
        return
    impatient(monkeypatch)
    with closing(sqlite3.connect(results / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have MLflow wait for a locked database a moment only, and not twenty seconds."""
    import sqlalchemy

    text = sqlalchemy.text
    monkeypatch.setattr(
        "mlflow.store.db.utils.sql.text", lambda sql: text(sql.replace("20000", "10"))
    )


def test_a_run_that_its_own_process_sends_is_left_to_it(
    results: Path, finished: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_module, "_PATIENCE_SECONDS", 0.05)
    with (finished("one") / ".tracking.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        finished("two")
        summary = sync(results)
    assert summary.sent == ["two"]
    assert "held by another process" in summary.failed["one"]
    assert sync(results).sent == ["one"]


def test_a_run_that_is_deleted_meanwhile_is_nobodys_trouble(
    results: Path, finished: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = finished("one")
    monkeypatch.setattr(Shipment, "_artifact", lambda self, name: shutil.rmtree(self.folder))
    summary = sync(results)
    assert (summary.sent, summary.failed) == ([], {})
    assert not folder.exists()


def test_a_run_that_is_about_to_start_is_passed_over(results: Path) -> None:
    journal = Journal(results / "runs" / "one")
    journal._file.write(b'{"event": "sta')
    journal.close()
    assert str(sync(results)) == "sent 0, already there 0"


def test_broken_lines_are_told(results: Path, finished: Callable[..., Path]) -> None:
    path = finished("one") / "journal.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"\x80\n" + b"".join(rest) + b"\xff\n")
    assert "one: lines of its journal that are no events, and were left out: 2" in str(
        sync(results)
    )
    assert sync(results).already == ["one"]
