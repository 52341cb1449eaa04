"""The most FLOPs that a device does in a second: what model FLOPs utilisation is a share of.

MFU is the model FLOPs of training in a second over this peak (Chowdhery et al. 2022, appendix B).
"""

import time
from dataclasses import dataclass
from functools import cache

import torch

_SIDE = {"cpu": 384, "cuda": 4096}
"""Of the matrices: as small as reaches the peak, so that on a busy machine some product of the many
is not interrupted."""
_SECONDS = 0.15

_DENSE: dict[str, dict[str, float]] = {
    # TFLOP/s of dense matrices, from the makers' data sheets; sparse figures are twice these.
    "H100 PCIe": {"fp32": 51.2, "tf32": 378, "bf16": 756, "fp16": 756},
    "H100 NVL": {"fp32": 60, "tf32": 417.5, "bf16": 835.5, "fp16": 835.5},
    "H100": {"fp32": 67, "tf32": 494.7, "bf16": 989.4, "fp16": 989.4},
    "H200": {"fp32": 67, "tf32": 494.7, "bf16": 989.4, "fp16": 989.4},
    "A100": {"fp32": 19.5, "tf32": 156, "bf16": 312, "fp16": 312},
    "A10": {"fp32": 31.2, "tf32": 62.5, "bf16": 125, "fp16": 125},
    "L40S": {"fp32": 91.6, "tf32": 183, "bf16": 362, "fp16": 362},
    "L4": {"fp32": 30.3, "tf32": 60, "bf16": 121, "fp16": 121},
    "V100": {"fp32": 15.7, "fp16": 125},
    "T4": {"fp32": 8.1, "fp16": 65},
}


@dataclass(frozen=True)
class Peak:
    """flops_per_second, and where that is from."""

    flops_per_second: float
    basis: str


def peak_of(device: torch.device, number: str) -> Peak:
    """Return the peak of a device for a number format: fp32, tf32, bf16 or fp16.

    From a data sheet where the device is known, else measured now.
    """
    if device.type == "cuda":
        sheet = data_sheet(torch.cuda.get_device_name(device), number)
        if sheet is not None:
            return sheet
    return _measured(str(device), number, torch.get_num_threads())


def data_sheet(name: str, number: str) -> Peak | None:
    """Return what the data sheet of an accelerator says, or None where it is not known."""
    words = name.replace("-", " ").split()
    for model, peaks in _DENSE.items():
        if all(word in words for word in model.split()) and number in peaks:
            return Peak(peaks[number] * 1e12, f"data sheet of {model}, {number}, dense")
    return None


@cache
def _measured(device: str, number: str, threads: int) -> Peak:
    """Return the rate of the best of several products of large matrices."""
    dtype = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(number, torch.float32)
    place = torch.device(device)
    side = _SIDE.get(place.type, 1024)
    generator = torch.Generator().manual_seed(0)  # not the one that models draw from
    left, right = (torch.randn(side, side, generator=generator).to(place, dtype) for _ in range(2))
    best, began, products = float("inf"), time.perf_counter(), 0
    while products < 2 or time.perf_counter() - began < _SECONDS:
        start = time.perf_counter()
        torch.mm(left, right)
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        best = min(best, time.perf_counter() - start)
        products += 1
    on = f", {threads} thread{'s' * (threads > 1)}" if place.type == "cpu" else ""
    basis = f"best of {products} products of {side} x {side} matrices in {number}{on}"
    return Peak(2 * side**3 / best, basis)
