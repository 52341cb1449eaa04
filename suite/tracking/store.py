"""Where MLflow keeps its rows, and a client that stays quiet and gives up soon.

mlflow is imported inside functions: it costs seconds, and a run without tracking needs none of it.
"""

import fcntl
import logging
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlencode

from suite.data.cache import atomic_path
from suite.tracking.knock import knock
from suite.trust.secrets import redacted

if TYPE_CHECKING:
    from mlflow import MlflowClient

T = TypeVar("T")

_SQLITE = "sqlite:///"
METRICS_AT_ONCE, PARAMS_AT_ONCE = 1000, 100
"""How many MLflow takes in one call."""
_SECONDS_BETWEEN = 0.1
"""How often a lock is tried."""
RUN_TAG = "triathlon.run_id"
SWEEP_TAG = "triathlon.sweep_id"

_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # At ERROR a database that is locked or full costs a traceback a call; we tell it in one line.
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    # With the defaults a dead server blocks one call for four minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
"""MLflow reads these while it is imported; those the user has set are left alone."""


def apply_settings() -> None:
    """Set what MLflow reads from the environment, before it is imported."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


def default_uri(results: Path) -> str:
    """Return the URI of the sqlite database in the results folder."""
    return f"{_SQLITE}{results.resolve() / 'mlflow.db'}"


def uri_of(results: Path, configured: str | None) -> str:
    """Return the configured tracking URI, else the default one."""
    return configured or default_uri(results)


def sqlite_path(uri: str) -> Path | None:
    """Return the file of an sqlite database, None where the URI names something else."""
    return Path(uri.removeprefix(_SQLITE)) if uri.startswith(_SQLITE) else None


def is_server(uri: str) -> bool:
    """Return whether the URI names an MLflow server rather than a database."""
    return uri.startswith(("http://", "https://"))


def shown(uri: str) -> str:
    """Return the URI without the password it may hold."""
    return redacted(uri)


def connect(results: Path, uri: str) -> "MlflowClient":
    """Return a client. A database that does not exist yet is created, by one process only.

    Creating one takes seconds. Raises within `knock.SECONDS` where no server or database answers.
    """
    apply_settings()
    from mlflow import MlflowClient

    knock(uri)
    if is_server(uri):
        return MlflowClient(tracking_uri=uri, registry_uri=uri)
    # These tell of every migration, and of every row that was there before.
    for name in ("alembic", "psycopg"):
        logging.getLogger(name).setLevel(logging.ERROR)
    results.mkdir(parents=True, exist_ok=True)
    with file_lock(results / "mlflow.db.lock"):
        database = sqlite_path(uri)
        if database is not None and not database.exists():
            _create(database)
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    return client


def _create(database: Path) -> None:
    """Create an sqlite database with MLflow's tables.

    MLflow runs some sixty migrations and waits for the disk after each; in memory they take a
    quarter of the time.
    """
    from mlflow import MlflowClient

    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    with tempfile.TemporaryDirectory(dir=memory if usable else None) as folder:
        draft = Path(folder) / database.name
        uri = f"{_SQLITE}{draft}"
        MlflowClient(tracking_uri=uri, registry_uri=uri).search_experiments(max_results=1)
        with atomic_path(database) as path:
            shutil.copyfile(draft, path)


def experiment_id(client: "MlflowClient", results: Path, uri: str, name: str) -> str:
    """Return the id of the experiment, created where it is missing, restored where deleted."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        place = None if is_server(uri) else (results.resolve() / "mlartifacts").as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=place))
        except MlflowException:
            found = client.get_experiment_by_name(name)
            if found is None:  # else another process was quicker
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def find_run(client: "MlflowClient", experiment: str, tag: str, value: str) -> str | None:
    """Return the id of the run that carries the tag, so that none is created twice."""
    runs = client.search_runs([experiment], f"tags.`{tag}` = '{value}'", max_results=1)
    return str(runs[0].info.run_id) if runs else None


def has_run(client: "MlflowClient", run: str) -> bool:
    """Return whether the tracker knows a run: a server may come back with an empty database."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_run(run)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False
    return True


def drop_twins(client: "MlflowClient", experiment: str, tag: str, value: str, run: str) -> None:
    """Delete other runs that carry the tag and hold no metric.

    MLflow's client repeats a request whose answer was lost, and the server then has created two.
    """
    for one in client.search_runs([experiment], f"tags.`{tag}` = '{value}'"):
        if one.info.run_id != run and not one.data.metrics:
            client.delete_run(one.info.run_id)


def prepare(results: Path, uri: str, experiment: str) -> str:
    """Create database and experiment where they are missing; return the experiment's id.

    Called in a sweep's parent, so that its jobs only append.
    """
    return experiment_id(connect(results, uri), results, uri, experiment)


def problem(results: Path, uri: str) -> str | None:
    """Return in one line why the tracker cannot be used, or None where it can."""
    try:
        connect(results, uri).search_experiments(max_results=1)
    except Exception as error:  # whatever MLflow, its database or the network raise
        return f"tracking.uri={shown(uri)}: not to be reached ({first_line(error)})"
    return None


def first_line(error: BaseException) -> str:
    """Return what an error says in one line, cut where it is very long."""
    lines = (str(error).strip() or type(error).__name__).splitlines()
    # SQLAlchemy may begin with advice to who wrote the query.
    first = next((line for line in lines if "raised as a result of" not in line), lines[0])
    text = redacted(shown(first))
    refused = re.search(r"too many (\d+) error responses", text)
    if refused:
        return f"it answers with error {refused[1]}"
    if "Read timed out" in text or "ConnectTimeoutError" in text:
        return "no answer"
    if "Max retries exceeded" in text:
        return "no connection"
    return text if len(text) <= 160 else text[:159] + "…"


def picture(run: str, path: str) -> str:
    """Return the address of a run's artifact, as a description on MLflow's own pages names it."""
    return f"get-artifact?{urlencode({'path': path, 'run_uuid': run})}"


def calls(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield items, as many at a time as fill a call."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def unsent(uri: str, folder: Path, error: BaseException) -> str:
    """Return the warning that a run's journal holds more than the tracker does."""
    return (
        f"MLflow at {shown(uri)} did not take everything ({first_line(error)}); the run is safe in "
        f"its journal. Send it later: triathlon sync {folder.name}"
    )


@contextmanager
def file_lock(path: Path, seconds: float | None = None) -> Iterator[None]:
    """Hold the file's lock; wait while another thread or process holds it.

    seconds: how long to wait before a `TimeoutError`, None for ever.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        _lock(file.fileno(), path, seconds)
        yield


def _lock(handle: int, path: Path, seconds: float | None) -> None:
    if seconds is None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return
    until = time.monotonic() + seconds
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(f"{path}: held by another process") from None
            time.sleep(_SECONDS_BETWEEN)
