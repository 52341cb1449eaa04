"""One run on its way to one tracker: which part of its journal has arrived, and the next part.

What was sent is remembered in `tracking.json` beside the journal. A batch sent twice gives the same
rows, because every row carries the journal's own time and step.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.data.cache import atomic_path
from suite.errors import DataError
from suite.tracking import store, sweep_run, views
from suite.tracking.describe import note_of, run_name
from suite.tracking.journal import Event, read_journal
from suite.tracking.rows import dataset_of, flatten, legal, packed, tags_of, totals_of

if TYPE_CHECKING:
    from mlflow import MlflowClient


_STATUS = {"finished": "FINISHED", "pruned": "KILLED"}
"""MLflow's word for how a run ended."""


@dataclass(frozen=True, kw_only=True)
class State:
    """What of a run has reached the tracker.

    run, model: MLflow's ids, once created. version: of the model in the registry.
    offset: bytes of the journal sent. done: all is sent.
    """

    uri: str
    experiment: str
    run: str | None = None
    model: str | None = None
    version: str | None = None
    offset: int = 0
    done: bool = False

    def write(self, folder: Path) -> None:
        """Write `tracking.json`, whole or not at all."""
        with atomic_path(folder / "tracking.json") as path:
            path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "State | None":
        """Read `tracking.json`; None where there is none."""
        path = folder / "tracking.json"
        if not path.exists():
            return None
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{path}: unreadable ({error}); delete it and sync again") from error


class Shipment:
    """One run on its way to one tracker.

    experiment: None takes the name of the run's task.
    """

    def __init__(self, folder: Path, results: Path, uri: str, experiment: str | None) -> None:
        self.folder = folder
        self.results = results
        self.uri = uri
        self._client: MlflowClient | None = None
        # Before anything here imports MLflow, which reads them then.
        store.apply_settings()
        known = State.read(folder)
        if known is None or known.uri != uri:
            known = State(uri=uri, experiment=experiment or _task_of(folder))
            known.write(folder)
        self.state = known

    def complete(self) -> bool:
        """Return whether all of the journal has been sent."""
        return self.state.done and self.state.offset == self._journal.stat().st_size

    def connect(self) -> "MlflowClient":
        """Return the client, made at the first call."""
        if self._client is None:
            self._client = store.connect(self.results, self.uri)
        return self._client

    def send(self) -> None:
        """Send what the journal holds beyond what was sent before; raise whatever MLflow raises."""
        with store.file_lock(self.folder / ".tracking.lock"):
            # Another process may have sent meanwhile.
            self.state = State.read(self.folder) or self.state
            for events, offset in _batches(self._journal, self.state.offset):
                self._send(events)
                self._remember(offset=offset, done=_ended(events, self.state.done))

    @property
    def _journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def _remember(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self.state.write(self.folder)

    def _send(self, events: Sequence[Event]) -> None:
        from mlflow.entities import Metric

        metrics = []
        for event in events:
            stamp = int(event["time"] * 1000)
            if event["event"] == "start":
                self._start(event["record"], stamp)
            elif event["event"] == "metrics":
                step = int(event["step"])
                metrics += [Metric(legal(k), v, stamp, step) for k, v in event["values"].items()]
            elif event["event"] == "artifact":
                self._artifact(event["path"])
            elif event["event"] == "end":
                record = event["record"]
                step = int(record["steps"])
                totals = totals_of(record)
                metrics += [Metric(legal(k), v, stamp, step) for k, v in totals.items()]
        for part in store.calls(metrics, store.METRICS_AT_ONCE):
            self.connect().log_batch(self._run(), metrics=part)
        if events[-1]["event"] == "end":
            self._end(events[-1]["record"], int(events[-1]["time"] * 1000))

    def _run(self) -> str:
        if self.state.run is None:
            raise DataError(f"{self._journal}: does not begin with a start event")
        return self.state.run

    def _start(self, record: Mapping[str, Any], stamp: int) -> None:
        from mlflow.entities import Param, RunTag

        client = self.connect()
        if self.state.run is not None:  # a resumed run
            client.update_run(self.state.run, status="RUNNING")
            return
        place = store.experiment_id(client, self.results, self.uri, self.state.experiment)
        tags = tags_of(record)
        if record.get("sweep"):
            tags["mlflow.parentRunId"] = sweep_run.find_or_create(
                client, self.results, place, self.uri, record["sweep"]
            )
        run = store.find_run(client, place, store.RUN_TAG, record["run_id"])
        if run is None:
            name = run_name(record, self.results)
            run = str(client.create_run(place, stamp, tags, run_name=name).info.run_id)
            views.offer(client, place, [record["primary"]])
        params = [Param(legal(k), v) for k, v in flatten(record["config"]).items()]
        for part in store.calls(params, store.PARAMS_AT_ONCE):
            client.log_batch(run, params=part)
        client.log_batch(run, tags=[RunTag(k, v) for k, v in tags.items()])
        client.log_dict(run, dict(record["config"]), "config.yaml")
        self._remember(run=run)

    def _artifact(self, name: str) -> None:
        path = self.folder / name
        client, run = self.connect(), self._run()
        if (path / "MLmodel").exists():
            self._model(path)
        elif path.is_dir():
            client.log_artifacts(run, str(path), name)
        elif path.exists():  # a file deleted since cannot be sent, and must not stop the rest
            parent = Path(name).parent.as_posix()
            client.log_artifact(run, str(path), None if parent == "." else parent)

    def _model(self, path: Path) -> None:
        from mlflow.entities import LoggedModelOutput, LoggedModelStatus

        client, run = self.connect(), self._run()
        model = self.state.model
        if model is None:
            place = client.get_run(run).info.experiment_id
            made = client.create_logged_model(place, path.name, run, model_type="triathlon")
            model = str(made.model_id)
            self._remember(model=model)
            client.log_outputs(run, [LoggedModelOutput(model, step=0)])
        client.log_model_artifacts(model, str(path))
        client.finalize_logged_model(model, LoggedModelStatus.READY)

    def _register(self, record: Mapping[str, Any]) -> None:
        """Enter the model into the registry where that was asked for."""
        from mlflow.exceptions import MlflowException

        asked = (record["config"].get("tracking") or {}).get("register")
        model, run = self.state.model, self._run()
        if not asked or model is None or self.state.version or record["status"] != "finished":
            return
        name = registered_name(record)
        client = self.connect()
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        # The process may have been killed between creating the version and noting so.
        found = client.search_model_versions(f"name = '{name}' and run_id = '{run}'")
        if found:
            made = found[0]
        else:
            # MLflow looks a model's id up in its global store, which is not this one, unless a
            # server does it.
            source = f"models:/{model}"
            if not store.is_server(self.uri):
                source = client.get_logged_model(model).artifact_location
            made = client.create_model_version(
                name, source, run, description=note_of(record), model_id=model
            )
        self._remember(version=str(made.version))

    def _end(self, record: Mapping[str, Any], stamp: int) -> None:
        from mlflow.entities import RunTag

        client, run = self.connect(), self._run()
        curves = "figures/curves.png"
        picture = store.picture(run, curves) if (self.folder / curves).exists() else ""
        tags = tags_of(record) | packed(record)
        tags["mlflow.note.content"] = note_of(record, picture)
        client.log_batch(run, tags=[RunTag(k, v) for k, v in tags.items() if v])
        self._register(record)
        if record["data_card"]:
            client.log_inputs(run, [dataset_of(record)])
        client.set_terminated(run, _STATUS.get(record["status"], "FAILED"), stamp)


def registered_name(record: Mapping[str, Any]) -> str:
    """Return the name in the registry: as asked for, else of task, data set and backbone."""
    asked = str(record["config"]["tracking"]["register"])
    if asked.lower() != "true":
        return asked
    data = (record.get("data_card") or {}).get("name") or record["data"]
    named = "-".join(part for part in (record["task"], data, record["backbone"]) if part)
    return re.sub(r"[^\w.-]+", "-", named)


def _task_of(folder: Path) -> str:
    for event, _ in read_journal(folder / "journal.jsonl"):
        if event["event"] == "start":
            return str(event["record"]["task"]) or "triathlon"
    raise DataError(f"{folder / 'journal.jsonl'}: has no start event")


def _ended(events: Sequence[Event], before: bool) -> bool:
    """Return whether the run is over behind these events; a resumed run starts again."""
    marks = [event["event"] for event in events if event["event"] in ("start", "end")]
    return marks[-1] == "end" if marks else before


def _batches(journal: Path, start: int) -> Iterator[tuple[list[Event], int]]:
    """Yield events, at most as many at a time as fill a call, with the offset behind them."""
    events: list[Event] = []
    size = 0
    offset = start
    for event, offset in read_journal(journal, start):
        events.append(event)
        size += len(event.get("values", ()))
        if size >= store.METRICS_AT_ONCE or event["event"] == "end":
            yield events, offset
            events, size = [], 0
    if events:
        yield events, offset
