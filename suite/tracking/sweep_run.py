"""A sweep's own run in MLflow, the parent of its jobs' runs: created once, whoever comes first."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from suite.data.cache import atomic_path
from suite.errors import DataError
from suite.tracking import store

if TYPE_CHECKING:
    from mlflow import MlflowClient

VARIABLE = "TRIATHLON_SWEEP"
"""Environment variable that names the sweep's folder to its jobs, in whatever process they run."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep, as `sweep.json` in its folder tells.

    uri, experiment: where its runs go in MLflow; uri is None where tracking is off.
    parent: MLflow's id of the parent run, once there is one. ended: all jobs are over.
    reported: the summary was sent. parallel: how many jobs run at once on one machine, None where a
    cluster decides. devices: accelerators that these take by turn. started: seconds since 1970.
    """

    id: str
    uri: str | None
    experiment: str
    parent: str | None = None
    ended: bool = False
    reported: bool = False
    parallel: int | None = 1
    devices: tuple[str, ...] = ()
    started: float = 0.0

    def write(self, results: Path) -> None:
        """Write `sweep.json`, whole or not at all."""
        with atomic_path(folder_of(results, self.id) / "sweep.json") as path:
            path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Sweep":
        """Read `sweep.json` in the sweep's folder."""
        path = folder / "sweep.json"
        try:
            plain = json.loads(path.read_text())
            return cls(**{**plain, "devices": tuple(plain.get("devices", ()))})
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{path}: not a sweep ({error})") from error


def folder_of(results: Path, sweep: str) -> Path:
    """Return the sweep's folder."""
    return results / "sweeps" / sweep


def current_sweep() -> Sweep | None:
    """Return the sweep that this process runs a job of, or None."""
    folder = os.environ.get(VARIABLE)
    return Sweep.read(Path(folder)) if folder else None


def find_or_create(
    client: "MlflowClient", results: Path, experiment: str, uri: str, sweep: str
) -> str:
    """Return the id of the sweep's parent run. experiment: id of the experiment."""
    folder = folder_of(results, sweep)
    with store.file_lock(folder / ".lock"):
        known = Sweep.read(folder) if (folder / "sweep.json").exists() else None
        here = known is not None and known.uri == uri
        if here and known is not None and known.parent is not None:
            if store.has_run(client, known.parent):
                return known.parent
        run = store.find_run(client, experiment, store.SWEEP_TAG, sweep)
        if run is None:
            tags = {
                store.SWEEP_TAG: sweep,
                "mlflow.source.name": "triathlon",
                "mlflow.source.type": "LOCAL",
            }
            run = str(client.create_run(experiment, None, tags, run_name=sweep).info.run_id)
            store.drop_twins(client, experiment, store.SWEEP_TAG, sweep, run)
        if here and known is not None:
            replace(known, parent=run).write(results)
        return run
