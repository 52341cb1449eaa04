"""How MLflow's page shows an experiment: saved views with columns that tell, and their address.

MLflow keeps saved views as tags of the experiment (`mlflow.sharedViewState.<key>`), and offers them
under Views; an address with the key opens one at once.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from suite.tracking.store import RUN_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

_TAG = "mlflow.sharedViewState."
SWEEPS, GROUPS = "triathlon-sweeps", "triathlon-groups"
_METRICS = "triathlon.primary"
"""Tag with the primary metrics that the views have columns for."""
_CREATED = 1_790_000_000_000
"""Milliseconds since 1970: one moment for all, so that a view written again is the same."""
_TAGS = ("task", "data", "backbone", "optimizer", "seed")
_GROUPED = ("data", "backbone", "optimizer")
_NUMBERS = ("time/to_target_training_seconds", "time/training_seconds",
            "throughput/examples_per_second")  # fmt: skip


def offer(client: "MlflowClient", experiment: str, metrics: Iterable[str]) -> None:
    """Give the experiment its views. metrics: primary ones of its runs, which have columns.

    Writes nothing where these views are there already.
    """
    tags = client.get_experiment(experiment).tags
    known = set(filter(None, tags.get(_METRICS, "").split(",")))
    wanted = known | set(filter(None, metrics))
    if known == wanted and f"{_TAG}{SWEEPS}" in tags:
        return
    for key, view in _views(sorted(wanted)).items():
        client.set_experiment_tag(experiment, f"{_TAG}{key}", json.dumps(view))
    # Last: who is stopped before has the views written again.
    client.set_experiment_tag(experiment, _METRICS, ",".join(sorted(wanted)))


def address(base: str, experiment: "Experiment | None") -> str:
    """Return where the experiment's page opens as its view has it; base without an experiment.

    MLflow opens any other address on the pages of language model applications.
    """
    ours = {"workflowType": "machine_learning"}
    if experiment is None:
        return f"{base}/#/?{urlencode(ours)}"
    chosen = ours | {"viewStateShareKey": SWEEPS}
    return f"{base}/#/experiments/{experiment.experiment_id}/runs?{urlencode(chosen)}"


def _views(metrics: list[str]) -> Mapping[str, Mapping[str, Any]]:
    tests = [f"test/{name}" for name in metrics]
    tags = [f"tags.`{name}`" for name in _TAGS]
    of_a_run = [f"metrics.`{name}`" for name in (*tests, *_NUMBERS)]
    of_a_sweep = [f"metrics.`summary/runs_{name}`" for name in ("finished", "failed")]
    note = "attributes.`Description`"
    curves = [f"validation/{name}" for name in metrics]
    charts = [
        *(_chart("BAR", name, "results") for name in (*tests, *_NUMBERS)),
        *(_chart("LINE", name, "curves") for name in (*curves, "train/loss")),
    ]
    sections = [
        {"uuid": key, "name": name, "display": True, "isReordered": True}
        for key, name in (("results", "Results, means over seeds"), ("curves", "Learning curves"))
    ]
    return {
        SWEEPS: _view("Sweeps and their runs", [note, *of_a_sweep, *tags, *of_a_run]),
        GROUPS: _view(
            "Repeats together",
            [*tags, *of_a_run],
            searchFilter=f"tags.`{RUN_TAG}` != ''",
            groupBy={
                "aggregateFunction": "average",
                "groupByKeys": [{"mode": "tag", "groupByData": name} for name in _GROUPED],
            },
            compareRunCharts=charts,
            compareRunSections=sections,
            # Else MLflow puts the charts that it adds before these.
            isAccordionReordered=True,
            runsHiddenMode="FIRST_20_RUNS",
        ),
    }


def _chart(kind: str, metric: str, section: str) -> dict[str, Any]:
    chart: dict[str, Any] = {
        "uuid": f"{section}-{metric}",
        "type": kind,
        "metricKey": metric,
        "displayName": metric,
        "metricSectionId": section,
        "runsCountToCompare": 20,
        "deleted": False,
        "isGenerated": False,
    }
    if kind == "LINE":
        chart |= {
            "selectedMetricKeys": [metric],
            "xAxisKey": "step",
            "yAxisKey": "metric",
            "scaleType": "linear",
            "xAxisScaleType": "linear",
            "lineSmoothness": 0,
        }
    return chart


def _view(name: str, columns: list[str], **changes: Any) -> Mapping[str, Any]:
    state = {
        "selectedColumns": columns,
        "columnWidths": {"attributes.`Run Name`": 300, "attributes.`Description`": 420},
        **changes,
    }
    return {"name": name, "createdAt": _CREATED, "updatedAt": _CREATED, "state": json.dumps(state)}
