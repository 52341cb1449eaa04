"""A launcher's dead process costs no cell but its own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from suite.record import RunRecord
from suite.sweeps.books import Books, Status
from suite.sweeps.plan import Cell
from suite.sweeps.runner import Context, Runner
from suite.tracking.sweep_run import Sweep

Job = Callable[[str], None]


class Launcher:
    """Runs jobs in turn; one that dies takes with it what would run beside it."""

    def __init__(self, books: Books, beside: int, deadly: Sequence[str]) -> None:
        self.books, self.beside, self.deadly = books, beside, deadly
        self.batches: list[list[str]] = []

    def launch(self, jobs: Sequence[Sequence[str]], initial_job_idx: int) -> None:
        keys = [job[0] for job in jobs]
        self.batches.append(keys)
        for start in range(0, len(keys), self.beside):
            together = keys[start : start + self.beside]
            died = set(together) & set(self.deadly)
            for key in together:
                with self.books.claim(key) as claim:
                    claim.begin(f"{key}-{len(self.batches)}")
                    if not died:
                        claim.end(RunRecord(run_id="r", name="r", status="finished"))
            if died:
                raise RuntimeError("a worker was\nkilled")


class Hydra:
    """What a runner asks of Hydra."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher

    def launcher(self) -> Launcher:
        return self._launcher

    def parallelism(self, jobs: int) -> int:
        return 2


@pytest.fixture
def books(tmp_path: Path) -> Books:
    books = Books(tmp_path / "results" / "sweeps" / "s")
    Sweep(id="s", uri=None, experiment="sweeps").write(books.results)
    return books


def cells(names: str) -> list[Cell]:
    return [Cell(key=name, overrides=(name,)) for name in names]


def runner(launcher: Launcher, batch: int | None = None) -> Runner:
    return Runner(cast(Context, Hydra(launcher)), launcher.books, batch)


def stand(books: Books, names: str) -> dict[str, Status]:
    return {name: books.entry(name).status for name in names}


def test_all_are_run_and_none_twice(books: Books) -> None:
    launcher = Launcher(books, 2, "")
    runner(launcher).run(cells("abc"))
    runner(launcher).run(cells("abcd"))
    assert launcher.batches == [["a", "b", "c"], ["d"]]
    assert set(stand(books, "abcd").values()) == {Status.finished}
    assert Sweep.read(books.folder).parallel == 2


def test_batches_have_a_size(books: Books) -> None:
    launcher = Launcher(books, 1, "")
    runner(launcher, batch=2).run(cells("abc"))
    assert launcher.batches == [["a", "b"], ["c"]]


@pytest.mark.parametrize("guilty", ["a", "b", "d", "bd", "ab"])
def test_the_guilty_cell_fails_and_all_others_are_made(books: Books, guilty: str) -> None:
    launcher = Launcher(books, 2, guilty)
    runner(launcher).run(cells("abcde"))
    for name, status in stand(books, "abcde").items():
        assert status is (Status.failed if name in guilty else Status.finished), name
    assert books.entry(guilty[0]).error == "its process died (a worker was; killed)"


def test_a_launcher_that_starts_nothing_stops_the_sweep(books: Books) -> None:
    launcher = Launcher(books, 2, "")
    launcher.launch = cast(Any, lambda jobs, initial_job_idx: 1 / 0)  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        runner(launcher).run(cells("ab"))


def test_a_cell_that_is_refused_fails_without_being_launched(books: Books) -> None:
    launcher = Launcher(books, 2, "")
    bad = Cell.refused("seed=-1: must be 0 or above", ["seed=-1"])
    runner(launcher).run([*cells("a"), bad])
    assert launcher.batches == [["a"]]
    assert books.entry(bad.key).error == "seed=-1: must be 0 or above"
