import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from suite.record import RunRecord
from suite.tracking import store
from suite.tracking.journal import Journal
from suite.tracking.shipment import Shipment
from suite.tracking.state import State


def send(folder: Path, results: Path) -> State:
    shipment = Shipment(folder, results, store.default_uri(results), None)
    shipment.send()
    return shipment.state


def client_of(results: Path) -> Any:
    return store.connect(results, store.default_uri(results))


def rows(results: Path, run: str) -> dict[str, list[tuple[int, int, float]]]:
    client = client_of(results)
    names = client.get_run(run).data.metrics
    return {
        name: sorted((m.step, m.timestamp, m.value) for m in client.get_metric_history(run, name))
        for name in names
    }


def test_everything_of_a_run_arrives(results: Path, finished: Callable[..., Path]) -> None:
    state = send(finished(), results)
    assert state.done
    run = client_of(results).get_run(state.run)
    assert run.info.run_name == "digits · mlp · adamw · seed 0"
    assert run.info.status == "FINISHED"
    assert run.data.params == {
        "seed": "0",
        "optimizer.lr": "0.001",
        "optimizer.nesterov": "true",
        "name": "null",
    }
    assert run.data.tags["fingerprint"] == "ab" * 32
    assert run.data.tags["synthetic"] == "false"
    assert run.data.tags["status"] == "finished"
    assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
    assert run.data.tags["mlflow.note.content"].startswith("test accuracy 0.9000\n\n")
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("digits", ("ab" * 32)[:36])
    artifacts = {a.path for a in client_of(results).list_artifacts(state.run)}
    assert artifacts == {"config.yaml", "figures"}
    sent = rows(results, str(state.run))
    assert [(step, value) for step, _, value in sent["train/loss"]] == [
        (1, 1),
        (2, 0.5),
        (3, 1 / 3),
    ]
    assert sent["time/to_target_training_seconds"][0][2] == 1.5
    assert sent["throughput/examples_per_second"][0][2] == 50
    # The experiment is the task's.
    assert client_of(results).get_experiment_by_name("image_recognition") is not None


def test_sending_again_adds_nothing(results: Path, finished: Callable[..., Path]) -> None:
    folder = finished()
    state = send(folder, results)
    before = rows(results, str(state.run))
    # As if the process had been killed between sending and remembering.
    State(uri=state.uri, experiment=state.experiment, run=state.run).write(folder)
    assert send(folder, results).run == state.run
    assert rows(results, str(state.run)) == before


def test_a_lost_memory_finds_its_run_again(results: Path, finished: Callable[..., Path]) -> None:
    folder = finished()
    state = send(folder, results)
    (folder / "tracking.json").unlink()
    assert send(folder, results).run == state.run
    place = client_of(results).get_experiment_by_name("image_recognition").experiment_id
    assert len(client_of(results).search_runs([place])) == 1


def test_more_metrics_than_fit_a_call(results: Path, finished: Callable[..., Path]) -> None:
    state = send(finished(steps=1200), results)
    assert len(rows(results, str(state.run))["train/loss"]) == 1200


def test_no_name_holds_up_the_others(results: Path, finished: Callable[..., Path]) -> None:
    state = send(finished(metrics={}, config={"a$b": [1]}, memory={"peak@gpu": 7.0}), results)
    run = client_of(results).get_run(state.run)
    assert run.data.params == {"a_b": "[1]"}
    assert run.data.metrics["hardware/peak_gpu"] == 7


def test_a_failed_run_is_failed_there(results: Path, record: Callable[..., RunRecord]) -> None:
    folder = results / "runs" / "one"
    journal = Journal(folder)
    journal.start(record())
    journal.end(record(status="failed", error="loss is not finite"))
    run = client_of(results).get_run(send(folder, results).run)
    assert run.info.status == "FAILED"
    assert run.data.tags["error"] == "loss is not finite"


def test_remembers_where_it_was(results: Path, finished: Callable[..., Path]) -> None:
    folder = finished()
    state = send(folder, results)
    kept = json.loads((folder / "tracking.json").read_text())
    assert kept["offset"] == (folder / "journal.jsonl").stat().st_size
    assert kept["run"] == state.run


def test_a_description_shows_the_curves(results: Path, finished: Callable[..., Path]) -> None:
    run = client_of(results).get_run(send(finished(), results).run)
    shown = f"![Learning curves](get-artifact?path=figures%2Fcurves.png&run_uuid={run.info.run_id})"
    assert run.data.tags["mlflow.note.content"].endswith(shown)


def with_model(
    results: Path, record: Callable[..., RunRecord], run_id: str, register: str | None
) -> Path:
    """Write the folder of a finished run with a model in MLflow's format."""
    from mlflow.models import Model

    folder = results / "runs" / run_id
    journal = Journal(folder)
    one = record(run_id, config={"tracking": {"register": register}})
    journal.start(one)
    (folder / "model").mkdir()
    (folder / "model" / "model.safetensors").write_bytes(b"weights")
    Model(flavors={"triathlon": {}}).save(str(folder / "model" / "MLmodel"))
    journal.artifact(folder / "model")
    one.status = "finished"
    journal.end(one)
    return folder


def test_a_model_is_registered_where_asked(results: Path, record: Callable[..., RunRecord]) -> None:
    send(with_model(results, record, "none", None), results)
    client = client_of(results)
    assert client.search_registered_models() == []
    first = with_model(results, record, "one", "True")
    state = send(first, results)
    second = send(with_model(results, record, "two", "True"), results)
    named = send(with_model(results, record, "three", "mine"), results)
    assert (state.version, second.version, named.version) == ("1", "2", "1")
    names = {model.name for model in client.search_registered_models()}
    assert names == {"image_recognition-digits-mlp", "mine"}
    version = client.get_model_version("image_recognition-digits-mlp", "1")
    place = client.get_logged_model(state.model).artifact_location
    assert (version.run_id, version.source) == (state.run, place)
    assert version.description.startswith("mlp + adamw on image_recognition / digits")
    kept = {a.path for a in client.list_logged_model_artifacts(state.model)}
    assert kept == {"MLmodel", "model.safetensors"}
    # As if the process had been killed between making the version and noting so.
    State(uri=state.uri, experiment=state.experiment, run=state.run, model=state.model).write(first)
    assert send(first, results).version == "1"
    assert len(client.search_model_versions("name = 'image_recognition-digits-mlp'")) == 2


def written(folder: Path, *events: dict[str, Any]) -> None:
    """Append to a journal what a later process writes."""
    with (folder / "journal.jsonl").open("a") as file:
        file.writelines(json.dumps({"time": 1e9 + n, **event}) + "\n" for n, event in
                        enumerate(events))  # fmt: skip


def loss(step: int) -> dict[str, Any]:
    return {"event": "metrics", "step": step, "values": {"train/loss": 1 / step}}


def test_an_interrupted_run_is_killed_there_until_it_goes_on(
    results: Path, record: Callable[..., RunRecord]
) -> None:
    folder = results / "runs" / "one"
    journal = Journal(folder)
    journal.start(record())
    journal.close()
    stopped = record(status="interrupted", error="stopped by SIGTERM").plain()
    written(folder, loss(1), loss(2), {"event": "interrupt", "record": stopped})
    state = send(folder, results)
    assert state.done
    run = client_of(results).get_run(state.run)
    assert (run.info.status, run.data.tags["status"]) == ("KILLED", "interrupted")
    assert "mlflow.triathlon.record.0" not in run.data.tags  # which ended runs have
    # What this version does not know of harms nothing.
    written(folder, {"event": "resume", "step": 2}, {"event": "later", "by": 7}, loss(3))
    state = send(folder, results)
    assert not state.done
    run = client_of(results).get_run(state.run)
    assert (run.info.status, run.data.tags["status"]) == ("RUNNING", "running")
    assert "error" not in run.data.tags
    ended = record(status="finished", steps=3).plain()
    written(folder, {"event": "end", "record": ended})
    assert send(folder, results).done
    assert client_of(results).get_run(state.run).info.status == "FINISHED"
    once = rows(results, str(state.run))["train/loss"]
    assert [step for step, _, _ in once] == [1, 2, 3]
    # All of it at once gives the same rows.
    (folder / "tracking.json").unlink()
    assert send(folder, results).done
    assert rows(results, str(state.run))["train/loss"] == once
    assert client_of(results).get_run(state.run).info.status == "FINISHED"


def test_a_tracker_that_lost_its_runs_has_them_anew(
    results: Path, finished: Callable[..., Path]
) -> None:
    folder = finished()
    first = send(folder, results)
    uri = store.default_uri(results)
    # A server whose database is empty after it was started again.
    State(uri=uri, experiment=first.experiment, run="f" * 32, offset=first.offset - 1).write(folder)
    written(folder, loss(9))
    state = send(folder, results)
    assert state.run == first.run
    assert state.offset == (folder / "journal.jsonl").stat().st_size
    assert len(rows(results, str(state.run))["train/loss"]) == 4


def test_a_run_that_is_sent_elsewhere_meanwhile_is_sent_here_as_well(
    results: Path, finished: Callable[..., Path]
) -> None:
    folder = finished()
    here = Shipment(folder, results, store.default_uri(results), None)
    here.send()
    # As `triathlon sync --uri` does beside a run that goes on.
    State(uri="http://elsewhere", experiment="theirs", run="x", offset=5).write(folder)
    written(folder, loss(9))
    here.send()
    assert len(rows(results, str(here.state.run))["train/loss"]) == 4


def test_a_run_left_by_a_dead_process_is_killed_unless_somebody_goes_on(
    results: Path, record: Callable[..., RunRecord]
) -> None:
    folder = results / "runs" / "one"
    journal = Journal(folder)
    journal.start(record())
    journal.close()
    shipment = Shipment(folder, results, store.default_uri(results), None)
    shipment.send()
    size = journal.path.stat().st_size

    def status() -> str:
        return str(client_of(results).get_run(shipment.state.run).info.status)

    shipment.leave(size - 1)
    assert status() == "RUNNING"
    shipment.leave(size)
    assert status() == "KILLED"
