"""n jobs on c cores have c/n threads each, and take k accelerators by turn."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from suite.errors import DeviceError
from suite.sweeps import slots

ROOT = Path(__file__).parents[3]
JOB = """
import os, sys
from pathlib import Path
from suite.sweeps import slots
slots.cores_here = lambda: 8
devices = [d for d in sys.argv[3].split(",") if d]
again = True
while again:
    with slots.settled(Path(sys.argv[1]), int(sys.argv[2]), devices) as slot:
        print(slot, *(os.environ.get(k, "-") for k in
            ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "TRIATHLON_CORES")), flush=True)
        again = sys.stdin.readline() == "next\\n"
    print("idle", flush=True)
    again = again and sys.stdin.readline() == "go\\n"
"""


class Job:
    """A job in a process of its own, that keeps its slot until it is told to end."""

    def __init__(self, folder: Path, parallel: int, devices: str = "", **extra: str) -> None:
        kept = {
            k: v
            for k, v in os.environ.items()
            if k not in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOB, str(folder), str(parallel), devices],
            env={**kept, "PYTHONPATH": str(ROOT), **extra},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def said(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.communicate("")


def test_threads_and_devices_are_divided(tmp_path: Path) -> None:
    jobs = [Job(tmp_path, 4, "a,b,c") for _ in range(4)]
    said = sorted(job.said() for job in jobs)
    assert said == [
        ["0", "2", "a", "2"], ["1", "2", "b", "2"], ["2", "2", "c", "2"], ["3", "2", "a", "2"],
    ]  # fmt: skip
    for job in jobs:
        job.end()


def test_no_more_jobs_at_once_than_slots_and_a_slot_is_used_again(tmp_path: Path) -> None:
    first, second = Job(tmp_path, 2, "a,b"), Job(tmp_path, 2, "a,b")
    taken = {one.said()[0]: one for one in (first, second)}
    third = Job(tmp_path, 2, "a,b")
    with pytest.raises(subprocess.TimeoutExpired):
        third.process.wait(1.5)
    taken["1"].process.kill()
    assert third.said() == ["1", "4", "b", "4"]
    taken["1"].process.communicate()
    taken["0"].end()
    third.end()


def test_an_idle_process_holds_no_slot_and_has_its_own_again(tmp_path: Path) -> None:
    first, second = Job(tmp_path, 2, "a,b"), Job(tmp_path, 2, "a,b")
    by_slot = {one.said()[0]: one for one in (first, second)}
    for job in by_slot.values():
        job.say("next")
        assert job.said() == ["idle"]
    # The one with the higher slot comes first, and leaves the lower to the other.
    by_slot["1"].say("go")
    assert by_slot["1"].said() == ["1", "4", "b", "4"]
    # A worker of a command that was killed waits for a next job that never comes.
    third = Job(tmp_path, 2, "a,b")
    assert third.said() == ["0", "4", "a", "4"]
    for job in (first, second, third):
        job.end()


def test_more_jobs_than_cores_have_a_thread_each(tmp_path: Path) -> None:
    job = Job(tmp_path, 20)
    assert job.said() == ["0", "1", "-", "1"]
    job.end()


def test_a_number_of_threads_that_is_given_stays(tmp_path: Path) -> None:
    job = Job(tmp_path, 2, OMP_NUM_THREADS="7")
    assert job.said()[1] == "7"
    job.end()


@pytest.mark.parametrize("parallel", [None, 1])
def test_one_job_or_a_scheduler_is_left_alone(
    parallel: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(slots.CORES, raising=False)
    with slots.settled(tmp_path, parallel, ["a"]) as slot:
        assert slot is None
    assert slots.CORES not in os.environ
    assert not list(tmp_path.iterdir())


def test_how_many_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "cores_here", lambda: 8)
    assert (
        slots.parallelism("hydra._internal.core_plugins.basic_launcher.BasicLauncher", {}, 9) == 1
    )
    joblib = "hydra_plugins.hydra_joblib_launcher.joblib_launcher.JoblibLauncher"
    assert slots.parallelism(joblib, {"n_jobs": 3}, 9) == 3
    with pytest.raises(DeviceError, match=r"hydra\.launcher\.n_jobs=0"):
        slots.parallelism(joblib, {"n_jobs": 0}, 9)
    local = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.LocalLauncher"
    assert slots.parallelism(local, {"cpus_per_task": None}, 9) == 8
    assert slots.parallelism(local, {"cpus_per_task": 3}, 9) == 2
    assert slots.parallelism(local, {"cpus_per_task": 1}, 3) == 3
    slurm = "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher"
    assert slots.parallelism(slurm, {}, 9) is None


def test_devices_that_may_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 0")
    assert slots.devices_here() == ["2", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert slots.devices_here() == []
    import pynvml

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUUID", lambda handle: f"GPU-{handle}".encode())
    assert slots.devices_here() == ["GPU-0", "GPU-1"]
