"""Describes the machine and the software a run used."""

import ctypes
import gc
import hashlib
import importlib.metadata
import json
import os
import platform
import resource
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch

_PACKAGES = ("triathlon", "torch", "torchvision", "torchaudio", "transformers", "datasets",
             "torchmetrics", "hydra-core", "mlflow", "numpy")  # fmt: skip


_FLAGS = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_bf16",
          "amx_int8")  # fmt: skip
"""What a processor can do that decides how fast it multiplies."""
_LIKE = ("device", "processor", "flags", "usable_cores", "core_limit", "threads", "system",
         "accelerator", "accelerator_memory_bytes", "driver")  # fmt: skip
"""What two machines have to share for their times to be compared."""


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Return processor, cores, threads in use, memory in bytes, and the accelerator if used.

    usable_cores: those that this process may run on. core_limit, memory_limit_bytes: what a
    container leaves of them; absent where it sets no limit. fingerprint: equal on machines whose
    times may be compared, as far as can be told.
    """
    machine: dict[str, Any] = {
        "device": device.type,
        "processor": _processor(),
        "flags": [flag for flag in _FLAGS if flag in _cpuinfo("flags").split()],
        "cores": os.cpu_count(),
        "usable_cores": usable_cores(),
        "threads": torch.get_num_threads(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
        "vector_extensions": torch.backends.cpu.get_cpu_capability(),
        **container_limits(),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        machine["accelerator"] = properties.name
        machine["accelerator_memory_bytes"] = properties.total_memory
        machine["driver"] = _driver()
    like = json.dumps([[key, machine.get(key)] for key in _LIKE] + [torch.__version__])
    machine["fingerprint"] = hashlib.sha256(like.encode()).hexdigest()[:12]
    return machine


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def container_limits(root: Path = Path("/sys/fs/cgroup")) -> dict[str, float]:
    """Return the limits of the control group (version 2) that this process is in."""
    limits: dict[str, float] = {}
    with suppress(OSError, ValueError):
        quota, period = (root / "cpu.max").read_text().split()
        limits["core_limit"] = int(quota) / int(period)  # "max" is no number: no limit
    with suppress(OSError, ValueError):
        limits["memory_limit_bytes"] = float(int((root / "memory.max").read_text()))
    return limits


def _driver() -> str:
    return _read(Path("/sys/module/nvidia/version")).strip() or "unknown"


def describe_versions(*more: str) -> dict[str, str]:
    """Return the versions of python and the packages that results depend on, these and `more`."""
    versions = {"python": platform.python_version()}
    for package in (*_PACKAGES, *more):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def describe_git(folder: Path) -> dict[str, Any]:
    """Return commit and whether the tree differs from it, of the checkout a folder is in."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return {}
    return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain", "-uno"))}


class Memory:
    """Peak memory from now on: of this process, without those that read data, and of the device.

    Linux lets a process reset its peak; elsewhere it is that of the process since it began.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        # What earlier runs in this process left with the allocator is not this one's. What is left
        # is modules mostly: to look through them, at a run's start or amid a step, would take a
        # third of a second.
        if gc.get_freeze_count():
            gc.collect()
        gc.freeze()
        if platform.libc_ver()[0] == "glibc":
            ctypes.CDLL(None).malloc_trim(0)
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        self._start = float(psutil.Process().memory_info().rss)

    def peak(self) -> dict[str, float]:
        """Return bytes: the host's at the start and at the peak, and the device's at the peak."""
        peak = {"host_start_bytes": self._start, "host_peak_bytes": _resident_peak()}
        if self._device.type == "cuda":
            peak["device_peak_bytes"] = float(torch.cuda.max_memory_allocated(self._device))
        return peak


def _resident_peak() -> float:
    for line in _read(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM:"):
            return float(line.split()[1]) * 1024
    # In KiB, but on macOS in bytes.
    unit = 1 if platform.system() == "Darwin" else 1024
    return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def slow_number(number: str, device: torch.device) -> str | None:
    """Return a warning where a number format makes this processor slower instead of faster."""
    flags = _cpuinfo("flags").split()
    if number != "bf16" or device.type != "cpu" or not flags:
        return None
    if {"avx512_bf16", "amx_bf16"} & set(flags):
        return None
    return (
        "precision=bf16: this processor has no instructions for bfloat16, which makes it several "
        "times slower than precision=fp32"
    )


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _cpuinfo(key: str) -> str:
    """Return what Linux tells of the first core of an x86 processor; empty where it does not."""
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return ""


def _read(path: Path) -> str:
    """Return the content of a file; empty where there is none."""
    with suppress(OSError):
        return path.read_text()
    return ""


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
