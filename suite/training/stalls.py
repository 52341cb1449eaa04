"""How much longer a step takes because its batch is not at hand: the differential form of data
stall (Mohan et al. 2021, section 3, "Analyzing and Mitigating Data Stalls in DNN Training").

The same steps are timed three times: with batches made beforehand (the rate of the model alone),
with batches made as they are needed from data that the operating system has in its cache
(preparation), and after that cache has been dropped (fetching from the disk).
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch

from suite.task import Batch
from suite.training.loop import Training, accumulate, seed_draws
from suite.training.pieces import in_parts

WARM_UP, STEPS = 5, 20
"""Steps that are not timed, in which kernels are chosen and workers start, and those that are."""


@dataclass(frozen=True)
class Stalls:
    """Seconds of a step with batches at hand, from the system's cache, and from the disk.

    cold: None where nothing is read from files as training goes.
    """

    at_hand: float
    cached: float
    cold: float | None

    def shares(self) -> dict[str, float]:
        """Return the shares of a step that preparation and fetching take; noise is no share."""
        whole = self.cold or self.cached
        return {
            "preparation_stall_share": max(self.cached - self.at_hand, 0) / whole,
            "fetch_stall_share": max(whole - self.cached, 0) / whole,
        }

    @property
    def basis(self) -> str:
        """Say how the shares were measured."""
        read = "in memory"
        if self.cold is not None:
            read = "from the page cache, and made after it was dropped"
        return f"{STEPS} steps each: batches made beforehand, made as needed {read}"


def measure_stalls(run: Training) -> Stalls:
    """Time steps of a training that nobody needs: its model and optimizers are used up."""

    def batches() -> Iterator[Batch]:
        return run.task.train_batches(seed=run.seed)

    count = (WARM_UP + STEPS) * run.config.accumulate
    at_hand = list(islice(batches(), count))
    seconds = _seconds_of_a_step(run, at_hand)
    del at_hand
    cached = _seconds_of_a_step(run, batches())
    cold = _seconds_of_a_step(run, batches()) if run.task.forget_data() else None
    return Stalls(seconds, cached, cold)


def _seconds_of_a_step(run: Training, batches: Iterable[Batch]) -> float:
    given, device = iter(batches), run.precision.device
    run.model.train()
    most = run.config.micro_batch if isinstance(run.config.micro_batch, int) else None
    clock = []
    for step in range(1, WARM_UP + STEPS + 1):
        seed_draws(device, step)
        accumulate(run, list(in_parts(islice(given, run.config.accumulate), most)))
        run.precision.step(run.optimizers)
        run.optimizers.zero_grad()
        if step in (WARM_UP, WARM_UP + STEPS):
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            clock.append(time.perf_counter())
    return (clock[1] - clock[0]) / STEPS
