"""One run on its way to one tracker: which part of its journal has arrived, and the next part.

What was sent is remembered in `tracking.json` beside the journal. A batch sent twice gives the same
rows, because every row carries the journal's own time and step: MLflow's key of a row is its name,
time, step and value. What MLflow would create twice is looked for first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.errors import DataError
from suite.tracking import store, sweep_run, views
from suite.tracking.describe import note_of, run_name
from suite.tracking.journal import Event, read_journal
from suite.tracking.rows import dataset_of, flatten, legal, packed, tags_of, totals_of
from suite.tracking.shipped_model import register, send_model
from suite.tracking.state import State

if TYPE_CHECKING:
    from mlflow import MlflowClient


_STATUS = {"finished": "FINISHED", "pruned": "KILLED"}
"""MLflow's word for how a run ended."""
_LAST = ("end", "interrupt")
"""Events with which a process leaves its run."""


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
        known = State.of(folder, uri)
        self.state = known or State(uri=uri, experiment=experiment or _task_of(folder))
        # Without it nobody would know later where to send a run that its tracker never saw.
        if not (folder / "tracking.json").exists():
            self.state.write(folder)

    def complete(self) -> bool:
        """Return whether all of the journal has been sent."""
        more = read_journal(self.journal, self.state.offset)
        return self.state.done and next(more, None) is None

    def connect(self) -> "MlflowClient":
        """Return the client, made at the first call."""
        if self._client is None:
            self._client = store.connect(self.results, self.uri)
        return self._client

    def send(self, patience: float | None = None) -> None:
        """Send what the journal holds beyond what was sent before; raise whatever MLflow raises.

        patience: seconds to wait while another process sends it, None for ever; then a
        `TimeoutError`.
        """
        with store.file_lock(self.folder / ".tracking.lock", patience):
            # Another process may have sent meanwhile, or have sent the run elsewhere.
            self.state = State.of(self.folder, self.uri) or self.state
            try:
                self._send_rest()
            except Exception:
                if not self._forgotten():
                    raise
                # A server that came back with an empty database.
                self.state = State(uri=self.uri, experiment=self.state.experiment)
                self._send_rest()

    def leave(self, size: int) -> None:
        """Show a run as killed whose process died without a word.

        size: of its journal, in bytes, as that process left it. Whoever goes on with the run writes
        to it first.
        """
        with store.file_lock(self.folder / ".tracking.lock"):
            self.state = State.of(self.folder, self.uri) or self.state
            untouched = self.journal.stat().st_size == size
            if untouched and self.state.run is not None and not self.state.done:
                self.connect().set_terminated(self.state.run, "KILLED")

    @property
    def journal(self) -> Path:
        """The run's journal."""
        return self.folder / "journal.jsonl"

    def _forgotten(self) -> bool:
        """Return whether the tracker answers, and does not know the run."""
        try:
            run = self.state.run
            return run is not None and not store.has_run(self.connect(), run)
        except Exception:  # what made the caller ask is told
            return False

    def _remember(self, **changes: Any) -> None:
        self.state = replace(self.state, **changes)
        self.state.write(self.folder)

    def _send_rest(self) -> None:
        # A journal that is shorter is another one: a folder that was copied or made anew.
        start = self.state.offset if self.state.offset <= self.journal.stat().st_size else 0
        for events, offset in _batches(self.journal, start):
            self._send(events)
            self._remember(offset=offset, done=_ended(events, self.state.done))

    def _send(self, events: Sequence[Event]) -> None:
        from mlflow.entities import Metric

        metrics = []
        for event in events:
            kind, stamp = event["event"], int(event["time"] * 1000)
            step = int(event.get("step", 0))
            values: Mapping[str, float] = event.get("values", {})
            if kind == "start":
                self._start(event["record"], stamp)
            elif kind == "resume":
                self._resume()
            elif kind == "artifact":
                self._artifact(event["path"])
            elif kind == "end":
                step = int(event["record"]["steps"])
                values = totals_of(event["record"])
            metrics += [Metric(legal(k), v, stamp, step) for k, v in values.items()]
        for part in store.calls(metrics, store.METRICS_AT_ONCE):
            self.connect().log_batch(self._run(), metrics=part)
        last, stamp = events[-1], int(events[-1]["time"] * 1000)
        if last["event"] == "end":
            self._end(last["record"], stamp)
        elif last["event"] == "interrupt":
            self._interrupt(last["record"], stamp)

    def _run(self) -> str:
        if self.state.run is None:
            raise DataError(f"{self.journal}: does not begin with a start event")
        return self.state.run

    def _start(self, record: Mapping[str, Any], stamp: int) -> None:
        from mlflow.entities import Param, RunTag

        client = self.connect()
        if self.state.run is not None:  # a run that begins anew
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
            store.drop_twins(client, place, store.RUN_TAG, record["run_id"], run)
            views.offer(client, place, [record["primary"]])
        params = [Param(legal(k), v) for k, v in flatten(record["config"]).items()]
        for part in store.calls(params, store.PARAMS_AT_ONCE):
            client.log_batch(run, params=part)
        client.log_batch(run, tags=[RunTag(k, v) for k, v in tags.items()])
        client.log_dict(run, dict(record["config"]), "config.yaml")
        self._remember(run=run)

    def _resume(self) -> None:
        """Have the run go on, without what its interruption said of it."""
        client, run = self.connect(), self._run()
        client.update_run(run, status="RUNNING")
        for name in {"error", "stopped"} & set(client.get_run(run).data.tags):
            client.delete_tag(run, name)
        client.set_tag(run, "status", "running")

    def _artifact(self, name: str) -> None:
        path = self.folder / name
        client, run = self.connect(), self._run()
        if (path / "MLmodel").exists():
            send_model(client, run, path, self.state.model, lambda m: self._remember(model=m))
        elif path.is_dir():
            client.log_artifacts(run, str(path), name)
        elif path.exists():  # a file deleted since cannot be sent, and must not stop the rest
            parent = Path(name).parent.as_posix()
            client.log_artifact(run, str(path), None if parent == "." else parent)

    def _end(self, record: Mapping[str, Any], stamp: int) -> None:
        from mlflow.entities import RunTag

        client, run = self.connect(), self._run()
        curves = "figures/curves.png"
        picture = store.picture(run, curves) if (self.folder / curves).exists() else ""
        tags = tags_of(record) | packed(record)
        tags["mlflow.note.content"] = note_of(record, picture)
        client.log_batch(run, tags=[RunTag(k, v) for k, v in tags.items() if v])
        model, asked = self.state.model, (record["config"].get("tracking") or {}).get("register")
        if asked and model and not self.state.version and record["status"] == "finished":
            self._remember(version=register(client, self.uri, run, model, record))
        if record["data_card"]:
            client.log_inputs(run, [dataset_of(record)])
        place = client.get_run(run).info.experiment_id
        store.drop_twins(client, place, store.RUN_TAG, record["run_id"], run)
        client.set_terminated(run, _STATUS.get(record["status"], "FAILED"), stamp)

    def _interrupt(self, record: Mapping[str, Any], stamp: int) -> None:
        """Show a run as stopped, without what is said of one that has ended."""
        from mlflow.entities import RunTag

        client, run = self.connect(), self._run()
        client.log_batch(run, tags=[RunTag(k, v) for k, v in tags_of(record).items()])
        client.set_terminated(run, "KILLED", stamp)


def _task_of(folder: Path) -> str:
    for event, _ in read_journal(folder / "journal.jsonl"):
        if event["event"] == "start":
            return str(event["record"]["task"]) or "triathlon"
    raise DataError(f"{folder / 'journal.jsonl'}: has no start event")


def _ended(events: Sequence[Event], before: bool) -> bool:
    """Return whether the run is over behind these events; a resumed run starts again."""
    kinds = [event["event"] for event in events]
    marks = [kind for kind in kinds if kind in ("start", "resume", *_LAST)]
    return marks[-1] in _LAST if marks else before


def _batches(journal: Path, start: int) -> Iterator[tuple[list[Event], int]]:
    """Yield events, at most as many at a time as fill a call, with the offset behind them."""
    events: list[Event] = []
    size = 0
    offset = start
    for event, offset in read_journal(journal, start):
        events.append(event)
        size += len(event.get("values", ()))
        if size >= store.METRICS_AT_ONCE or event["event"] in _LAST:
            yield events, offset
            events, size = [], 0
    if events:
        yield events, offset
