"""Two processes train one model together, through gloo, and come to what one comes to."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

PATIENCE_SECONDS = 200
KILLS = 5


def _scenario(folder: Path, *arguments: str) -> dict:
    script = Path(__file__).parent / "together.py"
    done = subprocess.run(
        [sys.executable, str(script), str(folder), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def equal(cache, tmp_path_factory):
    return _scenario(tmp_path_factory.mktemp("equal"), "equal")


@pytest.mark.parametrize(
    "kind", ["ddp, batch norm", "fsdp, batch norm", "ddp, accumulated and averaged", "fsdp"]
)
def test_fifty_steps_of_two_processes_are_those_of_one(equal, kind):
    apart = equal[kind]
    assert apart["train/loss"] < 1e-6
    assert apart["validation/loss"] < 1e-6
    assert apart["train/gradient_norm"] < 1e-5
    assert apart["validation/accuracy"] == apart["test/accuracy"] == 0


@pytest.mark.parametrize("kind", ["ddp", "fsdp"])
def test_evaluation_on_two_processes_is_that_on_one_to_the_last_bit(equal, kind):
    one, two = equal[f"evaluation, {kind}"]
    assert one == two
    assert {"validation/loss", "test/accuracy", "test/macro_f1"} <= one.keys()


def test_two_processes_that_are_killed_go_on_to_the_same_bits(cache, tmp_path):
    told = _scenario(tmp_path, "killed", str(KILLS))
    assert told["same"] == KILLS, told
    assert told["killed"] >= 2, told
    assert told["resumed"] >= 1, told


def test_checkpoint_loads_in_another_number_of_processes(cache, tmp_path):
    told = _scenario(tmp_path, "moved")
    assert len(told) == 4
    for case in told.values():
        assert case["from"], told
        assert case["from"][0] >= 10, told
        assert case["apart"] < 1e-3, told


COMMAND = (
    "backbone=mlp", "backbone.width=16", "hardware=cpu_single", "tracking=none",
    "trainer.epochs=null", "trainer.steps=1500", "trainer.log_every=100",
    "trainer.evaluate_every=20", "trainer.checkpoint.every_steps=100",
)  # fmt: skip


def test_worker_that_dies_takes_the_run_down_and_torchrun_brings_it_back(cache, tmp_path):
    command = [
        str(Path(sys.executable).parent / "torchrun"), "--nproc-per-node=2", "--max-restarts=1",
        "--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "-m", "suite", *COMMAND,
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HYDRA_FULL_ERROR": ""}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as agent:  # fmt: skip
        end = time.monotonic() + PATIENCE_SECONDS
        while not list(tmp_path.glob("results/runs/*/checkpoints/000*")):
            assert agent.poll() is None, agent.communicate()
            assert time.monotonic() < end
            time.sleep(0.02)
        workers = [one for one in psutil.Process(agent.pid).children()
                   if one.environ().get("RANK") == "1"]  # fmt: skip
        workers[0].send_signal(signal.SIGKILL)
        out, _ = agent.communicate(timeout=PATIENCE_SECONDS)
    assert agent.returncode == 0, out
    (path,) = tmp_path.glob("results/runs/*/record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "finished"
    assert record["machine"]["processes"] == 2
    assert record["resumes"][0]["step"] >= 100
    assert record["resumes"][0]["differing"] == ""
    # One process speaks.
    assert out.count("going on with") == 1


def test_what_torchrun_cannot_do_is_told(triathlon, tmp_path):
    of_two = {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}
    said = triathlon(tmp_path, "-m", "seed=0,1", "backbone=mlp", **of_two)
    assert said.code != 0
    assert "torchrun's processes train one run together" in said.error
