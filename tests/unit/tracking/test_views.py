import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suite.tracking import store, views
from suite.tracking.shipment import Shipment
from suite.tracking.ui import _newest


def of_experiment(results: Path, name: str) -> Any:
    return store.connect(results, store.default_uri(results)).get_experiment_by_name(name)


def state_of(experiment: Any, key: str) -> dict[str, Any]:
    view = json.loads(experiment.tags[f"mlflow.sharedViewState.{key}"])
    # What MLflow's page requires of a saved view.
    assert isinstance(view["name"], str)
    assert isinstance(view["createdAt"], int)
    state: dict[str, Any] = json.loads(view["state"])
    return state


def test_an_experiment_has_columns_for_the_metrics_of_its_runs(
    results: Path, finished: Callable[..., Path]
) -> None:
    uri = store.default_uri(results)
    for run_id, metric in (("one", "accuracy"), ("two", "word_error_rate")):
        Shipment(finished(run_id, primary=metric), results, uri, "mine").send()
    experiment = of_experiment(results, "mine")
    columns = state_of(experiment, views.SWEEPS)["selectedColumns"]
    for name in ("test/accuracy", "test/word_error_rate", "time/training_seconds"):
        assert f"metrics.`{name}`" in columns
    assert "tags.`backbone`" in columns
    groups = state_of(experiment, views.GROUPS)
    keys = [one["groupByData"] for one in groups["groupBy"]["groupByKeys"]]
    assert keys == ["data", "backbone", "optimizer"]
    drawn = [(one["type"], one["metricKey"]) for one in groups["compareRunCharts"]]
    assert ("LINE", "validation/word_error_rate") in drawn
    sections = {one["uuid"] for one in groups["compareRunSections"]}
    assert {one["metricSectionId"] for one in groups["compareRunCharts"]} == sections


def test_views_are_written_once(results: Path) -> None:
    uri = store.default_uri(results)
    place = store.prepare(results, uri, "mine")
    client = store.connect(results, uri)
    views.offer(client, place, ["accuracy"])
    key = f"mlflow.sharedViewState.{views.SWEEPS}"
    client.set_experiment_tag(place, key, "changed by its user")
    views.offer(client, place, ["accuracy", ""])
    assert client.get_experiment(place).tags[key] == "changed by its user"
    views.offer(client, place, ["error_rate"])
    assert "test/accuracy" in client.get_experiment(place).tags[key]
    assert "test/error_rate" in client.get_experiment(place).tags[key]


def test_the_dashboard_opens_on_the_newest_runs(
    results: Path, finished: Callable[..., Path]
) -> None:
    uri = store.default_uri(results)
    client = store.connect(results, uri)
    assert (
        views.address("http://h:1", _newest(client))
        == "http://h:1/#/?workflowType=machine_learning"
    )
    for run_id, name in (("one", "first"), ("two", "second")):
        Shipment(finished(run_id), results, uri, name).send()
    newest = _newest(client)
    assert newest is not None
    assert newest.name == "second"
    assert views.address("http://h:1", newest) == (
        f"http://h:1/#/experiments/{newest.experiment_id}/runs"
        "?workflowType=machine_learning&viewStateShareKey=triathlon-sweeps"
    )
