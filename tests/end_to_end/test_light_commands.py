"""Commands that show something without training: they need no torch and little time."""

import json
import resource
import statistics
import subprocess
import sys
import time

import pytest
import yaml


def test_cfg_shows_the_composed_configuration(light):
    said = light("task=speech_recognition", "optimizer=muon", "optimizer.lr=0.5", "--cfg", "job")
    assert said.code == 0
    config = yaml.safe_load(said.out)
    assert config["optimizer"]["lr"] == 0.5
    assert config["loss"]["_target_"] == "suite.training.losses.CrossEntropy"
    assert config["data"]["_target_"] == "tasks.speech_recognition.data.SpokenWords"


def test_info_shows_where_the_configuration_comes_from(light):
    said = light("--info", "defaults-tree")
    assert said.code == 0
    assert "backbone: resnet" in said.out


def test_help_shows_examples_verbs_and_keys(light):
    said = light("--help")
    assert said.code == 0
    for part in ("triathlon -m task='glob(*)'", "doctor", "batch_size: 64", "--hydra-help"):
        assert part in said.out


def test_completion(light):
    installs = light("--shell-completion", "install=bash")
    assert "complete -o nospace -o default -F hydra_bash_completion triathlon" in installs.out
    line = "triathlon task=sp"
    options = light("-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert options.out.split() == ["task=speech_recognition", "task=speech_transcription"]


def test_list_names_everything_with_a_line(light):
    said = light("list")
    assert said.code == 0
    lines = {line.split()[0]: line for line in said.out.splitlines() if line.startswith("  ")}
    for name in ("image_recognition", "spoken_words", "transformer", "muon", "one_cycle", "ctc"):
        assert len(lines[name].split()) > 3, name
    assert "synthetic" in lines["spoken_words"]
    assert lines["imagefolder"].split()[:3] == ["imagefolder", "yours", "path"]


def test_list_shows_one_group(light):
    said = light("list", "optimizer")
    assert [line.split()[0] for line in said.out.splitlines() if line.strip()] == [
        "optimizer", "adam", "adamw", "muon", "sgd",
    ]  # fmt: skip


def test_references_of_a_set(light):
    said = light("references", "digits")
    assert said.code == 0
    assert "scikit-learn" in said.out
    light("references", "digit").refused("references digit", "'digits'")


def test_list_is_quick(triathlon, tmp_path):
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        triathlon(tmp_path, "list")
        seconds.append(time.perf_counter() - start)
    # Under one second on a machine to itself; here others run beside it.
    assert statistics.median(seconds) < 3


@pytest.fixture
def sweep(tmp_path):
    """A sweep of 1,000 cells, half of them done, as it lies in the results folder."""
    from suite.sweeps.books import Books, Entry, Status
    from suite.sweeps.plan import Cell, Plan
    from suite.tracking.sweep_run import Sweep

    def cell(number):
        settings = {"seed": str(number % 5), "width": str(number // 5), "depth": "3"}
        overrides = tuple(f"{key}={value}" for key, value in settings.items())
        return Cell(key=f"k{number}", overrides=overrides, settings=settings)

    books = Books(tmp_path / "results" / "sweeps" / "mine")
    Plan(command=("seed=0,1",), cells=tuple(map(cell, range(1000)))).write(books.folder)
    Sweep(id="mine", uri=None, experiment="sweeps", parallel=2).write(books.results)
    for number in range(500):
        books.write(f"k{number}", Entry(status=Status.finished, run="r", seconds=number))
    return books.folder


def test_how_far_a_sweep_is(light, sweep):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = light("sweep", "status")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert said.code == 0
    assert "mine: stopped" in said.out
    assert "1000 runs: 500 finished, 500 pending" in said.out
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
    assert "mine" in light("sweep", "list").out
    light("sweep", "status", "mien").refused("mien: no such sweep", "did you mean 'mine'")


def test_a_sweep_that_came_to_mean_other_runs_is_refused(light, sweep):
    said = light("-m", "backbone=mlp", "seed=0,1", "sweep.name=mine", "hardware=cpu_single")
    said.refused(
        "sweep mine: has other runs than asked for: 2 added: seed=0, seed=1; 1000 gone: ",
        "sweep.on_change=new", "sweep.on_change=extend",
    )  # fmt: skip
    light("-m", "seed=0,1", "sweep.name=a/b").refused("sweep.name=a/b: must be letters, digits")
    light("-m", "seed=0,1", "sweep.on_change=ask").refused("sweep.on_change=ask", "extend")


def test_a_search_of_what_cannot_be_searched_is_refused(light):
    optuna = ("-m", "hydra/sweeper=optuna")
    light(*optuna, "task=text_classification,image_recognition").refused("cannot be compared")
    light(*optuna, "optimizer.lr=0.1").refused("nothing to search")
    light(*optuna, "backbone=mlp,lstm", "hydra.sweeper.pruner=hyper").refused("no such pruner")
    light("-m", "optimizer.lr=interval(0,1)").refused("hydra/sweeper=optuna searches an interval")


def test_a_reader_that_has_seen_enough_is_no_error():
    # -u: every line is written at once, as long listings are once the pipe's buffer is full.
    command = [sys.executable, "-u", "-m", "suite.cli", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        listing.stdout.close()
        assert listing.stderr.read() == b""
    assert listing.returncode == 141


def test_compare_needs_nothing_heavy_and_refuses_in_a_line(light, tmp_path):
    light("compare", "backbone=mlp", "backbone=lstm").refused("results: is not there")
    runs = []
    for seed in range(3):
        for backbone, value in (("mlp", 0.9), ("lstm", 0.8)):
            runs.append({
                "run_id": f"{backbone}{seed}", "name": "", "status": "finished", "seed": seed,
                "data": "digits", "backbone": backbone, "group_hash": backbone,
                "primary": "accuracy", "direction": "maximize",
                "metrics": {"test/accuracy": value + seed / 100},
            })  # fmt: skip
    (tmp_path / "runs.json").write_text(json.dumps(runs))
    by_file = ("--results", "runs.json")
    said = light("compare", "backbone=mlp", "backbone=lstm", "--gate", *by_file)
    assert said.code == 1
    assert "gate: B is worse than A by digits: accuracy" in said.out
    assert light("compare", "backbone=lstm", "backbone=mlp", "--gate", *by_file).code == 0
    said = light("compare", "backbone=mlp", "backbone=gru", *by_file)
    said.refused("no run has backbone=gru; there is lstm, mlp")
