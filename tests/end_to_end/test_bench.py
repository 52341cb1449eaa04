"""Inference measured as a user asks for it."""

import json

import pytest

SMALL = ["task=image_recognition", "backbone=mlp", "backbone.width=8", "hardware=cpu_single"]
QUICK = ["--forms", "eager,exported", "--batch-sizes", "1,4", "--seconds", "0.05"]


def test_measures_draws_and_tracks(inside, tmp_path):
    from suite.tracking.store import connect, default_uri

    said = inside("bench", *SMALL, *QUICK, "seed=3")
    assert said.code == 0, said
    for part in ("image_recognition · digits · mlp", "eager", "exported", "drawn from seed 3"):
        assert part in said.out
    (folder,) = (tmp_path / "results" / "bench").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        "bench.json", "latency_throughput.png",
    ]  # fmt: skip
    record = json.loads((folder / "bench.json").read_text())
    measured = [(r["form"], r["threads"], r["batch_size"], r["wrong"]) for r in record["results"]]
    assert measured == [(form, 1, size, False) for size in (1, 4) for form in ("eager", "exported")]
    assert record["inputs"]["4"]["shapes"]["pixels_BCHW"] == [4, 1, 8, 8]
    assert record["config"]["seed"] == 3
    results = tmp_path / "results"
    client = connect(results, default_uri(results))
    (run,) = client.search_runs([client.get_experiment_by_name("bench").experiment_id])
    history = client.get_metric_history(run.info.run_id, "latency_p50_seconds/exported_threads_1")
    assert [metric.step for metric in history] == [1, 4]
    assert len(client.list_artifacts(run.info.run_id)) == 2


def test_measures_a_finished_run(inside, tmp_path):
    assert inside(*SMALL, "trainer=smoke", "trainer.steps=2", "tracking=none").code == 0
    (run,) = (tmp_path / "results" / "runs").iterdir()
    said = inside("bench", "--run", str(run), "--to", "speed", *QUICK)
    assert said.code == 0, said
    assert f"weights: those of {run.name}" in said.out
    assert (tmp_path / "speed" / "latency_throughput.png").stat().st_size > 0


def test_fails_where_no_form_can_be_had(inside, tmp_path, monkeypatch):
    monkeypatch.setattr("suite.inference.onnx_form.PACKAGES", ("onnx_of_tomorrow",))
    said = inside("bench", *SMALL, "--forms", "onnx", "--batch-sizes", "1", "tracking=none")
    assert said.code == 1
    assert "onnx failed: onnx_of_tomorrow not installed" in said.out
    (folder,) = (tmp_path / "results" / "bench").iterdir()
    assert [path.name for path in folder.iterdir()] == ["bench.json"]


WRONG = {
    "form": (["--forms", "jit"], "--forms jit: no such form", "eager, compiled"),
    "batch size": (["--batch-sizes", "1,x"], "--batch-sizes 1,x", "1,8,64"),
    "seconds": (["--seconds", "0"], "--seconds 0", "above 0"),
    "override": (["backbone=resnt"], "backbone=resnt", "'resnet'"),
    "no network": (["backbone=svm"], "backbone=svm", "choose another backbone"),
    "run": (["--run", "nowhere"], "--run nowhere: holds no model"),
    "run with overrides": (["--run", "nowhere", "seed=1"], "--run nowhere", "leave out seed=1"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_in_one_line(light, case):
    arguments, *parts = WRONG[case]
    light("bench", *arguments).refused(*parts)


def test_what_this_machine_or_data_has_not_is_told(inside):
    inside("bench", *SMALL, "--batch-sizes", "1,99999").refused("--batch-sizes 99999", "only")
    inside("bench", *SMALL, "--threads", "4096").refused("--threads 4096", "give at most")
