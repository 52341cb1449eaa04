"""Chooses the device and sets the process up for it."""

import ctypes
import os
import platform

import torch

from suite.config import Device, HardwareConfig
from suite.errors import DeviceError
from suite.hardware.machine import usable_cores

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEEP_BYTES = 1 << 30
_MOST_WORKERS = 8
_KERNELS = "256"
"""Kernels that oneDNN keeps: several shapes of a deep model."""
_kept = False
"""Whether this process keeps its memory."""


def choose_device(config: HardwareConfig) -> torch.device:
    """Return the device to train on, or raise a `DeviceError`."""
    available = torch.cuda.is_available()
    if config.device is Device.cuda and not available:
        raise DeviceError(
            "hardware.device=cuda: this machine has no usable CUDA device; use hardware.device=cpu"
        )
    return torch.device("cuda" if available and config.device is not Device.cpu else "cpu")


def choose_workers(config: HardwareConfig) -> int:
    """Return how many processes read streamed data: by default all cores but one, at most 8.

    Of the run's own cores, where jobs beside each other divide the machine.
    """
    if config.workers is not None:
        return config.workers
    cores = int(os.environ.get("TRIATHLON_CORES") or usable_cores())
    return min(max(cores - 1, 1), _MOST_WORKERS)


def prepare_process(config: HardwareConfig, device: torch.device) -> dict[str, str]:
    """Set threads, determinism and the memory allocator for a run on `device`.

    Return what is in force of threads and of kept memory, and why.
    """
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if config.deterministic and device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # CTC and a few others have no deterministic CUDA kernel: there it warns, on the CPU it holds.
    torch.use_deterministic_algorithms(config.deterministic, warn_only=device.type == "cuda")
    # Deterministic mode also fills every new tensor with NaN to unmask bugs: a quarter of a small
    # model's step, and nothing that determinism needs.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = not config.deterministic
    kept = f"off: this run is on {device.type}"
    if device.type == "cpu":
        kept = keep_memory() if config.keep_memory else _as_found()
        # Read when the first kernel is made. oneDNN keeps 1024 kernels by default, each for one
        # shape: with batches of many lengths that is gigabytes, and not faster.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", _KERNELS)
    return {"threads": _threads(config), "keep_memory": kept}


def keep_memory() -> str:
    """Tell glibc to keep large blocks instead of giving them back to the kernel after each step.

    Page faults otherwise cost a small model up to half of its training time. Return what is in
    force from now on.
    """
    global _kept
    if platform.libc_ver()[0] != "glibc":
        return "off: the C library is not glibc"
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_THRESHOLD, _KEEP_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, _KEEP_BYTES)
    _kept = True
    return "on: glibc keeps blocks of up to 1 GiB"


def _as_found() -> str:
    if _kept:
        return "on: an earlier run in this process asked for it, and glibc cannot go back"
    return "off: hardware.keep_memory=false"


def _threads(config: HardwareConfig) -> str:
    given = os.environ.get("OMP_NUM_THREADS")  # joblib sets it, so that jobs share the cores
    why = "torch's own choice"
    if config.threads is not None:
        why = "hardware.threads"
    elif given:
        why = f"OMP_NUM_THREADS={given}"
    return f"{torch.get_num_threads()} on {usable_cores()} cores: {why}"
