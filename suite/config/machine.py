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


class Parallel(enum.Enum):
    """How several processes train one model."""

    ddp = "ddp"
    fsdp = "fsdp"


AUTO = "auto"
"""What `hardware.compile` and `trainer.micro_batch` take beside what they name themselves."""
OF_NETWORKS = ("compile", "channels_last", "fused", "buckets", "parallel")
"""Techniques that have no part in fitting a model on hand-made features."""


@dataclass(kw_only=True)
class HardwareConfig(Node):
    """The machine's part in a run. The techniques among these are switched off one by one to see
    what each gains; the run's record says which were in force.
    """

    group: ClassVar[str] = "hardware"

    device: Device = Device.auto
    """auto takes CUDA where there is one."""
    threads: int | None = None
    """Threads of one operation on the CPU; null leaves the choice to torch. Two thread counts give
    two different losses in the last bits, so records name it."""
    parallel: Parallel = Parallel.ddp
    """Under torchrun: ddp gives each process the whole model, fsdp a part of each weight. Without
    torchrun it has no part in a run."""
    workers: int | None = None
    """Processes that read data which does not fit in memory, 0 reads in the run's own; null is all
    cores but one, at most 8. Batches are the same for any number."""
    worker_timeout: float | None = 600.0
    """Seconds without a batch from these processes after which they count as hanging, and the run
    stops with the names of what was being read; after half of it the run warns. null waits for
    ever."""
    deterministic: bool = True
    """Same seed, same losses to the last bit; false may be faster on CUDA. There a few operations
    (CTC, some poolings) have no deterministic kernel: the run's record tells of it."""
    compile: bool | str = False
    """Train through torch.compile: true, false, or auto, which tries it where the run is long
    enough to pay for compiling and keeps it where steps got faster (on the CPU: a ResNet 1.3 times,
    after half a minute of compiling; an MLP is slower). What auto decides depends on the clock, so
    that two of its runs may differ in the last bits."""
    channels_last: bool = True
    """Lay convolutions over grids out with the channels last, where that is safe: 1.2 to 1.3 times
    as fast on the CPU. Another layout adds in another order: losses differ in the last bits."""
    fused: bool = True
    """Update all weights in one kernel instead of one by one: steps of small models up to 1.2 times
    as fast. The last bits differ."""
    buckets: bool = True
    """Make training batches of examples of similar length: 1.2 to 1.8 times as fast where lengths
    differ. false takes any, with more padding; the batches are others."""
    keep_memory: bool = True
    """Let glibc keep large blocks of memory instead of asking the kernel for them in every step;
    results are the same."""
    watts: float | None = None
    """Power to estimate energy from where no counter of the machine can be read; null does not
    estimate."""

    def __post_init__(self) -> None:
        self.require_positive("threads", "watts", "worker_timeout")
        self.require("workers", self.workers is None or self.workers >= 0, "0 or above, or null")
        if isinstance(self.compile, str):
            self.compile = {"on": True, "off": False}.get(self.compile, self.compile)
        self.require("compile", self.compile in (True, False, AUTO), "true, false or auto")
