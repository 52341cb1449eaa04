import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from suite.record import RunRecord
from suite.tracking import store
from suite.tracking.journal import Journal

MLFLOW_WARNINGS = (
    "ignore:The ``noload`` loader:DeprecationWarning",  # of SQLAlchemy 2.1
    "ignore:starlette.middleware.wsgi is deprecated",  # its server
    "ignore:.*Any type hint is inferred as AnyType:UserWarning",  # of its own models
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for ignored in MLFLOW_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(ignored))


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty MLflow database; making one takes seconds, copying it none."""
    folder = tmp_path_factory.mktemp("mlflow")
    store.connect(folder, store.default_uri(folder))
    return (folder / "mlflow.db").read_bytes()


@pytest.fixture
def results(tmp_path: Path, migrated: bytes) -> Iterator[Path]:
    folder = tmp_path / "results"
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(migrated)
    yield folder
    _dispose()


def _dispose() -> None:
    # MLflow keeps connections open, and an unclosed one is a warning.
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()


@pytest.fixture
def served(results: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Run MLflow's server over the results' database; return its address.

    around: makes the application that is served of MLflow's.
    """
    with ExitStack() as running:
        yield lambda around=lambda app: app: running.enter_context(
            _mlflow_server(results, monkeypatch, around)
        )


@contextmanager
def _mlflow_server(
    results: Path, monkeypatch: pytest.MonkeyPatch, around: Callable[[Any], Any]
) -> Iterator[str]:
    from mlflow.server import app, handlers
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *_: Any) -> None:
            """Say nothing."""

    settings = {
        "FILE_STORE": store.default_uri(results),
        "REGISTRY_STORE": store.default_uri(results),
        "ARTIFACT_ROOT": "mlflow-artifacts:/",
        "ARTIFACT_DESTINATION": (results / "served").as_uri(),
        "SERVE_ARTIFACTS": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(f"_MLFLOW_SERVER_{name}", value)
    # It keeps these from one server to the next.
    for name in ("_tracking_store", "_model_registry_store", "_artifact_repo"):
        monkeypatch.setattr(handlers, name, None)
    server = make_server("127.0.0.1", 0, around(app), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hanging() -> Iterator[str]:
    """The address of a server that lets everybody in and answers nobody."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(50)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def record() -> Callable[..., RunRecord]:
    def make(run_id: str = "one", **changes: Any) -> RunRecord:
        values: dict[str, Any] = {
            "run_id": run_id,
            "name": "digits mlp adamw 0",
            "task": "image_recognition",
            "data": "digits",
            "backbone": "mlp",
            "optimizer": "adamw",
            "config": {"seed": 0, "optimizer": {"lr": 0.001, "nesterov": True}, "name": None},
            "unit": "image",
            "primary": "accuracy",
            "direction": "maximize",
            "data_card": {
                "name": "digits",
                "version": "1",
                "licence": "CC0",
                "source": "UCI",
                "fingerprint": "ab" * 32,
                "sizes": {"train": 10},
                "synthetic": False,
            },
            "git": {"commit": "c0ffee", "dirty": True},
        }
        return RunRecord(**(values | changes))

    return make


@pytest.fixture
def finished(results: Path, record: Callable[..., RunRecord]) -> Callable[..., Path]:
    """Write the folder of a finished run of three steps."""

    def make(run_id: str = "one", steps: int = 3, **changes: Any) -> Path:
        folder = results / "runs" / run_id
        journal = Journal(folder)
        one = record(run_id, **changes)
        journal.start(one)
        for step in range(1, steps + 1):
            journal.metrics(step, {"train/loss": 1 / step, "time/training_seconds": float(step)})
        (folder / "figures").mkdir()
        (folder / "figures" / "curves.png").write_bytes(b"png")
        journal.artifact(folder / "figures" / "curves.png")
        journal.metrics(steps, {"test/accuracy": 0.9})
        one.status = "finished"
        one.metrics = {"test/accuracy": 0.9} | one.metrics
        one.steps, one.training_seconds, one.wall_seconds = steps, 2.5, 4.0
        one.throughput = {"examples_per_second": 50.0}
        one.reached = {"step": 2, "training_seconds": 1.5, "wall_seconds": 2.0}
        journal.end(one)
        return folder

    return make
