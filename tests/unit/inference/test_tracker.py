import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from suite.inference.record import BenchRecord
from suite.inference.tracker import metrics_of, send
from suite.tracking import store


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "results"
    # MLflow keeps connections open, and an unclosed one is a warning.
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()


def test_steps_are_batch_sizes(record: BenchRecord) -> None:
    found = list(metrics_of(record.results))
    assert ("latency_p50_seconds/compiled_threads_1", 0.001, 1) in found
    assert ("examples_per_second/eager_threads_1", 400.0, 8) in found
    assert not any("onnx" in name for name, _, _ in found)


def test_what_is_not_known_is_left_out(record: BenchRecord) -> None:
    speed = record.results[0].speed
    assert speed is not None
    unknown = replace(speed, peak_share=None, difference=math.inf)
    names = {name for name, _, _ in metrics_of([replace(record.results[0], speed=unknown)])}
    assert "latency_p99_seconds/eager_threads_1" in names
    assert not {name for name in names if name.startswith(("peak_share", "difference"))}


def test_a_measurement_is_one_run(record: BenchRecord, results: Path, tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    file.write_text("{}")
    uri = store.default_uri(results)
    assert send(record, [file], results=results, uri=uri, experiment=None) is None
    client = store.connect(results, uri)
    experiment = client.get_experiment_by_name("bench")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags["backbone"] == "lstm"
    assert run.data.params["bench.batch_sizes"] == "[1, 8]"
    history = client.get_metric_history(run.info.run_id, "examples_per_second/eager_threads_1")
    assert [(metric.step, metric.value) for metric in history] == [(1, 400.0), (8, 400.0)]
    assert [one.path for one in client.list_artifacts(run.info.run_id)] == ["bench.json"]


def test_a_tracker_that_is_away_is_a_warning(
    record: BenchRecord, results: Path, tmp_path: Path
) -> None:
    uri = f"sqlite:///{tmp_path / 'no' / 'such' / 'folder' / 'mlflow.db'}"
    (tmp_path / "no").touch()  # nor can it be made
    told = send(record, [tmp_path / "bench.json"], results=results, uri=uri, experiment="mine")
    assert told is not None
    assert "did not take everything" in told
    assert f"safe in {tmp_path}" in told
