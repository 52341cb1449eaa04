"""Runs the cells of a sweep through one of Hydra's launchers, and outlives their processes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.errors import ConfigError, TriathlonError, one_line
from suite.sweeps import slots
from suite.sweeps.books import Books, Entry, Status
from suite.sweeps.plan import Cell
from suite.tracking.sweep_run import Sweep

if TYPE_CHECKING:
    from hydra.types import HydraContext, TaskFunction
    from omegaconf import DictConfig

    from suite.config import RunConfig

_SECONDS_BETWEEN = 0.5


@dataclass(frozen=True, kw_only=True)
class Context:
    """What Hydra gives a sweeper."""

    hydra: "HydraContext"
    task_function: "TaskFunction"
    config: "DictConfig"

    def cells(self, jobs: Sequence[Sequence[str]]) -> list[Cell]:
        """Compose the configuration of each list of overrides.

        One that cannot be composed raises; one that is composed but refused is a cell that fails.
        """
        cells = []
        for overrides in jobs:
            try:
                cells.append(Cell.of(self.config_of(overrides), overrides))
            except TriathlonError as error:
                cells.append(Cell.refused(str(error), overrides))
        return cells

    def config_of(self, overrides: Sequence[str]) -> "RunConfig":
        """Return the checked configuration that these overrides describe."""
        from suite.compose import to_run

        composed = self.hydra.config_loader.load_sweep_config(self.config, list(overrides))
        choices = composed.hydra.runtime.choices
        task = composed.copy()
        task._set_flag(["struct", "readonly"], [False, False])
        del task["hydra"]
        return to_run(task, choices)

    def settle_in(self, folder: Path) -> None:
        """Have Hydra, and all jobs, take this folder for the sweep's."""
        from omegaconf import OmegaConf, open_dict, read_write

        hydra = self.config.hydra
        with read_write(self.config), open_dict(self.config):
            hydra.sweep.dir = str(folder)
            quoted = str(folder).replace("'", "\\'")
            hydra.overrides.hydra.append(f"hydra.sweep.dir='{quoted}'")
        folder.mkdir(parents=True, exist_ok=True)
        OmegaConf.save(self.config, folder / "multirun.yaml")

    def launcher(self) -> Any:
        """Return the launcher that was chosen."""
        from hydra.core.plugins import Plugins

        return Plugins.instance().instantiate_launcher(
            hydra_context=self.hydra, task_function=self.task_function, config=self.config
        )

    def parallelism(self, jobs: int) -> int | None:
        """Return how many of so many jobs the launcher runs at once."""
        from omegaconf import OmegaConf

        options = OmegaConf.to_container(self.config.hydra.launcher)
        assert isinstance(options, dict)
        plain: Mapping[str, object] = {str(k): v for k, v in options.items()}
        return slots.parallelism(str(plain["_target_"]), dict(plain), jobs)


class Runner:
    """Runs cells. batch: how many at most are given to the launcher at once."""

    def __init__(self, context: Context, books: Books, batch: int | None = None) -> None:
        if batch is not None and batch < 1:
            raise ConfigError(f"hydra.sweeper.max_batch_size={batch}: must be above 0")
        self.books = books
        self._launcher = context.launcher()
        self._context = context
        self._batch = batch
        self._number = 0

    def run(self, cells: Sequence[Cell]) -> None:
        """Run those that are not done; return when none is left running.

        A process that dies takes others with it where the launcher stops them. What was running
        then is run again, one by one, so that the guilty one is found and the others are made.
        """
        for cell in cells:
            if cell.error is not None:
                entry = Entry(status=Status.failed, error=cell.error, overrides=cell.overrides)
                self.books.write(cell.key, entry)
        waiting = [c for c in cells if c.error is None and not self._entry(c).status.settled]
        # What a killed command has left running comes last: to wait for it keeps a slot.
        waiting.sort(key=lambda cell: self.books.alive(cell.key))
        suspects: list[Cell] = []
        self._divide(len(waiting))
        while waiting or suspects:
            if waiting:
                size = self._batch or len(waiting)
                batch, waiting = waiting[:size], waiting[size:]
            else:
                batch = [suspects.pop(0)]
            before = {cell.key: self._entry(cell) for cell in batch}
            error = self._launch(batch)
            if error is None:
                continue
            self._wait(batch)
            begun = [cell for cell in batch if self._entry(cell) != before[cell.key]]
            if not begun:
                raise error
            left = [cell for cell in batch if not self._over(cell, before[cell.key])]
            dead = [cell for cell in left if cell in begun]
            waiting = [cell for cell in left if cell not in begun] + waiting
            if len(batch) == 1:
                for cell in dead:
                    self._bury(cell, error)
            else:
                suspects += dead

    def _launch(self, cells: Sequence[Cell]) -> Exception | None:
        jobs = [cell.overrides for cell in cells]
        try:
            self._launcher.launch([list(job) for job in jobs], initial_job_idx=self._number)
        except TriathlonError:
            raise
        except Exception as error:  # whatever a launcher raises where a process of its dies
            return error
        finally:
            self._number += len(jobs)
        return None

    def _divide(self, jobs: int) -> None:
        """Note how the machine is divided, for the jobs to read."""
        parallel = self._context.parallelism(jobs)
        many = parallel is not None and parallel > 1
        sweep = replace(
            Sweep.read(self.books.folder),
            parallel=parallel,
            devices=tuple(slots.devices_here()) if many else (),
        )
        sweep.write(self.books.results)

    def _wait(self, cells: Sequence[Cell]) -> None:
        """Wait for jobs that go on although the launcher has given up."""
        while any(self.books.alive(cell.key) for cell in cells):
            time.sleep(_SECONDS_BETWEEN)

    def _entry(self, cell: Cell) -> Entry:
        return self.books.entry(cell.key)

    def _over(self, cell: Cell, before: Entry) -> bool:
        """Return whether a cell of the last batch needs no other try."""
        entry = self._entry(cell)
        return entry.status.settled or (entry.status is Status.failed and entry != before)

    def _bury(self, cell: Cell, error: Exception) -> None:
        reason = one_line(str(error)) or type(error).__name__
        said = f"its process died ({reason[:300]})"
        entry = replace(self._entry(cell), status=Status.failed, error=said)
        self.books.write(cell.key, entry)
