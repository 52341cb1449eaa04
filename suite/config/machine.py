"""Number formats, and the part of the machine in a run."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from suite.config.node import Node


class Number(enum.Enum):
    """Number formats of the forward and backward pass."""

    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


@dataclass(kw_only=True)
class PrecisionConfig(Node):
    """The number format that matrix products and convolutions run in; weights stay in fp32."""

    group: ClassVar[str] = "precision"

    number: Number = Number.fp32
    """fp32, or autocast to bf16 or fp16 (with loss scaling) where the device has it."""
    tf32: bool = False
    """Let CUDA round fp32 products to TF32."""


class Device(enum.Enum):
    """Where to train."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


@dataclass(kw_only=True)
class HardwareConfig(Node):
    """The machine's part in a run."""

    group: ClassVar[str] = "hardware"

    device: Device = Device.auto
    """auto takes CUDA where there is one."""
    threads: int | None = None
    """Threads of one operation on the CPU; null leaves the choice to torch. Two thread counts give
    two different losses in the last bits, so records name it."""
    workers: int | None = None
    """Processes that read data which does not fit in memory, 0 reads in the run's own; null is all
    cores but one, at most 8. Batches are the same for any number."""
    deterministic: bool = True
    """Same seed, same losses to the last bit; false may be faster on CUDA."""
    compile: bool = False
    """Compile the model with torch.compile."""
    watts: float | None = None
    """Power to estimate energy from where no counter of the machine can be read; null does not
    estimate."""

    def __post_init__(self) -> None:
        self.require_positive("threads", "watts")
        self.require("workers", self.workers is None or self.workers >= 0, "0 or above, or null")
