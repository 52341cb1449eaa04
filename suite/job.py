"""One Hydra job: a composed configuration in, a trained and recorded run out."""

import os
import sys
import traceback
from multiprocessing import current_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.errors import ConfigError, TriathlonError
from suite.trust.secrets import redacted
from suite.trust.text import printable

if TYPE_CHECKING:
    from suite.config import RunConfig
    from suite.resumption import Unfinished
    from suite.sweeps.books import Entry

refused: list[TriathlonError] = []
"""Why the job of this process's command could not go on: Hydra puts a line of its own before an
error that it passes on, so the command line takes it from here."""


def job(composed: Any) -> str | None:
    """Run one job and return its run id.

    In a sweep its error goes on to the sweep's books, which let the other jobs go on.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from suite.compose import to_run

    hydra_config = HydraConfig.get()
    overrides = list(hydra_config.overrides.task)
    try:
        config = to_run(composed, hydra_config.runtime.choices)
        if hydra_config.mode is RunMode.MULTIRUN:
            _refuse_torchrun()
            parent = os.getppid()
            try:
                return _cell(config, overrides, Path(hydra_config.sweep.dir).name)
            finally:
                _leave_if_orphaned(parent)
        from suite.run import run

        return run(config, overrides, go_on=config.resume).run_id
    except TriathlonError as error:
        if hydra_config.mode is RunMode.RUN:
            refused.append(error)
            return None
        told = printable(redacted(f"{' '.join(overrides)}: {error}"))
        print(f"triathlon: {told}", file=sys.stderr)
        raise
    except Exception:
        if hydra_config.mode is RunMode.MULTIRUN:
            traceback.print_exc()
        raise


def _cell(config: "RunConfig", overrides: list[str], name: str) -> str | None:
    """Run one job of a sweep, unless it is done, and note what becomes of it."""
    from suite.sweeps import slots
    from suite.sweeps.books import Books
    from suite.sweeps.pruning import Watch
    from suite.tracking import sweep_run

    folder = sweep_run.folder_of(Path(config.results), name).resolve()
    # Launchers need not pass the environment on, and a process may serve two sweeps.
    os.environ[sweep_run.VARIABLE] = str(folder)
    sweep = sweep_run.Sweep.read(folder)
    with (
        slots.settled(folder, sweep.parallel, sweep.devices),
        Books(folder).claim(config.hash()) as claim,
    ):
        if claim.entry.status.settled:
            return claim.entry.run
        try:
            from suite.run import run

            watch = Watch.of(folder, config.hash())
            record = run(
                config,
                overrides,
                begun=lambda r: claim.begin(r.run_id, tuple(overrides)),
                observers=() if watch is None else (watch,),
                unfinished=_unfinished(config, claim.entry),
            )
        except SystemExit:  # interrupted: it is gone on with when the sweep is
            raise
        except BaseException as error:
            claim.fail(" ".join(str(error).split()) or type(error).__name__)
            raise
        claim.end(record)
        return record.run_id


def _refuse_torchrun() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            "-m: torchrun's processes train one run together and cannot share a sweep; sweep "
            "without torchrun, or call torchrun once for each run"
        )


def _unfinished(config: "RunConfig", entry: "Entry") -> "Unfinished | None":
    """Return the run of a cell whose process was killed, where it can be gone on with."""
    from suite.resumption import of_folder
    from suite.sweeps.books import Status

    if entry.status is not Status.killed or entry.run is None or not config.resume:
        return None
    return of_folder(Path(config.results).resolve() / "runs" / entry.run, config)


def _leave_if_orphaned(parent: int) -> None:
    """End a worker of joblib whose command was killed: it would wait for a next job for ever.

    What its last job came to is in the books.
    """
    if current_process().name.startswith("LokyProcess") and os.getppid() != parent:
        os._exit(0)
