"""What MLflow has to be told of a sweep beside what its runs send: a parent, and what is void."""

import sys
from pathlib import Path

from suite.tracking import store, sweep_run
from suite.tracking.shipment import Shipment
from suite.tracking.state import State
from suite.tracking.sweep_run import Sweep, folder_of

_SUPERSEDED = "superseded_by"
_DONE = "withdrawn"


def prepare(results: Path, sweep: Sweep) -> None:
    """Create database, experiment and parent run, so that jobs only append; warn where it fails."""
    if sweep.uri is None:
        return
    try:
        place = store.prepare(results, sweep.uri, sweep.experiment)
        client = store.connect(results, sweep.uri)
        parent = sweep_run.find_or_create(client, results, place, sweep.uri, sweep.id)
        client.update_run(parent, status="RUNNING")  # one that goes on had ended before
        withdraw(results, sweep)
    except Exception as error:  # jobs go on, and `triathlon sync` makes up for it
        uri = store.shown(sweep.uri)
        message = f"MLflow at {uri} is not to be reached ({store.first_line(error)})"
        print(f"warning: {message}; `triathlon sync` sends what is missing", file=sys.stderr)


def withdraw(results: Path, sweep: Sweep) -> None:
    """Delete the rows of runs that were made again; raise whatever MLflow raises.

    MLflow keeps deleted runs until `mlflow gc`, and shows them on demand.
    """
    if sweep.uri is None:
        return
    void = folder_of(results, sweep.id) / "superseded"
    folders = [one for one in sorted(void.glob("*")) if not (one / _DONE).exists()]
    if not folders:
        return
    client = store.connect(results, sweep.uri)
    place = store.experiment_id(client, results, sweep.uri, sweep.experiment)
    for folder in folders:
        state = State.of(folder, sweep.uri)
        # Its process may have been killed between creating the row and noting so.
        run = state.run if state is not None else None
        run = run or store.find_run(client, place, store.RUN_TAG, folder.name)
        if run is not None and client.get_run(run).info.lifecycle_stage == "active":
            client.set_tag(run, _SUPERSEDED, "a later run of the same sweep")
            client.set_terminated(run, "KILLED")
            client.delete_run(run)
        (folder / _DONE).touch()


def catch_up(results: Path, sweep: Sweep, runs: list[str]) -> None:
    """Send what killed processes left unsent of these runs; raise whatever MLflow raises."""
    if sweep.uri is None:
        return
    for run in runs:
        folder = results / "runs" / run
        if (folder / "journal.jsonl").exists():
            shipment = Shipment(folder, results, sweep.uri, sweep.experiment)
            if not shipment.complete():
                shipment.send()
