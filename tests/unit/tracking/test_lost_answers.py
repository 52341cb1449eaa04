"""What was stored and not acknowledged is there once when it has been sent again."""

import math
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from suite.record import RunRecord
from suite.tracking import shipment as shipment_module
from suite.tracking import store
from suite.tracking.journal import Journal, read_journal
from suite.tracking.rows import totals_of
from suite.tracking.shipment import Shipment
from suite.tracking.sweep_run import Sweep
from suite.tracking.sync import sync

COUNTS = {
    "runs": "SELECT COUNT(*) FROM runs WHERE lifecycle_stage = 'active'",
    "models": "SELECT COUNT(*) FROM logged_models WHERE lifecycle_stage = 'active'",
    "outputs": "SELECT COUNT(*) FROM inputs WHERE source_type = 'RUN_OUTPUT'",
    "data sets": "SELECT COUNT(*) FROM inputs WHERE source_type = 'DATASET'",
    "versions": "SELECT COUNT(*) FROM model_versions WHERE current_stage != 'Deleted_Internal'",
    "finished": "SELECT COUNT(*) FROM runs WHERE status = 'FINISHED'",
}
ROWS = """
SELECT m.key, m.step, m.timestamp, CASE WHEN m.is_nan THEN 'nan' ELSE m.value END
FROM metrics m JOIN tags t ON t.run_uuid = m.run_uuid AND t.key = 'triathlon.run_id'
"""


class LosesAnswers:
    """A server that does what it is asked, and is killed before it answers: once for each call."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.lost: set[tuple[str, str]] = set()

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        call = environ["REQUEST_METHOD"], environ["PATH_INFO"].rpartition("mlflow/")[2]
        if call[0] == "GET" or call in self.lost:
            answer: Iterable[bytes] = self.app(environ, start)
            return answer
        self.lost.add(call)
        for _ in self.app(environ, lambda *_: None):
            pass
        start("503 Service Unavailable", [])
        return [b"lost"]


def ask(results: Path, query: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{results / 'mlflow.db'}?mode=ro", uri=True) as database:
        found = list(database.execute(query))
    database.close()
    return found


def told(folder: Path) -> Counter[tuple[Any, ...]]:
    """Return the rows that the journal tells of."""
    rows: Counter[tuple[Any, ...]] = Counter()
    for event, _ in read_journal(folder / "journal.jsonl"):
        values, step = event.get("values", {}), event.get("step")
        if event["event"] == "end":
            values, step = totals_of(event["record"]), event["record"]["steps"]
        for name, value in values.items():
            if math.isinf(value):
                value = math.copysign(1.7976931348623157e308, value)  # as MLflow stores it
            rows[name, step, int(event["time"] * 1000), "nan" if math.isnan(value) else value] += 1
    return rows


@pytest.fixture
def whole(results: Path, record: Callable[..., RunRecord]) -> Path:
    """The folder of a run of a sweep, with all that a run may leave."""
    from mlflow.models import Model

    Sweep(id="s1", uri=None, experiment="sweeps").write(results)
    folder = results / "runs" / "one"
    journal = Journal(folder)
    one = record("one", sweep="s1", config={"tracking": {"register": "mine"}})
    journal.start(one)
    for step in range(1, 40):
        journal.metrics(step, {"train/loss": 1 / step, "train/same": 1.0})
    journal.metrics(40, {"odd/nan": math.nan, "odd/inf": math.inf, "odd/minus": -math.inf})
    (folder / "figures").mkdir()
    (folder / "figures" / "curves.png").write_bytes(b"png")
    journal.artifact(folder / "figures")
    (folder / "model").mkdir()
    (folder / "model" / "model.safetensors").write_bytes(b"weights")
    Model(flavors={"triathlon": {}}).save(str(folder / "model" / "MLmodel"))
    journal.artifact(folder / "model")
    one.status, one.steps = "finished", 40
    journal.end(one)
    return folder


def is_there_once(results: Path, folder: Path) -> None:
    counted = {name: ask(results, query)[0][0] for name, query in COUNTS.items()}
    assert counted == {
        "runs": 2,  # with the sweep's own
        "models": 1,
        "outputs": 1,
        "data sets": 1,
        "versions": 1,
        "finished": 1,
    }
    assert Counter(ask(results, ROWS)) == told(folder)


def test_a_server_that_dies_before_each_answer(
    results: Path, whole: Path, served: Callable[..., str]
) -> None:
    lossy: list[LosesAnswers] = []

    def around(app: Any) -> LosesAnswers:
        lossy.append(LosesAnswers(app))
        return lossy[0]

    uri = served(around)
    assert sync(results, uri).failed == {}
    lost = {path for _, path in lossy[0].lost}
    assert {"runs/create", "runs/log-batch", "logged-models", "model-versions/create"} <= lost
    is_there_once(results, whole)
    lossy[0].lost.clear()
    (whole / "tracking.json").unlink()
    assert sync(results, uri).sent == ["one"]
    is_there_once(results, whole)
    assert sync(results, uri).already == ["one"]


class Forgetful:
    """A client of a process that is killed after each kind of call, once, before it notes it."""

    def __init__(self, client: Any, killed: set[str]) -> None:
        self.client, self.killed = client, killed

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **more: Any) -> Any:
            result = getattr(self.client, name)(*arguments, **more)
            if name not in self.killed:
                self.killed.add(name)
                raise KeyboardInterrupt(name)
            return result

        return call


@pytest.mark.parametrize("noted", [True, False], ids=["noted", "nothing_noted"])
def test_a_process_that_is_killed_after_each_call(
    results: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, noted: bool
) -> None:
    killed: set[str] = set()
    connect = store.connect

    def forgetful(results: Path, uri: str) -> Any:
        return Forgetful(connect(results, uri), killed)

    monkeypatch.setattr(shipment_module.store, "connect", forgetful)
    for _ in killings():
        try:
            Shipment(whole, results, store.default_uri(results), None).send()
            break
        except KeyboardInterrupt:
            if not noted:
                (whole / "tracking.json").unlink(missing_ok=True)
    assert {"create_run", "create_logged_model", "log_outputs", "create_model_version"} <= killed
    is_there_once(results, whole)


def killings() -> Iterator[int]:
    yield from range(60)
    raise AssertionError("killed more often than there are kinds of calls")
