"""Sweeps: children under a parent, a cell that fails, jobs beside each other."""

import json
import os

import pytest

SMALL = ["backbone=mlp", "backbone.width=8", "trainer=smoke", "trainer.steps=3", "task.target=0.5"]
TASKS = "task=image_recognition,text_classification"


def records(folder):
    paths = sorted(folder.glob("results/runs/*/record.json"))
    return [json.loads(path.read_text()) for path in paths]


def entries(folder):
    """What a sweep's books say of its cells."""
    paths = sorted(folder.glob("results/sweeps/*/cells/*.json"))
    return [json.loads(path.read_text()) for path in paths]


@pytest.fixture(scope="module")
def swept(triathlon, tmp_path_factory):
    """A tracked sweep of two tasks and three seeds, one of them wrong."""
    folder = tmp_path_factory.mktemp("sweep")
    return folder, triathlon(folder, "-m", *SMALL, TASKS, "seed=0,-1,1", "hardware=cpu_single")


@pytest.fixture(scope="module")
def runs(swept):
    """The parent and its children in MLflow."""
    from suite.tracking.store import connect, default_uri

    results = swept[0] / "results"
    client = connect(results, default_uri(results))
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    runs = client.search_runs(experiments)
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return parent, [run for run in runs if run is not parent]


def test_cells_that_fail_do_not_stop_the_others(swept):
    folder, said = swept
    assert said.code == 1, said
    done = [(record["task"], record["seed"]) for record in records(folder)]
    tasks = ("image_recognition", "text_classification")
    assert sorted(done) == [(task, seed) for task in tasks for seed in (0, 1)]
    assert all(record["status"] == "finished" for record in records(folder))


def test_failures_have_a_table(swept):
    _, said = swept
    assert "2 failed" in said.out
    assert said.out.count("seed=-1: must be 0 or above") == 2
    assert "Traceback" not in said.error


def test_leaderboard_is_printed_and_written(swept):
    folder, said = swept
    assert "image_recognition / digits" in said.out
    assert "text_classification / language_names" in said.out
    (sweep,) = (folder / "results" / "sweeps").iterdir()
    assert {"leaderboard.md", "leaderboard.json"} <= {path.name for path in sweep.iterdir()}


def test_parent_has_a_summary_and_its_children(runs):
    parent, children = runs
    assert parent.data.metrics["summary/runs_finished"] == 4
    assert parent.data.metrics["summary/runs_failed"] == 2
    assert "summary/image_recognition.digits/accuracy_mean" in parent.data.metrics
    assert len(children) == 4
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}


def test_jobs_beside_each_other_divide_the_threads(triathlon, tmp_path):
    folder = tmp_path
    said = triathlon(
        folder, "-m", *SMALL, "seed=0,1,2,3", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
        OMP_NUM_THREADS="", CUDA_VISIBLE_DEVICES="6,7,8",
    )  # fmt: skip
    assert said.code == 0, said
    share = max((os.cpu_count() or 1) // 2, 1)
    assert [record["machine"]["threads"] for record in records(folder)] == [share] * 4
    assert {entry["device"] for entry in entries(folder)} == {"6", "7"}
    from suite.tracking.store import connect, default_uri

    results = folder / "results"
    client = connect(results, default_uri(results))
    experiment = client.get_experiment_by_name("sweeps")
    runs = client.search_runs([experiment.experiment_id])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(runs) == 5
    for run in children:
        history = client.get_metric_history(run.info.run_id, "train/loss")
        assert sorted(metric.step for metric in history) == [1, 2, 3]


def test_submitit_starts_all_at_once_and_they_wait_for_their_turn(triathlon, tmp_path):
    said = triathlon(
        tmp_path, "-m", *SMALL, "tracking=none", "seed=0,1,-1,2", "hydra/launcher=submitit_local",
        OMP_NUM_THREADS="", CUDA_VISIBLE_DEVICES="6,7",
    )  # fmt: skip
    assert said.code == 1, said
    assert "1 failed" in said.out
    at_once = min(os.cpu_count() or 1, 3)
    (sweep,) = tmp_path.glob("results/sweeps/*/sweep.json")
    assert json.loads(sweep.read_text())["parallel"] == at_once
    made = [entry for entry in entries(tmp_path) if entry["status"] == "finished"]
    assert len(made) == 3
    share = max((os.cpu_count() or 1) // at_once, 1)
    assert [record["machine"]["threads"] for record in records(tmp_path)] == [share] * 3
    assert {entry["device"] for entry in made} <= ({"6", "7"} if at_once > 1 else {""})


def test_ray_runs_the_jobs(triathlon, tmp_path):
    # An environment of its own has it: pip install 'triathlon[ray]'.
    pytest.importorskip("hydra_plugins.hydra_ray_launcher")
    said = triathlon(
        tmp_path, "-m", *SMALL, "tracking=none", "seed=0,1", "hydra/launcher=ray",
        "hardware=cpu_single",
    )  # fmt: skip
    assert said.code == 0, said
    assert [record["status"] for record in records(tmp_path)] == ["finished"] * 2


def test_a_search_averages_over_seeds(triathlon, tmp_path):
    command = [
        "-m", *SMALL, "trainer.steps=60", "trainer.evaluate_every=1", "tracking=none", "seed=0,1",
        "optimizer.lr=tag(log, interval(1e-6, 1e-1))", "hydra/sweeper=optuna",
        "hydra.sweeper.startup_trials=1", "hydra.sweeper.n_jobs=1", "hardware=cpu_single",
    ]  # fmt: skip
    said = triathlon(tmp_path, *command, "hydra.sweeper.n_trials=3")
    assert said.code == 0, said
    said = triathlon(tmp_path, *command, "hydra.sweeper.n_trials=5")
    assert said.code == 0, said
    assert "5 trials, 2 seeds each: " in said.out
    (path,) = tmp_path.glob("results/sweeps/*/search.json")
    told = json.loads(path.read_text())
    assert sum(told["trials"].values()) == 5
    assert told["trials"]["failed"] == 0
    rate = told["best"]["params"]["optimizer.lr"]
    of_best = [
        record["metrics"]["validation/accuracy"]
        for record in records(tmp_path)
        if record["config"]["optimizer"]["lr"] == rate
    ]
    assert len(of_best) == 2
    assert told["best"]["value"] == pytest.approx(sum(of_best) / 2)
    # What was given up is kept as such, and is no failure.
    status = [record["status"] for record in records(tmp_path)]
    assert status.count("pruned") == told["trials"]["pruned"] > 0
    assert "failed" not in said.out
