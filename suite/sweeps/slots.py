"""Divides one machine between jobs that run beside each other, so that they do not fight.

Each job takes a slot, the one that its process had before or else the lowest that is free, and
keeps it to its end: there are as many slots as jobs may run at once, so launchers that start all
jobs together wait here. Of c cores each of n slots has c/n threads, and of k accelerators slot i
has number i modulo k. What comes from a cluster's scheduler is divided by it, and left alone.

A process that waits for its next job holds none: joblib's workers outlive a command that was
killed, and would keep the next one from its slots.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from suite import locks
from suite.errors import DeviceError

CORES = "TRIATHLON_CORES"
"""Environment variable that tells a job how many cores are its own."""
_DEVICES, _THREADS = "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"
_SECONDS_BETWEEN = 0.2
_had: dict[Path, int] = {}


@contextmanager
def settled(folder: Path, parallel: int | None, devices: Sequence[str]) -> Iterator[int | None]:
    """Hold a slot of the sweep in `folder`, with this process's environment set up for it.

    Gives its number; None where there is nothing to divide: one job at a time, or a scheduler. To
    be entered before torch is imported.
    """
    if parallel is None or parallel < 2:
        yield None
        return
    place = (folder / "slots").resolve()
    slot = _take(place, parallel)
    try:
        _set_up(slot, parallel, devices)
        yield slot
    finally:
        locks.release(_lock(place, slot))


def _set_up(slot: int, parallel: int, devices: Sequence[str]) -> None:
    cores = max(cores_here() // parallel, 1)
    os.environ[CORES] = str(cores)
    if not os.environ.get(_THREADS):  # joblib sets it, and so may the user
        os.environ[_THREADS] = str(cores)
    if devices and not _cuda_in_use():
        os.environ[_DEVICES] = devices[slot % len(devices)]


def cores_here() -> int:
    """Return how many cores this process may use, by its affinity and its container."""
    import joblib

    return int(joblib.cpu_count())


def devices_here() -> list[str]:
    """Return the accelerators that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    given = os.environ.get(_DEVICES)
    if given is not None:
        return [one.strip() for one in given.split(",") if one.strip()]
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = map(pynvml.nvmlDeviceGetHandleByIndex, range(pynvml.nvmlDeviceGetCount()))
        # By name: NVML and CUDA need not count in the same order.
        return [_text(pynvml.nvmlDeviceGetUUID(handle)) for handle in handles]
    except Exception:  # NVML's own errors: no driver, no accelerator
        return []


def _take(place: Path, parallel: int) -> int:
    """Wait for a slot; the one that this process had comes first, as its accelerator stays."""
    while True:
        had = _had.get(place)
        order = sorted(range(parallel), key=lambda slot: (slot != had, slot))
        for slot in order:
            if locks.take(_lock(place, slot)):
                _had[place] = slot
                return slot
        time.sleep(_SECONDS_BETWEEN)


def _lock(place: Path, slot: int) -> Path:
    return place / f"{slot}.lock"


def _cuda_in_use() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and bool(torch.cuda.is_initialized())


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def parallelism(launcher: str, options: dict[str, object], jobs: int) -> int | None:
    """Return how many jobs a launcher runs at once on this machine; None where a cluster decides.

    launcher: its class. options: its configuration. jobs: how many there are to run.
    """
    kind = launcher.rpartition(".")[2]
    if kind == "BasicLauncher":
        return 1
    if kind == "JoblibLauncher":
        import joblib

        wanted = int(str(options["n_jobs"]))
        if wanted == 0:
            raise DeviceError("hydra.launcher.n_jobs=0: must be above 0, or -1 for all cores")
        return int(joblib.effective_n_jobs(wanted))
    if kind == "LocalLauncher":
        # submitit starts all jobs at once; as many as have their cores go on.
        each = int(str(options.get("cpus_per_task") or 1))
        return max(min(cores_here() // each, jobs), 1)
    return None
