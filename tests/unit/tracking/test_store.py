import threading
from pathlib import Path

import pytest

from suite.tracking import store


def test_default_is_sqlite_in_the_results(tmp_path: Path) -> None:
    assert store.uri_of(tmp_path, None) == f"sqlite:///{tmp_path}/mlflow.db"
    assert store.uri_of(tmp_path, "http://there:5000") == "http://there:5000"


def test_passwords_are_not_shown() -> None:
    assert store.shown("postgresql://me:secret@db/mlflow") == "postgresql://***@db/mlflow"
    assert store.shown("http://127.0.0.1:5000") == "http://127.0.0.1:5000"


def test_several_prepare_one_experiment(results: Path) -> None:
    uri = store.default_uri(results)
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.append(store.prepare(results, uri, "sweeps")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == 1


def test_a_deleted_experiment_comes_back(results: Path) -> None:
    uri = store.default_uri(results)
    place = store.prepare(results, uri, "mine")
    store.connect(results, uri).delete_experiment(place)
    assert store.prepare(results, uri, "mine") == place
    assert store.connect(results, uri).get_experiment(place).lifecycle_stage == "active"


def test_artifacts_lie_in_the_results(results: Path) -> None:
    uri = store.default_uri(results)
    place = store.prepare(results, uri, "mine")
    location = store.connect(results, uri).get_experiment(place).artifact_location
    assert location == (results / "mlartifacts").as_uri()


def test_problem_names_the_tracker(results: Path) -> None:
    assert store.problem(results, store.default_uri(results)) is None
    assert "tracking.uri=http://127.0.0.1:9" in str(store.problem(results, "http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        ("NewConnectionError('… Connection refused')", "no connection"),
        ("ReadTimeoutError('… Read timed out. (read timeout=30)')", "no answer"),
        ("ResponseError('too many 500 error responses')", "it answers with error 500"),
    ],
)
def test_what_a_server_fails_with_is_told_in_few_words(cause: str, told: str) -> None:
    raised = OSError(f"HTTPConnectionPool(…): Max retries exceeded with url: … (Caused by {cause})")
    assert store.first_line(raised) == told


def test_an_error_in_a_line_has_no_password() -> None:
    raised = OSError("http://me:secret@there/api failed\nand more")
    assert store.first_line(raised) == "http://***@there/api failed"
