from collections.abc import Callable
from pathlib import Path

import pytest

from suite.errors import DataError
from suite.tracking.sync import sync


def test_sync(results: Path, finished: Callable[..., Path]) -> None:
    finished("one")
    finished("two")
    assert sync(results, runs=["two"]).sent == ["two"]
    summary = sync(results)
    assert (summary.sent, summary.already, summary.failed) == (["one"], ["two"], {})
    assert str(summary) == "sent 1, already there 1"


def test_sync_of_an_unknown_run(results: Path) -> None:
    with pytest.raises(DataError, match="three: no such run"):
        sync(results, runs=["three"])


def test_sync_tells_what_is_broken_and_goes_on(
    results: Path, finished: Callable[..., Path]
) -> None:
    (finished("one") / "tracking.json").write_text("{")
    finished("two")
    summary = sync(results)
    assert summary.sent == ["two"]
    assert "tracking.json: unreadable" in summary.failed["one"]
