"""Opens the books of the sweep that a command asks for: a new one, or one that it goes on with."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from suite import locks
from suite.config import OnChange, SweepConfig
from suite.errors import ConfigError, unwritable
from suite.record import RunRecord
from suite.sweeps.books import Books, Status
from suite.sweeps.plan import Plan, difference
from suite.tracking import store, sweep_run
from suite.tracking.sweep_run import Sweep, folder_of

if TYPE_CHECKING:
    from omegaconf import DictConfig

EXPERIMENT = "sweeps"
"""MLflow experiment of sweeps, unless `tracking.experiment` names another."""
_TRIES, _SECONDS_BETWEEN = 5, 0.1


@contextmanager
def opened(config: "DictConfig", plan: Plan, label: str) -> Iterator[tuple[Books, Plan]]:
    """Give the books of the sweep with this plan, and the plan as they have it from now on.

    The sweep is this process's alone until the context ends. label: what varies, for its name.
    Raises `ConfigError` where a sweep of this name, or else of this command, has other cells.
    """
    from omegaconf import OmegaConf

    settings: SweepConfig = OmegaConf.to_object(config.sweep)  # type: ignore[assignment]
    results = Path(config.results)
    root = results / "sweeps"
    running: Path | None = None
    try:
        with store.file_lock(results / "sweeps.lock"):
            given = settings.name or _hydras_name(config)
            name = _choose(given, settings.on_change, plan, root, label)
            folder = folder_of(results, name)
            known = Plan.read(folder)
            plan = known.extended(plan) if known is not None else plan
            running = folder / "locks" / "sweep.lock"
            if not _take(running):
                running = None
                raise ConfigError(
                    f"sweep {name}: is running; `triathlon sweep status {name}` shows how far it is"
                )
            plan.write(folder)
            _write_sweep(config, results, name)
    except OSError as error:
        raise unwritable(results, error) from error
    try:
        books = Books(folder)
        if known is None:
            _adopt(books, plan, results, name)
        os.environ[sweep_run.VARIABLE] = str(folder.resolve())
        yield books, plan
    finally:
        locks.release(running)


def running(folder: Path) -> bool:
    """Return whether a living process has the sweep open."""
    return locks.held(folder / "locks" / "sweep.lock")


def _hydras_name(config: "DictConfig") -> str | None:
    """Return the name that Hydra's own key gives the sweep, None where the user did not set it."""
    overrides = map(str, config.hydra.overrides.hydra)
    if any(one.startswith("hydra.sweep.dir=") for one in overrides):
        return Path(config.hydra.sweep.dir).name
    return None


def _choose(given: str | None, change: OnChange, plan: Plan, root: Path, label: str) -> str:
    name = given or f"{label}-{plan.identity[:6]}"
    known = Plan.read(root / name)
    if known is None and given is None:
        # The newest sweep of this command, or one of the same cells that has another name.
        for other in _newest_first(root):
            one = Plan.read(other)
            if one is None:
                continue
            if one.identity == plan.identity:
                return other.name
            if known is None and one.command == plan.command:
                name, known = other.name, one
        if known is not None and change is OnChange.new:
            return f"{label}-{plan.identity[:6]}"
    if known is None or known.identity == plan.identity or change is OnChange.extend:
        return name
    if change is OnChange.new:
        return _beside(root, name, plan)
    raise ConfigError(
        f"sweep {name}: has other runs than asked for: {difference(known, plan)}; give another "
        "sweep.name=…, or sweep.on_change=new to begin one beside it, or sweep.on_change=extend to "
        "add to it"
    )


def _beside(root: Path, name: str, plan: Plan) -> str:
    """Return the first of name-2, name-3, … that is free or has these cells."""
    number = 2
    while (known := Plan.read(root / f"{name}-{number}")) is not None:
        if known.identity == plan.identity:
            break
        number += 1
    return f"{name}-{number}"


def _newest_first(root: Path) -> list[Path]:
    plans = sorted(root.glob("*/plan.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.parent for path in plans]


def _take(lock: Path) -> bool:
    # `triathlon sweep status` holds it for a moment to see whether it is free.
    for _ in range(_TRIES):
        if locks.take(lock):
            return True
        time.sleep(_SECONDS_BETWEEN)
    return False


def _write_sweep(config: "DictConfig", results: Path, name: str) -> None:
    tracking = config.tracking
    uri = store.uri_of(results, tracking.uri) if tracking.enabled else None
    sweep = Sweep(
        id=name,
        uri=uri,
        experiment=tracking.experiment or EXPERIMENT,
        parallel=None,
        started=time.time(),
    )
    folder = folder_of(results, name)
    if (folder / "sweep.json").exists():
        before = Sweep.read(folder)
        sweep = replace(sweep, started=before.started or sweep.started)
        if (before.uri, before.experiment) == (sweep.uri, sweep.experiment):
            sweep = replace(sweep, parent=before.parent)
    sweep.write(results)


def _adopt(books: Books, plan: Plan, results: Path, name: str) -> None:
    """Enter finished runs of a sweep of this name whose books were lost."""
    keys = {cell.key for cell in plan.cells}
    for path in sorted(results.glob("runs/*/record.json")):
        if f'"sweep": "{name}"' not in path.read_text():
            continue
        record = RunRecord.read(path)
        if record.config_hash in keys and record.status == Status.finished.value:
            books.adopt(record.config_hash, record)


def announce(books: Books, name: str, plan: Plan) -> None:
    """Tell in a line what there is to do."""
    count = {status: 0 for status in Status}
    for cell in plan.cells:
        count[books.entry(cell.key).status] += 1
    parts = [f"{len(plan.cells)} runs"]
    done = count[Status.finished] + count[Status.pruned]
    if done:
        parts.append(f"{done} done before")
    if count[Status.failed]:
        parts.append(f"{count[Status.failed]} failed before, now made again from the start")
    if count[Status.killed]:
        parts.append(f"{count[Status.killed]} killed before, now gone on with")
    if count[Status.running]:
        parts.append(f"{count[Status.running]} still running in another process")
    print(f"sweep {name}: {', '.join(parts)}", file=sys.stdout, flush=True)
