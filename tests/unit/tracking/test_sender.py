import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from suite.record import RunRecord
from suite.tracking import sender as sender_module
from suite.tracking import store
from suite.tracking.journal import Journal
from suite.tracking.sender import Sender
from suite.tracking.shipment import State
from suite.tracking.sync import sync

DEAD = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a sending process of its own, and end it."""
    monkeypatch.setattr(sender_module, "_running", None)
    yield
    if sender_module._running is not None:
        sender_module._running.end()


def state_of(folder: Path) -> State:
    state = State.read(folder)
    assert state is not None
    return state


def begin(results: Path, record: Callable[..., RunRecord], name: str) -> tuple[Journal, Sender]:
    journal = Journal(results / "runs" / name)
    journal.start(record(run_id=name))
    sender = Sender(
        journal.folder, results=results, uri=store.default_uri(results), experiment="mine"
    )
    sender.start()
    return journal, sender


def test_one_process_serves_one_run_after_the_other(
    results: Path, record: Callable[..., RunRecord]
) -> None:
    processes = set()
    for name in ("one", "two"):
        journal, sender = begin(results, record, name)
        journal.metrics(1, {"train/loss": 0.5})
        journal.end(record(run_id=name, status="finished"))
        assert sender.close() is None
        assert state_of(journal.folder).done
        processes.add(sender_module._process())
    assert len(processes) == 1


def test_a_process_that_has_died_is_a_warning_and_the_next_run_has_another(
    results: Path, record: Callable[..., RunRecord]
) -> None:
    journal, sender = begin(results, record, "one")
    sender_module._process()._popen.kill()
    sender_module._process()._popen.wait()
    journal.end(record(run_id="one", status="finished"))
    warning = sender.close()
    assert warning is not None
    assert "triathlon sync one" in warning
    journal, sender = begin(results, record, "two")
    journal.end(record(run_id="two", status="finished"))
    assert sender.close() is None
    assert sync(results).sent == ["one"]


KILLED = """
import os, sys
from pathlib import Path
from suite.tracking import store
from suite.tracking.sender import Sender
results = Path(sys.argv[1])
Sender(results / "runs" / "one", results=results, uri=store.default_uri(results),
       experiment="mine").start()
os._exit(9)
"""


def test_what_a_killed_training_process_has_written_is_sent(
    results: Path, finished: Callable[..., Path]
) -> None:
    folder = finished("one")
    assert subprocess.run([sys.executable, "-c", KILLED, results], check=False).returncode == 9
    until = time.monotonic() + 60
    while time.monotonic() < until and not ((state := State.read(folder)) and state.done):
        time.sleep(0.05)
    assert state_of(folder).done


def test_a_state_that_cannot_be_read_is_a_warning(
    results: Path, finished: Callable[..., Path]
) -> None:
    folder = finished("one")
    (folder / "tracking.json").write_text("{")
    sender = Sender(folder, results=results, uri=store.default_uri(results), experiment="mine")
    sender.start()
    assert "tracking.json: unreadable" in str(sender.close())


def test_a_dead_server_costs_a_warning(
    results: Path, record: Callable[..., RunRecord], finished: Callable[..., Path]
) -> None:
    folder = finished()
    sender = Sender(folder, results=results, uri=DEAD, experiment="mine")
    sender.start()
    begin = time.monotonic()
    warning = sender.close(timeout=15)
    assert time.monotonic() - begin < 16
    assert warning is not None
    assert "\n" not in warning
    assert "triathlon sync one" in warning
    assert DEAD in warning
    # Later, to a tracker that lives.
    assert sync(results, store.default_uri(results)).sent == ["one"]
    assert State.read(folder).done  # type: ignore[union-attr]
