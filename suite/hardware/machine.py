"""Describes the machine and the software a run used."""

import importlib.metadata
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


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Return processor, cores, threads in use, memory in bytes, and the accelerator if used."""
    machine: dict[str, Any] = {
        "device": device.type,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.machine()}",
        "vector_extensions": torch.backends.cpu.get_cpu_capability(),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        machine["accelerator"] = properties.name
        machine["accelerator_memory_bytes"] = properties.total_memory
    return machine


def describe_versions() -> dict[str, str]:
    """Return the versions of python and the packages that results depend on."""
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
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


def peak_memory(device: torch.device) -> dict[str, float]:
    """Return peak memory in bytes: of this process so far, and of the device in this run."""
    # ru_maxrss is in KiB on Linux and in bytes on macOS.
    unit = 1 if platform.system() == "Darwin" else 1024
    peak = {"host_peak_bytes": float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)}
    if device.type == "cuda":
        peak["device_peak_bytes"] = float(torch.cuda.max_memory_allocated(device))
    return peak


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
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(key):
                return line.partition(":")[2].strip()
    return ""


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
