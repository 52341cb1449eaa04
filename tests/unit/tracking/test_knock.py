from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.tracking import knock as knock_module
from suite.tracking import store
from suite.tracking.knock import knock


def test_who_answers_is_there_be_it_with_an_error(
    results: Path, served: Callable[..., str]
) -> None:
    def broken(app: Any) -> Any:
        def application(environ: Any, start: Any) -> list[bytes]:
            start("500 Internal Server Error", [])
            return [b"broken"]

        return application

    knock(served(broken))
    knock(store.default_uri(results))


def test_who_hangs_is_not(hanging: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(knock_module, "SECONDS", 0.2)
    assert store.problem(tmp_path, hanging) == (
        f"tracking.uri={hanging}: not to be reached (no answer)"
    )


@pytest.mark.parametrize("address", ["127.0.0.1:9", "hanging"])
def test_a_database_is_not_asked_for_minutes(
    hanging: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg")
    monkeypatch.setattr(knock_module, "SECONDS", 2)  # psycopg takes no less
    place = hanging.removeprefix("http://") if address == "hanging" else address
    problem = str(store.problem(tmp_path, f"postgresql://me:secret@{place}/mlflow"))
    assert f"tracking.uri=postgresql://***@{place}/mlflow: not to be reached" in problem
    assert "secret" not in problem
