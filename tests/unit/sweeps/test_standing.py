import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from suite import locks
from suite.errors import DataError
from suite.sweeps.books import Books, Entry, Status
from suite.sweeps.plan import Cell, Plan
from suite.sweeps.standing import Standing, folder_named, read_standing
from suite.tracking.sweep_run import Sweep
from suite.verbs.sweep import counts_of, duration, main, state_of


def cell(backbone: str, seed: int) -> Cell:
    settings = {"backbone": backbone, "seed": str(seed), "epochs": "3"}
    overrides = (f"backbone={backbone}", f"seed={seed}", "epochs=3")
    return Cell(key=f"{backbone}{seed}", overrides=overrides, settings=settings)


CELLS = tuple(cell(backbone, seed) for backbone in ("mlp", "lstm") for seed in (0, 1, 2))


@pytest.fixture
def books(tmp_path: Path) -> Books:
    books = Books(tmp_path / "results" / "sweeps" / "s")
    Plan(command=("seed=0,1,2",), cells=CELLS).write(books.folder)
    Sweep(id="s", uri=None, experiment="sweeps", parallel=2, started=1.0).write(books.results)
    return books


def standing(**entries: Entry) -> Standing:
    every = {one.key: Entry() for one in CELLS} | entries
    plan = Plan(command=(), cells=CELLS)
    return Standing(name="s", plan=plan, entries=every, open=True, parallel=2, started=0.0)


DONE = Entry(status=Status.finished, run="r", seconds=10.0)


def test_time_left_is_that_of_cells_that_are_alike() -> None:
    assert standing().seconds_left() is None
    slow = replace(DONE, seconds=100.0)
    # Two more of the fast backbone, two of the slow: 220 seconds of work for two at once.
    assert standing(mlp0=DONE, lstm0=slow).seconds_left() == 110
    # What runs has some of its time behind it.
    now = time.time()
    at_it = Entry(status=Status.running, run="q", started=now - 60)
    some = standing(mlp0=DONE, mlp1=DONE, mlp2=DONE, lstm0=slow, lstm1=at_it)
    # 40 and 100 seconds at the same time: the longer decides.
    assert some.seconds_left(now) == 100


def test_nothing_is_left_of_what_is_done() -> None:
    assert standing(**{one.key: DONE for one in CELLS}).seconds_left() == 0


def test_alive_is_what_holds_its_lock(books: Books) -> None:
    at_it = Entry(status=Status.running, run="q", started=time.time(), place="here, process 1")
    for key in ("mlp0", "lstm1"):
        books.write(key, at_it)
    assert locks.take(books.folder / "locks" / "mlp0.lock")
    found = read_standing(books.folder)
    locks.release(books.folder / "locks" / "mlp0.lock")
    assert found.entries["mlp0"].status is Status.running
    assert found.entries["lstm1"].status is Status.killed
    assert counts_of(found) == "6 runs: 1 running, 1 killed, 4 pending"
    assert state_of(found) == "stopped, with runs still at work"


def test_status_and_list_as_people_read_them(
    books: Books, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    books.write("mlp0", DONE)
    books.write("mlp1", Entry(status=Status.failed, error="TrainingError: [the loss] is nan"))
    arguments = ["--results", str(books.results)]
    assert main(["status", *arguments]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == ["s: stopped", "  6 runs: 1 finished, 1 failed, 4 pending"]
    assert "backbone=mlp seed=1  TrainingError: [the loss] is nan" in said
    assert "The same command goes on with what is left." in said
    assert main(["list", *arguments]) == 0
    assert "6 runs: 1 finished, 1 failed, 4 pending" in capsys.readouterr().out


def test_status_for_programs(books: Books, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    books.write("mlp0", DONE)
    assert main(["status", "s", "--json", "--results", str(books.results)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"]["finished"] == 1
    assert told["seconds_left"] == 25
    assert told["cells"][0] | {"overrides": []} == {
        "key": "mlp0", "overrides": [], "status": "finished", "run": "r", "seconds": 10.0,
        "error": None,
    }  # fmt: skip
    assert main(["list", "--json", "--results", str(books.results)]) == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "s"


def test_a_search_tells_its_trials_and_the_best(
    books: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    import json

    Plan(command=(), cells=CELLS[:2], space={"lr": "interval(0,1)"}).write(books.folder)
    for key in ("mlp0", "mlp1"):
        books.write(key, DONE)
    told = {
        "metric": "validation/accuracy", "direction": "maximize", "seeds": 2, "n_trials": 9,
        "trials": {"finished": 1, "pruned": 0, "failed": 0},
        "best": {"value": 0.5, "params": {"lr": 0.1}},
    }  # fmt: skip
    (books.folder / "search.json").write_text(json.dumps(told))
    assert main(["status", "--results", str(books.results)]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "s: stopped"
    assert "9 trials: 1 finished" in said
    assert "best validation/accuracy 0.5000, mean of 2 seeds: lr=0.1" in said
    # One trial took 20 seconds; eight more, two at once.
    assert read_standing(books.folder).seconds_left() == 80


def test_a_sweep_is_found_by_name_or_age(books: Books, tmp_path: Path) -> None:
    assert folder_named(books.results, None) == books.folder
    older = books.results / "sweeps" / "older"
    Plan(command=(), cells=CELLS).write(older)
    os.utime(older / "plan.json", (1, 1))
    assert folder_named(books.results, None) == books.folder
    assert folder_named(books.results, "older") == older
    with pytest.raises(DataError, match=r"oldr: no such sweep in .*; did you mean 'older'"):
        folder_named(books.results, "oldr")
    with pytest.raises(DataError, match="has no sweep"):
        folder_named(tmp_path, None)


@pytest.mark.parametrize(
    ("seconds", "said"), [(5, "5 s"), (200, "3 min"), (9000, "2 h 30 min"), (90000, "1 d 1 h")]
)
def test_durations(seconds: float, said: str) -> None:
    assert duration(seconds) == said
