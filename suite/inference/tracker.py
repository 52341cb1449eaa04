"""A measurement in MLflow: one run, whose steps are batch sizes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suite.inference.bench import Result
from suite.inference.record import BenchRecord
from suite.tracking import store
from suite.tracking.rows import flatten, legal

EXPERIMENT = "bench"


def send(
    record: BenchRecord, files: list[Path], *, results: Path, uri: str, experiment: str | None
) -> str | None:
    """Send a measurement and its files; return a warning where MLflow did not take it.

    experiment: its name; None is `bench`.
    """
    try:
        _send(record, files, results=results, uri=uri, experiment=experiment or EXPERIMENT)
    except Exception as error:  # whatever MLflow, its database or the network raise
        return (
            f"MLflow at {store.shown(uri)} did not take everything ({store.first_line(error)}); "
            f"the measurement is safe in {files[0].parent}"
        )
    return None


def metrics_of(results: list[Result]) -> Iterator[tuple[str, float, int]]:
    """Yield name, value and step (the batch size) of everything measured."""
    for result in results:
        if result.speed is None:
            continue
        speed = result.speed
        values = {
            "latency_p50_seconds": speed.p50_seconds,
            "latency_p95_seconds": speed.p95_seconds,
            "latency_p99_seconds": speed.p99_seconds,
            "examples_per_second": speed.examples_per_second,
            "units_per_second": speed.units_per_second,
            "peak_share": speed.peak_share,
            "make_seconds": speed.make_seconds,
            "difference_to_eager": speed.difference,
        }
        for name, value in values.items():
            if value is not None and value != float("inf"):
                yield (
                    f"{name}/{result.form.value}_threads_{result.threads}",
                    value,
                    result.batch_size,
                )


def tags_of(record: BenchRecord) -> dict[str, str]:
    """Return what measurements are searched and grouped by."""
    git = record.git
    tags: dict[str, Any] = {
        store.RUN_TAG: record.name,
        **{key: getattr(record, key) for key in ("task", "data", "backbone", "weights")},
        "config_hash": record.config_hash,
        "machine": record.machine.get("fingerprint"),
        "git.commit": git.get("commit"),
        "git.dirty": str(git["dirty"]).lower() if "dirty" in git else None,
        "mlflow.source.git.commit": git.get("commit"),
        "mlflow.source.name": "triathlon bench",
        "mlflow.source.type": "LOCAL",
    }
    return {key: str(value) for key, value in tags.items() if value}


def _send(
    record: BenchRecord, files: list[Path], *, results: Path, uri: str, experiment: str
) -> None:
    client = store.connect(results, uri)
    from mlflow.entities import Metric, Param

    place = store.experiment_id(client, results, uri, experiment)
    run = client.create_run(place, tags=tags_of(record), run_name=record.name)
    stamp, number = run.info.start_time, run.info.run_id
    described = {**record.config, "bench": record.plan}
    params = [Param(legal(k), v) for k, v in flatten(described).items()]
    for part in store.calls(params, store.PARAMS_AT_ONCE):
        client.log_batch(number, params=part)
    metrics = [Metric(legal(k), v, stamp, step) for k, v, step in metrics_of(record.results)]
    for batch in store.calls(metrics, store.METRICS_AT_ONCE):
        client.log_batch(number, metrics=batch)
    for path in files:
        client.log_artifact(number, str(path))
    client.set_terminated(number, "FINISHED")
