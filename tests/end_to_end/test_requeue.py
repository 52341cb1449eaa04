"""A job that a cluster takes back writes a checkpoint, is queued again, and goes on."""

import json
import os
import signal
import subprocess
import time

import psutil

PATIENCE_SECONDS = 120
COMMAND = (
    "-m", "hydra/launcher=submitit_local", "hydra.launcher.timeout_min=30", "seed=4",
    "backbone=mlp", "backbone.width=16", "hardware=cpu_single", "tracking=none",
    "trainer.epochs=null", "trainer.steps=1600", "trainer.evaluate_every=20",
    "trainer.log_every=50", "trainer.checkpoint.every_minutes=null",
)  # fmt: skip


def test_job_that_submitit_is_told_to_stop_is_queued_again_and_goes_on(script, cache, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HYDRA_FULL_ERROR": ""}
    with subprocess.Popen(
        [str(script), *COMMAND], cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as sweep:  # fmt: skip
        end = time.monotonic() + PATIENCE_SECONDS
        journals = []
        while not any('"train/loss"' in path.read_text() for path in journals):
            assert sweep.poll() is None, sweep.communicate()
            assert time.monotonic() < end
            time.sleep(0.01)
            journals = list(tmp_path.glob("results/runs/*/journal.jsonl"))
        jobs = [one for one in psutil.Process(sweep.pid).children(recursive=True)
                if "submitit.core._submit" in one.cmdline()]  # fmt: skip
        jobs[-1].send_signal(signal.SIGUSR2)  # as Slurm does ahead of a time limit
        out, _ = sweep.communicate(timeout=PATIENCE_SECONDS)
    assert sweep.returncode == 0, out
    (path,) = tmp_path.glob("results/runs/*/record.json")
    record = json.loads(path.read_text())
    assert record["status"] == "finished"
    (resumed,) = record["resumes"]
    assert 0 < resumed["step"] < 1600
    assert resumed["differing"] == ""
    events = [json.loads(line)["event"] for line in journals[0].read_text().splitlines()]
    assert [one for one in events if one not in ("metrics", "artifact")] == [
        "start", "interrupt", "resume", "end",
    ]  # fmt: skip
