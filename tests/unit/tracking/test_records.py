import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from suite.errors import DataError
from suite.record import RunRecord, read_records
from suite.tracking import store
from suite.tracking.journal import Journal
from suite.tracking.records import records_of_store, restore
from suite.tracking.rows import packed
from suite.tracking.shipment import Shipment


@pytest.fixture
def sent(results: Path, record: Callable[..., RunRecord]) -> str:
    """The address of a store with a finished and a failed run, and one that has not ended."""
    uri = store.default_uri(results)
    for number, run_id in enumerate(("late", "early", "open")):
        folder = results / "runs" / run_id
        journal = Journal(folder)
        one = record(run_id, started=f"2026-01-0{3 - number}")
        journal.start(one)
        for step in (10, 20, 30):
            values = {"validation/accuracy": step / 31, "time/training_seconds": step / 7}
            journal.metrics(step, values)
            journal.metrics(step, {"train/loss": 1 / step})
        (folder / "mistakes").mkdir()
        (folder / "mistakes" / "mistakes.json").write_text("[]")
        journal.artifact(folder / "mistakes")
        if run_id == "early":
            one.status, one.error = "failed", "broken"
        else:
            one.status, one.metrics = "finished", {"test/accuracy": 0.1 + 0.2}
            one.intervals = {"test/accuracy": (0.2, 0.4, "Wilson score")}
        if run_id == "open":
            journal.close()
        else:
            journal.end(one)
        Shipment(folder, results, uri, "mine").send()
    return uri


def test_records_are_those_of_the_results_folder(sent: str, results: Path, tmp_path: Path) -> None:
    # The database alone: its artifacts are gone.
    shutil.rmtree(results / "mlartifacts")
    assert records_of_store(sent, tmp_path) == read_records(results)
    assert [one.run_id for one in records_of_store(sent, tmp_path)] == ["early", "late"]


def test_what_reports_read_is_restored(sent: str, results: Path, tmp_path: Path) -> None:
    from suite.report.page.learning import read_curve
    from suite.tracking.journal import read_journal

    to = tmp_path / "restored"
    assert restore(sent, to) == read_records(results) == read_records(to)
    early, late = (to / "runs" / name for name in ("early", "late"))
    one, other = (
        read_curve((event for event, _ in read_journal(folder / "journal.jsonl")), "accuracy")
        for folder in (late, results / "runs" / "late")
    )
    assert one is not None
    assert other is not None
    for name in ("step_P", "training_seconds_P", "value_P"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert (late / "mistakes" / "mistakes.json").read_text() == "[]"
    assert not (late / "figures").exists()
    assert [path.name for path in early.iterdir()] == ["record.json"]


def test_a_run_that_was_deleted_does_not_count(sent: str, results: Path, tmp_path: Path) -> None:
    client = store.connect(results, sent)
    place = client.get_experiment_by_name("mine").experiment_id
    run = store.find_run(client, place, store.RUN_TAG, "late")
    client.delete_run(run)
    assert [one.run_id for one in records_of_store(sent, tmp_path)] == ["early"]


def test_a_name_that_reaches_out_is_refused(sent: str, results: Path, tmp_path: Path) -> None:
    client = store.connect(results, sent)
    place = client.get_experiment_by_name("mine").experiment_id
    run = store.find_run(client, place, store.RUN_TAG, "late")
    plain = json.loads((results / "runs" / "late" / "record.json").read_text())
    for run_id in ("../../out", ".."):
        for name, value in packed(plain | {"run_id": run_id}).items():
            client.set_tag(run, name, value)
        with pytest.raises(DataError, match="is no name of a run"):
            restore(sent, tmp_path / "to")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "to" / "record.json").exists()


def test_what_a_record_names_is_never_built(sent: str, results: Path, tmp_path: Path) -> None:
    client = store.connect(results, sent)
    place = client.get_experiment_by_name("mine").experiment_id
    run = store.find_run(client, place, store.RUN_TAG, "late")
    plain = json.loads((results / "runs" / "late" / "record.json").read_text())
    evil = {"_target_": "os.mkdir", "path": str(tmp_path / "marker")}
    plain["config"] = {"task": evil, "data": evil, "hydra": {"callbacks": {"x": evil}}}
    for name, value in packed(plain).items():
        client.set_tag(run, name, value)
    (record,) = [one for one in restore(sent, tmp_path / "to") if one.run_id == "late"]
    assert record.config["task"] == evil
    assert not (tmp_path / "marker").exists()


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/none.db"
    with pytest.raises(DataError, match="there is no such database"):
        records_of_store(uri, tmp_path)
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(DataError, match=r"127\.0\.0\.1:9: not to be reached"):
        records_of_store("http://127.0.0.1:9", tmp_path)
