"""Makes the runs of the claims, each process on one thread; what is done is kept."""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from suite.claims.cells import Cell
from suite.data.cache import atomic_path
from suite.errors import TrainingError, TriathlonError
from suite.record import RunRecord

_QUIET = (
    "hardware=cpu_single", "tracking.enabled=false", "tracking.log_model=false",
    "tracking.figures=false", "trainer.checkpoint.every_minutes=null",
    "trainer.on_nonfinite=skip", "trainer.max_nonfinite=1000000",
)  # fmt: skip
"""Of hundreds of short runs the claims are what is looked at. That a learning rate is too large
is a result, and no reason to stop."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run to make. looks: names of functions of `suite.claims.looks` that then look into it."""

    overrides: tuple[str, ...]
    looks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job: the run's folder, or its error."""

    folder: Path | None
    error: str = ""
    seconds: float = 0.0


def overrides_of(cell: Cell, results: Path) -> tuple[str, ...]:
    """Return the overrides of a cell's run, as it is made."""
    return (*_QUIET, *cell.overrides, f"results={_quoted(results)}")


def run_all(jobs: Sequence[Job], *, processes: int) -> dict[Job, Outcome]:
    """Make all runs; return what became of each. One that fails does not stop the others."""
    outcomes: dict[Job, Outcome] = {}
    waiting = list(dict.fromkeys(jobs))
    began, total = time.monotonic(), len(waiting)
    while waiting:
        # Spawned: a fork of a process that has used torch's threads may hang.
        with ProcessPoolExecutor(
            processes, mp_context=get_context("spawn"), initializer=_settle
        ) as pool:
            pending: dict[Future[Outcome], Job] = {pool.submit(_made, job): job for job in waiting}
            try:
                while pending:
                    finished, _ = wait(pending, return_when=FIRST_COMPLETED)
                    for future in finished:
                        outcomes[pending[future]] = future.result()
                        del pending[future]
                    _tell(len(outcomes), total, time.monotonic() - began)
            except BrokenProcessPool:
                # One of those under way has killed its process; alone, it is found.
                left = [job for job in waiting if job not in outcomes]
                outcomes |= {job: _alone(job) for job in left[:processes]}
        waiting = [job for job in waiting if job not in outcomes]
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return outcomes


def _alone(job: Job) -> Outcome:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_settle) as pool:
        try:
            return pool.submit(_made, job).result()
        except BrokenProcessPool:
            return Outcome(folder=None, error="its process died; memory may have run out")


def _settle() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)


def _made(job: Job) -> Outcome:
    """Make a run, or find it made, and look into it."""
    from suite.compose import compose
    from suite.resumption import find
    from suite.run import run

    began = time.monotonic()
    try:
        config = compose(job.overrides)
        results = Path(config.results).resolve()
        folder = _found(results, config.hash())
        if folder is None:
            with open(os.devnull, "w") as nowhere:
                out, sys.stdout = sys.stdout, nowhere
                try:
                    record = run(config, job.overrides, unfinished=find(results, config))
                finally:
                    sys.stdout = out
            folder = results / "runs" / record.run_id
            _note(results, config.hash(), folder)
        for name in job.looks:
            _look(folder, name)
    except TriathlonError as error:
        return Outcome(folder=None, error=str(error))
    except SystemExit as stop:
        raise TrainingError("stopped by a signal; the same command goes on") from stop
    return Outcome(folder=folder, seconds=time.monotonic() - began)


def _found(results: Path, key: str) -> Path | None:
    """Return the folder of a finished run of this configuration and code."""
    from suite.resumption import code

    path = results / "done" / f"{key}.json"
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    folder = results / "runs" / Path(str(told.get("run"))).name
    same = told.get("code") == code() and (folder / "record.json").is_file()
    return folder if same else None


def _note(results: Path, key: str, folder: Path) -> None:
    from suite.resumption import code

    with atomic_path(results / "done" / f"{key}.json") as path:
        path.write_text(json.dumps({"run": folder.name, "code": code()}) + "\n")


def _look(folder: Path, name: str) -> None:
    """Have a function look into a run, unless it has; keep what it returns."""
    path = looked_path(folder, name)
    if path.is_file():
        return
    from suite.claims import looks

    seen = getattr(looks, name)(folder)
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(seen) + "\n")


def looked_path(folder: Path, name: str) -> Path:
    """Return where it is kept what a function has seen in a run."""
    return folder / "looked" / f"{name}.json"


def read_look(folder: Path, name: str) -> Mapping[str, Any]:
    """Return what a function has seen in a run."""
    seen: Mapping[str, Any] = json.loads(looked_path(folder, name).read_text())
    return seen


def read_record(folder: Path) -> RunRecord:
    """Return the record of a run."""
    return RunRecord.read(folder / "record.json")


def _tell(done: int, total: int, seconds: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} runs, {seconds / 60:.1f} minutes", end="", file=sys.stderr)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "\\'") + "'"
