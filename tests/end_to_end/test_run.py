"""One run and what is left of it: records, MLflow's rows, pictures, a model that loads."""

import json

import numpy as np
import pytest
import yaml

KNOWN = "data.references=[{name: nobody, kind: published, value: 0.99, source: this test}]"
RUN = ["backbone=mlp", "backbone.width=16", "trainer=smoke", "hardware=cpu_single", KNOWN]
METERED = ["optimizer.lr=0.01", "trainer.profile=true", "hardware.watts=20"]


@pytest.fixture(scope="module")
def results(triathlon, tmp_path_factory):
    """The results of one tracked run of seed 0."""
    folder = tmp_path_factory.mktemp("run")
    said = triathlon(folder, *RUN, *METERED)
    assert said.code == 0, said
    assert "accuracy" in said.out
    assert "part of a step" in said.out
    assert said.error == ""
    return folder / "results"


@pytest.fixture(scope="module")
def client(results):
    from suite.tracking.store import connect, default_uri

    return connect(results, default_uri(results))


@pytest.fixture(scope="module")
def tracked(client):
    """The run in MLflow."""
    experiment = client.get_experiment_by_name("image_recognition")
    (run,) = client.search_runs([experiment.experiment_id])
    return run


def losses(results, seed):
    """Return the training losses in the journal of the newest run with this seed."""
    *_, folder = sorted((results / "runs").glob(f"*-{seed}-*"))
    events = map(json.loads, (folder / "journal.jsonl").read_text().splitlines())
    values = [event["values"] for event in events if event["event"] == "metrics"]
    return [value["train/loss"] for value in values if "train/loss" in value]


def test_record_and_configuration_are_kept(results):
    (folder,) = (results / "runs").iterdir()
    record = json.loads((folder / "record.json").read_text())
    assert record["status"] == "finished"
    assert record["steps"] == 8
    assert record["machine"]["threads"] == 1
    assert record["overrides"] == [*RUN, *METERED]
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert config == record["config"]


def test_what_was_metered_says_what_it_rests_on(results, tracked):
    (folder,) = (results / "runs").iterdir()
    record = json.loads((folder / "record.json").read_text())
    assert 0 < record["throughput"]["mfu"] < 1
    assert 0 <= record["throughput"]["data_stall_share"] < 1
    assert record["throughput"]["padding_share"] == 0
    assert record["energy"]["joules"] == pytest.approx(20 * record["training_seconds"], rel=0.01)
    assert record["basis"]["energy"] == "estimated"
    assert record["basis"]["flops"] == "counted for every shape of batch (1)"
    assert "384 x 384 matrices in fp32, 1 thread" in record["basis"]["peak"]
    # Backward costs twice as much as forward, but for the gradient of the input.
    flops = record["model"]["training_flops_per_example"]
    assert 2 < flops / record["model"]["forward_flops_per_example"] < 3
    assert tracked.data.tags["basis.energy"] == "estimated"
    assert {"hardware/joules", "throughput/mfu", "profile/backward_seconds"} <= set(
        tracked.data.metrics
    )
    assert (folder / "profile" / "trace.json").exists()


def test_record_and_mlflow_say_which_techniques_were_in_force(results, tracked):
    (folder,) = (results / "runs").iterdir()
    record = json.loads((folder / "record.json").read_text())
    told = record["techniques"]
    assert told.pop("threads").startswith("1 on ")
    assert told.pop("keep_memory").startswith(("on: glibc", "off: the C library"))
    assert told == {
        "buckets": "off: all examples are as long",
        "in_memory": "on: batches are cut from tensors",
        "channels_last": "off: no convolution over a grid",
        "fused": "on: AdamW",
        "deterministic": "on: every operation",
        "compile": "off: hardware.compile=false",
    }
    assert tracked.data.tags["techniques.fused"] == "on: AdamW"


def test_mlflow_has_the_parameters_and_the_status(tracked):
    assert tracked.info.status == "FINISHED"
    assert tracked.data.params["optimizer.lr"] == "0.01"
    assert tracked.data.params["backbone.width"] == "16"
    assert tracked.data.params["seed"] == "0"
    assert tracked.data.tags["backbone"] == "mlp"


def test_mlflow_has_the_metrics_by_step(client, tracked, results):
    prefixes = {name.partition("/")[0] for name in tracked.data.metrics}
    assert {"train", "validation", "test", "throughput", "time"} <= prefixes
    history = client.get_metric_history(tracked.info.run_id, "train/loss")
    history.sort(key=lambda metric: metric.step)
    assert [metric.step for metric in history] == list(range(1, 9))
    assert [metric.value for metric in history] == losses(results, 0)


def test_record_and_mlflow_have_the_interval_and_how_the_result_stands(tracked, results):
    (folder,) = (results / "runs").iterdir()
    record = json.loads((folder / "record.json").read_text())
    accuracy = record["metrics"]["test/accuracy"]
    low, high, method = record["intervals"]["test/accuracy"]
    assert low < accuracy < high
    assert method == "Wilson score"
    assert tracked.data.metrics["test/accuracy_low"] == low
    assert tracked.data.metrics["test/gap_to_published"] == pytest.approx(accuracy - 0.99)
    assert tracked.data.tags["verdict.published"] == "below"
    assert "test/gap_to_people" not in tracked.data.metrics
    assert record["standings"][0]["people"] is None


def test_mlflow_has_the_data_set_with_its_fingerprint(tracked):
    (used,) = tracked.inputs.dataset_inputs
    assert used.dataset.name == "digits"
    assert used.dataset.digest
    assert tracked.data.tags["fingerprint"].startswith(used.dataset.digest)


def test_mlflow_has_configuration_and_pictures(client, tracked):
    run = tracked.info.run_id
    assert "config.yaml" in {file.path for file in client.list_artifacts(run)}
    pictures = {file.path: file.file_size for file in client.list_artifacts(run, "figures")}
    assert {"figures/confusion_matrix.png", "figures/curves.png"} <= set(pictures)
    assert min(size for name, size in pictures.items() if name.endswith(".png")) > 1000


def test_model_loads_without_unpickling_and_predicts(results, tracked, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    import mlflow

    from suite.tracking.store import default_uri

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(default_uri(results))
    try:
        (output,) = tracked.outputs.model_outputs
        model = mlflow.pyfunc.load_model(f"models:/{output.model_id}")
    finally:
        mlflow.set_tracking_uri(before)
    inputs = model.metadata.get_input_schema().input_names()
    assert inputs == ["pixels_BCHW"]
    shape = model.metadata.get_input_schema().inputs[0].shape
    pixels_BCHW = np.zeros((5, *shape[1:]), dtype=model.metadata.get_input_schema().inputs[0].type)
    assert model.predict({"pixels_BCHW": pixels_BCHW})["logits_BK"].shape == (5, 10)


def test_same_seed_gives_the_same_curve_and_another_seed_another(results, triathlon, tmp_path):
    said = triathlon(tmp_path, "-m", *RUN, "optimizer.lr=0.01", "seed=0,1", "tracking=none")
    assert said.code == 0, said
    again = tmp_path / "results"
    assert losses(again, 0) == losses(results, 0)
    assert losses(again, 1) != losses(results, 0)
