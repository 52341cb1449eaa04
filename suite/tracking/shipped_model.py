"""A run's model in MLflow: made, linked to its run and registered once, whatever is repeated."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.tracking import store
from suite.tracking.describe import note_of

if TYPE_CHECKING:
    from mlflow import MlflowClient


def send_model(
    client: "MlflowClient", run: str, path: Path, model: str | None, noted: Callable[[str], None]
) -> None:
    """Send a model's folder. model: MLflow's id of it, where known; `noted` is told a new one."""
    from mlflow.entities import LoggedModelStatus

    if model is None:
        model = _made(client, client.get_run(run).info.experiment_id, path.name, run)
        noted(model)
    _link(client, run, model)
    client.log_model_artifacts(model, str(path))
    client.finalize_logged_model(model, LoggedModelStatus.READY)


def _link(client: "MlflowClient", run: str, model: str) -> None:
    """Name the model as the run's, which MLflow takes once and then refuses."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.exceptions import MlflowException

    def linked() -> bool:
        outputs = client.get_run(run).outputs
        return outputs is not None and model in {one.model_id for one in outputs.model_outputs}

    if linked():
        return
    try:
        client.log_outputs(run, [LoggedModelOutput(model, step=0)])
    except MlflowException:
        if not linked():  # else the answer to the first of two requests was lost
            raise


def _made(client: "MlflowClient", place: str, name: str, run: str) -> str:
    """Return the id of the run's model, made where there is none."""
    found = _models(client, place, name, run)
    if not found:
        client.create_logged_model(place, name, run, model_type="triathlon")
        # MLflow's client repeats a request whose answer was lost; so there may be two.
        found = _models(client, place, name, run)
    for twin in found[1:]:
        client.delete_logged_model(twin)
    return found[0]


def _models(client: "MlflowClient", place: str, name: str, run: str) -> list[str]:
    """Return the ids of the run's models, the one to keep first."""
    asked = f"source_run_id = '{run}' AND name = '{name}'"
    found = client.search_logged_models([place], asked)
    ordered = sorted(found, key=lambda one: (one.status != "READY", one.creation_timestamp))
    return [str(one.model_id) for one in ordered]


def register(
    client: "MlflowClient", uri: str, run: str, model: str, record: Mapping[str, Any]
) -> str:
    """Enter the model into the registry; return its version."""
    from mlflow.exceptions import MlflowException

    name = registered_name(record)
    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    # The process may have been killed between creating the version and noting so.
    found = _versions(client, name, run)
    if not found:
        # MLflow looks a model's id up in its global store, which is not this one, unless a server
        # does it.
        source = f"models:/{model}"
        if not store.is_server(uri):
            source = client.get_logged_model(model).artifact_location
        client.create_model_version(name, source, run, description=note_of(record), model_id=model)
        found = _versions(client, name, run)
        for twin in found[1:]:  # as above, and so may the first of two requests to delete it
            with suppress(MlflowException):
                client.delete_model_version(name, str(twin))
    return str(found[0])


def _versions(client: "MlflowClient", name: str, run: str) -> list[int]:
    found = client.search_model_versions(f"name = '{name}' and run_id = '{run}'")
    return sorted(int(one.version) for one in found)


def registered_name(record: Mapping[str, Any]) -> str:
    """Return the name in the registry: as asked for, else of task, data set and backbone."""
    asked = str(record["config"]["tracking"]["register"])
    if asked.lower() != "true":
        return asked
    data = (record.get("data_card") or {}).get("name") or record["data"]
    named = "-".join(part for part in (record["task"], data, record["backbone"]) if part)
    return re.sub(r"[^\w.-]+", "-", named)
