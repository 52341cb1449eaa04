"""A model on hand-made features leaves what a network leaves, in the same tables."""

import json

import pytest
from safetensors.torch import load_file

RUN = ["backbone=svm", "hardware=cpu_single"]


@pytest.fixture(scope="module")
def results(triathlon, tmp_path_factory):
    """One tracked sweep of a network and a machine over two tasks, one of which has no features."""
    folder = tmp_path_factory.mktemp("shallow")
    said = triathlon(
        folder, "-m", "backbone=svm,mlp", "task=image_recognition,speech_transcription",
        "trainer=smoke", "trainer.steps=2", "hardware=cpu_single", "optimizer=sgd",
    )  # fmt: skip
    assert said.code == 1, said
    assert "1 failed" in said.out
    # The table of what failed is set in lines.
    assert "backbone=svm: is fitted on hand-made" in " ".join(said.out.split())
    assert "Traceback" not in said.error
    return folder / "results"


@pytest.fixture(scope="module")
def run(results):
    (folder,) = results.glob("runs/*-digits-svm-*")
    return folder, json.loads((folder / "record.json").read_text())


def test_record(run):
    _, record = run
    assert record["status"] == "finished"
    assert (record["optimizer"], record["schedule"], record["loss"]) == (
        "liblinear", "", "squared_hinge",
    )  # fmt: skip
    assert record["hand_made"]["features"] == "pixels"
    assert record["hand_made"]["features_per_example"] == 64
    assert record["hand_made"]["fitted_on"] == record["data_card"]["sizes"]["train"] == 1259
    assert record["hand_made"]["feature_seconds"] > 0
    assert record["model"]["parameters"] == 64 * 10 + 10
    assert record["metrics"]["test/accuracy"] > 0.95
    assert record["metrics"]["test/macro_f1"] > 0.95
    assert 0 < record["training_seconds"] <= record["wall_seconds"]
    assert record["examples"] == 1259 * record["steps"]
    assert record["config"]["optimizer"] is None
    low, high, _ = record["intervals"]["test/accuracy"]
    assert low < record["metrics"]["test/accuracy"] < high


def test_journal_has_a_point_for_each_C(run):
    folder, record = run
    events = map(json.loads, (folder / "journal.jsonl").read_text().splitlines())
    values = [event["values"] for event in events if event["event"] == "metrics"]
    points = [v for v in values if "validation/accuracy" in v]
    assert len(points) == record["steps"] > 3
    best = max(points, key=lambda v: v["validation/accuracy"])  # of equals the first
    assert best["train/C"] == record["hand_made"]["C"]
    assert best["validation/accuracy"] == record["metrics"]["validation/accuracy"]


def test_pictures_and_coefficients_are_kept(run):
    folder, _ = run
    assert (folder / "figures" / "confusion_matrix.png").stat().st_size > 1000
    assert (folder / "figures" / "curves.png").exists()
    tensors = load_file(folder / "linear.safetensors")
    assert tensors["weight_KF"].shape == (10, 64)


def test_mlflow_has_the_rows_of_networks(results, run):
    from suite.tracking.store import connect, default_uri

    client = connect(results, default_uri(results))
    experiment = client.get_experiment_by_name("sweeps")
    runs = client.search_runs([experiment.experiment_id])
    tracked = {r.data.tags.get("backbone"): r for r in runs if r.data.tags.get("data") == "digits"}
    machine, network = tracked["svm"], tracked["mlp"]
    assert machine.info.status == "FINISHED"
    assert machine.data.tags["optimizer"] == "liblinear"
    assert machine.data.tags["features"] == "pixels"
    assert machine.data.params["backbone.kernel"] == "linear"
    assert "optimizer.lr" not in machine.data.params
    shared = {
        *("test/accuracy", "test/macro_f1", "validation/accuracy"),
        *("time/training_seconds", "time/wall_seconds"),
        *("throughput/examples_per_second", "model/parameters"),
    }
    assert shared <= set(machine.data.metrics) & set(network.data.metrics)
    assert machine.data.metrics["time/feature_seconds"] > 0
    assert machine.data.metrics["model/C"] == run[1]["hand_made"]["C"]
    history = client.get_metric_history(machine.info.run_id, "validation/accuracy")
    assert len(history) == run[1]["steps"]
    files = {file.path for file in client.list_artifacts(machine.info.run_id)}
    assert {"config.yaml", "figures", "linear.safetensors"} <= files


def test_tables_show_it_beside_networks(results, triathlon):
    said = triathlon(results.parent, "report")
    assert "svm + liblinear" in said.out
    assert "mlp + sgd" in said.out
    board = json.loads((results / "leaderboard.json").read_text())["boards"][0]
    assert [row["backbone"] for row in board["rows"]] == ["svm", "mlp"]
    assert board["rows"][0]["settings"] == "pixels"


def test_same_seed_gives_the_same_result_whatever_the_optimizer(run, triathlon, tmp_path):
    said = triathlon(tmp_path, *RUN, "optimizer=muon", "tracking=none", "trainer.epochs=1")
    assert said.code == 0, said
    (path,) = tmp_path.glob("results/runs/*/record.json")
    record = json.loads(path.read_text())
    assert record["metrics"] == run[1]["metrics"]
    assert record["config_hash"] != ""


def test_wrong_combinations_are_one_line(inside):
    inside(*RUN, "task=speech_transcription").refused("hand-made features", "choose another")
    inside(*RUN, "backbone.features=hgo").refused("backbone.features=hgo", "did you mean 'hog'?")
    inside("model", *RUN).refused("backbone=svm: has no layers")
