import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from suite.record import RunRecord
from suite.tracking import sender as sender_module
from suite.tracking import store
from suite.tracking.journal import Journal
from suite.tracking.sender import Sender
from suite.tracking.state import State
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
        until = time.monotonic() + 60
        while time.monotonic() < until and not (journal.folder / "tracking.json").exists():
            time.sleep(0.05)
        # As a scheduler tells all processes of a job; the training has a last word to say.
        sender_module._process()._popen.terminate()
        journal.end(record(run_id=name, status="finished"))
        assert sender.close() is None
        assert state_of(journal.folder).done
        processes.add(sender_module._process())
    assert len(processes) == 1


def fill(process: Any) -> None:
    while True:
        process.tell({"x": "x" * 4000})


@pytest.mark.parametrize("stopped", [signal.SIGKILL, signal.SIGSTOP])
def test_a_run_is_sent_though_its_process_is_gone(
    results: Path, record: Callable[..., RunRecord], stopped: signal.Signals
) -> None:
    journal, sender = begin(results, record, "one")
    first = sender_module._process()
    first._popen.send_signal(stopped)
    journal.end(record(run_id="one", status="finished"))
    if stopped is signal.SIGSTOP:
        # It takes nothing any more: the pipe fills up, and nobody waits for that.
        with pytest.raises(BrokenPipeError, match="does not read"):
            fill(first)
    assert sender.close() is None
    assert state_of(journal.folder).done
    assert sender_module._process() is not first


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
