"""What stands still is told of, with what the loop was doing, and ended where that is asked for.

Times are short and nothing is measured: tests wait until something has been told, however long that
takes.
"""

import threading
import time

import pytest

from suite.training import watchdog
from suite.training.loop import Unprofiled, fit
from suite.training.watchdog import FAILED, Patience, Watchdog

SOON = 0.02


def _until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(SOON)


@pytest.fixture
def told(monkeypatch):
    """What is printed, line by line: a thread's own prints come when they like."""
    lines = []
    monkeypatch.setattr(watchdog, "print", lambda line, **_: lines.append(line), raising=False)
    return lines


@pytest.fixture
def watch(tmp_path):
    def make(*, batch=None, stall=None, hang=None, **more):
        return Watchdog(Unprofiled(), Patience(batch, stall, hang), tmp_path / "run", **more)

    (tmp_path / "run").mkdir()
    return make


def test_patience_is_the_batchs_own_and_grows_with_what_is_usual():
    patience = Patience(batch=300, stall=600, hang=None)
    assert patience.before_warning("data", 1.0) == 300
    assert patience.before_warning("forward", 1.0) == 600
    assert patience.before_warning("forward", 90.0) == 1800
    assert Patience(None, None, 5).before_warning("data", 0.0) == float("inf")


def test_a_fit_that_stands_still_is_told_of_once_with_all_stacks(bench, watch, told, tmp_path):
    made = bench(steps=4)
    dog = watch(stall=SOON)
    made.run.profile, made.run.note = dog, dog.note
    loss, stacks = made.run.task.loss, tmp_path / "run" / "watchdog.txt"

    def hanging_in_a_forward_pass(model, batch):
        if len(made.run.meter.examples) == 2:
            _until(lambda: stacks.exists() and stacks.read_text().count("hanging_in_a_") == 1)
        return loss(model, batch)

    made.run.task.loss = hanging_in_a_forward_pass
    with dog.watching():
        assert fit(made.run).steps == 4
        dog.note("the end")
        _until(lambda: "it goes on" in told[-1])
    standing = [line for line in told if "nothing of forward" in line and "at step 3" in line]
    assert len(standing) == 1
    assert standing[0].startswith("warning: run: nothing of forward for ")
    assert "the process is waiting" in standing[0] or "the process is at work" in standing[0]
    assert not any(thread.name == "watchdog" for thread in threading.enumerate())


@pytest.mark.parametrize("doing", ["data", "evaluation", "checkpoint"])
def test_says_what_it_waits_for(watch, told, doing):
    dog = watch(batch=SOON, stall=SOON)
    dog.note(doing)
    with dog.watching():
        _until(lambda: told)
    assert ("no batch for " if doing == "data" else f"nothing of {doing} for ") in told[0]


def test_validation_and_checkpoint_are_told_to_it(bench, tmp_path):
    from suite.config import CheckpointConfig
    from suite.training.checkpoint import Checkpoints

    made = bench(steps=4, evaluate_every=0.2)
    config = CheckpointConfig(every_steps=3, every_minutes=None)
    made.run.checkpoints = Checkpoints(tmp_path / "run", config)
    heard = []
    made.run.note = heard.append
    fit(made.run)
    assert heard == ["evaluation", "checkpoint", "evaluation"]


def test_ends_what_hangs_with_the_exit_code_of_an_error(watch, told, tmp_path):
    ended = []
    dog = watch(hang=SOON, end=ended.append)
    dog.begin(7)
    dog.note("backward")
    with dog.watching():
        _until(lambda: ended)
    assert ended == [FAILED]
    assert "nothing of backward for" in told[0]
    assert "trainer.hang_seconds=0.02), ended; `triathlon resume run` goes on" in told[0]
    assert (tmp_path / "run" / "watchdog.txt").stat().st_size


def test_tells_of_a_machine_that_was_suspended(watch, told, monkeypatch):
    slept = iter([5.0])
    monkeypatch.setattr(watchdog, "_suspended_seconds", lambda: next(slept, 905.0))
    with watch(stall=4 * SOON).watching():
        _until(lambda: told)
    assert told[0] == "warning: run: the machine was suspended for 900 s"


def test_without_limits_there_is_no_thread(watch):
    with watch().watching():
        assert not any(thread.name == "watchdog" for thread in threading.enumerate())


def test_a_full_disk_does_not_end_the_watch(watch, told, tmp_path):
    (tmp_path / "run" / "watchdog.txt").mkdir()  # cannot be opened as a file
    dog = watch(stall=SOON)
    dog.note("forward")
    with dog.watching():
        _until(lambda: len(told) > 1)
        dog.note("backward")
        _until(lambda: any("backward" in line for line in told))
    assert "watchdog.txt cannot be written" in told[1]
