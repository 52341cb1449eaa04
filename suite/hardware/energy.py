"""Joules that training takes, from counters of the hardware, and never guessed in silence.

An accelerator has a counter of its own (NVML's total energy); processors have one for each package
(RAPL, the kernel's powercap files), which wraps around. Where neither can be read, energy is
unavailable, unless a power is declared (`hardware.watts`): then it is power times time, and called
an estimate.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

_POWERCAP = Path("/sys/class/powercap")
_MICRO, _MILLI = 1e-6, 1e-3


class Counter(ABC):
    """A counter of joules that only grows. provenance, covers: what it is, and what it includes."""

    provenance: ClassVar[str]
    covers: str

    @abstractmethod
    def joules(self) -> float:
        """Return joules since some time in the past."""


class RaplCounter(Counter):
    """The processor packages of this machine: all that runs on them, not this process alone."""

    provenance: ClassVar[str] = "measured_rapl"

    def __init__(self, packages: list[Path]) -> None:
        self.packages = packages
        self.covers = f"processor packages ({len(packages)}), with all that runs on them"
        self._ranges = [int((p / "max_energy_range_uj").read_text()) for p in packages]
        self._last = [self._read(p) for p in packages]
        self._total = 0

    @classmethod
    def find(cls, root: Path = _POWERCAP) -> "RaplCounter | None":
        """Return the counter, or None where there is none or it may not be read."""
        packages = [p for p in sorted(root.glob("intel-rapl:*")) if p.name.count(":") == 1]
        try:
            return cls(packages) if packages else None
        except (OSError, ValueError):
            return None

    def joules(self) -> float:
        """Return joules since it was made. Read it more often than a package takes to wrap."""
        for index, package in enumerate(self.packages):
            now = self._read(package)
            # A counter that fell has wrapped around its range.
            self._total += (now - self._last[index]) % (self._ranges[index] + 1)
            self._last[index] = now
        return self._total * _MICRO

    @staticmethod
    def _read(package: Path) -> int:
        return int((package / "energy_uj").read_text())


class NvmlCounter(Counter):
    """An NVIDIA accelerator, by its own total since the driver was loaded."""

    provenance: ClassVar[str] = "measured_nvml"

    def __init__(self, device: torch.device) -> None:
        import pynvml

        self._nvml = pynvml
        pynvml.nvmlInit()
        uuid = str(torch.cuda.get_device_properties(device).uuid)
        self._handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        self.covers = "the accelerator, without its host"
        self.joules()

    @classmethod
    def find(cls, device: torch.device) -> "NvmlCounter | None":
        """Return the counter, or None where the driver or the accelerator has none."""
        try:
            return cls(device)
        except Exception:  # NVML's own errors, and a missing library
            return None

    def joules(self) -> float:
        """Return joules since the driver was loaded."""
        return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)) * _MILLI


@dataclass(frozen=True)
class Spent:
    """Energy of a run. joules: None where unavailable."""

    joules: float | None
    provenance: str
    covers: str


class Energy:
    """Adds up joules while the training clock runs.

    watts: a declared power, for machines without a counter.
    """

    def __init__(self, counter: Counter | None, watts: float | None = None) -> None:
        self._counter = counter
        self._watts = watts
        self._began = 0.0
        self._joules = 0.0

    @classmethod
    def of(cls, device: torch.device, watts: float | None = None) -> "Energy":
        """Return what the device's own counter tells, if it has one."""
        counter = NvmlCounter.find(device) if device.type == "cuda" else RaplCounter.find()
        return cls(counter, watts)

    def resume(self) -> None:
        """Begin to add up."""
        if self._counter is not None:
            self._began = self._counter.joules()

    def pause(self, seconds: float) -> None:
        """Add what was spent since `resume`; seconds: on the training clock so far."""
        if self._counter is not None:
            self._joules += self._counter.joules() - self._began
        elif self._watts is not None:
            self._joules = self._watts * seconds

    def go_on(self, joules: float | None) -> None:
        """Go on from what was spent before."""
        self._joules = joules or 0.0

    @property
    def spent(self) -> Spent:
        """What was spent so far."""
        if self._counter is not None:
            return Spent(self._joules, self._counter.provenance, self._counter.covers)
        if self._watts is not None:
            return Spent(self._joules, "estimated", f"a declared power of {self._watts:g} W")
        return Spent(None, "unavailable", "no counter of this machine can be read")
