"""Runs that a signal stops or ends, and that go on: by `triathlon resume`, or by themselves."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

PATIENCE_SECONDS = 120
# So long that it cannot end before the signal comes, and be over soon after it is resumed.
COMMAND = (
    "backbone=mlp", "backbone.width=16", "hardware=cpu_single", "tracking=none", "seed=3",
    "trainer.epochs=null", "trainer.steps=1600", "trainer.evaluate_every=20",
    "trainer.log_every=50", "trainer.checkpoint.every_steps=300",
)  # fmt: skip


def _until(true, process):
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def _stopped(script, folder: Path, *signums) -> subprocess.CompletedProcess:
    """Start the run, and send it these signals once it trains."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HYDRA_FULL_ERROR": ""}
    with subprocess.Popen(
        [str(script), *COMMAND], cwd=folder, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        _until(lambda: any("train/loss" in p.read_text() for p in _journals(folder)), process)
        for signum in signums:
            process.send_signal(signum)
            time.sleep(0.001)
        out, error = process.communicate(timeout=60)
    return subprocess.CompletedProcess(COMMAND, process.returncode, out, error)


def _journals(folder):
    return list(folder.glob("results/runs/*/journal.jsonl"))


def _run(folder) -> tuple[Path, dict]:
    (path,) = folder.glob("results/runs/*/record.json")
    return path.parent, json.loads(path.read_text())


@pytest.fixture(scope="module")
def whole(triathlon, tmp_path_factory):
    """The run without any signal."""
    folder = tmp_path_factory.mktemp("whole")
    assert triathlon(folder, *COMMAND).code == 0
    return _run(folder)


def _same(folder, whole):
    run, record = _run(folder)
    assert record["status"] == "finished"
    assert record["metrics"] == whole[1]["metrics"]
    for name in ("best.safetensors", "model/model.safetensors"):
        assert (run / name).read_bytes() == (whole[0] / name).read_bytes()
    assert not (run / "checkpoints").exists()
    return record


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signal_interrupts_and_resume_goes_on(script, triathlon, whole, tmp_path, signum, code):
    said = _stopped(script, tmp_path, signum)
    assert said.returncode == code, said
    assert said.stderr.splitlines()[-1].startswith("interrupted; `triathlon resume "), said
    assert "Traceback" not in said.stderr
    run, record = _run(tmp_path)
    assert record["status"] == "interrupted"
    events = [json.loads(line) for line in _journals(tmp_path)[0].read_text().splitlines()]
    assert events[-1]["event"] == "interrupt"
    resumed = triathlon(tmp_path, "resume", run.name)
    assert resumed.code == 0, resumed
    assert f"going on with {run.name} from step " in resumed.out
    record = _same(tmp_path, whole)
    assert record["resumes"][0]["step"] > 0
    assert [one["differing"] for one in record["resumes"]] == [""]
    again = triathlon(tmp_path, "resume", run.name)
    again.refused(f"{run.name}: has finished; there is nothing to go on with")


def test_killed_run_is_gone_on_with_by_the_same_command(script, triathlon, whole, tmp_path):
    said = _stopped(script, tmp_path, signal.SIGKILL)
    assert said.returncode == -signal.SIGKILL
    again = triathlon(tmp_path, *COMMAND)
    assert again.code == 0, again
    assert "going on with " in again.out
    assert len(_same(tmp_path, whole)["resumes"]) == 1
    # And a run that has ended is not gone on with.
    assert triathlon(tmp_path, *COMMAND).code == 0
    assert len(_journals(tmp_path)) == 2


def test_second_signal_ends_it_at_once_and_loses_nothing(script, triathlon, whole, tmp_path):
    said = _stopped(script, tmp_path, signal.SIGTERM, signal.SIGTERM, signal.SIGTERM)
    assert said.returncode == 143, said
    assert triathlon(tmp_path, "resume").code == 0
    _same(tmp_path, whole)


def test_another_command_or_resume_false_begins_anew(script, triathlon, tmp_path):
    _stopped(script, tmp_path, signal.SIGTERM)
    short = [one for one in COMMAND if "steps=1600" not in one]
    said = triathlon(tmp_path, *short, "trainer.steps=10")
    assert "going on" not in said.out
    said = triathlon(tmp_path, *COMMAND, "resume=false")
    assert "going on" not in said.out
    assert len(_journals(tmp_path)) == 3


def test_what_cannot_be_resumed_is_told(triathlon, tmp_path):
    triathlon(tmp_path, "resume").refused("no run was killed or interrupted")
    triathlon(tmp_path, "resume", "../../etc").refused("../../etc: no such run")
