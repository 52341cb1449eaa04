"""What is found out about a run after its end: metrics and files for its row in MLflow."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from suite.errors import DataError
from suite.tracking import store
from suite.tracking.rows import legal
from suite.tracking.state import State


def send(
    run: Path, metrics: Mapping[str, float], files: Sequence[Path], *, folder: str
) -> str | None:
    """Send to the tracker that has the run; return a warning where that did not take it.

    run: its folder; one that no tracker was told of is sent nowhere. folder: of the artifacts.
    """
    uri = "its tracker"
    try:
        state = State.read(run)
        if state is None:
            return None
        uri = store.shown(state.uri)
        _send(run, state, metrics, files, folder)
    except Exception as error:  # whatever MLflow, its database or the network raise
        told = str(error) if isinstance(error, DataError) else store.first_line(error)
        return (
            f"MLflow at {uri} did not take everything ({told}); it is safe in {files[0].parent}. "
            f"Send it later: triathlon insight {run.name} --send"
        )
    return None


def _send(
    run: Path, state: State, metrics: Mapping[str, float], files: Sequence[Path], folder: str
) -> None:
    results = run.parent.parent
    client = store.connect(results, state.uri)
    from mlflow.entities import Metric

    if state.run is None or not store.has_run(client, state.run):
        raise DataError(f"it has no such run; triathlon sync {run.name}")
    stamp = int(time.time() * 1000)
    rows = [Metric(legal(name), value, stamp, 0) for name, value in metrics.items()]
    for part in store.calls(rows, store.METRICS_AT_ONCE):
        client.log_batch(state.run, metrics=part)
    for path in files:
        client.log_artifact(state.run, str(path), folder)
