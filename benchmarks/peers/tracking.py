"""A tiny text model with a metric to MLflow at every step, in each trainer's own way.

    python -m benchmarks.peers.tracking WAY FOLDER STEPS

trains once and prints the figures of the steps behind the warm-up as one JSON object. The database
is there before; every run begins with the same empty one. `suite` takes the whole way of a run of
`triathlon`, with its journal and sender.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks.peers.contenders import adamw, fit_lightning, fit_transformers
from benchmarks.peers.worker import WARM_UP
from benchmarks.peers.workloads import Workload
from suite.hardware.device import keep_memory
from suite.tracking import store

WORKLOAD = "text/tiny"


def nothing(work: Workload, folder: Path) -> None:
    """The bare loop without a tracker."""
    _loop(work, lambda step, loss: None)


def synchronous(work: Workload, folder: Path) -> None:
    """The bare loop with `mlflow.log_metric`."""
    import mlflow

    _choose(mlflow, folder)
    with mlflow.start_run():
        _loop(work, lambda step, loss: mlflow.log_metric("loss", loss.item(), step))


def asynchronous(work: Workload, folder: Path) -> None:
    """The bare loop with `mlflow.log_metric(…, synchronous=False)`."""
    import mlflow

    _choose(mlflow, folder)
    with mlflow.start_run():
        _loop(
            work,
            lambda step, loss: mlflow.log_metric("loss", loss.item(), step, synchronous=False),
        )


def triathlon(work: Workload, folder: Path) -> None:
    """The suite's trainer, meter, journal and sender, a line of metrics for every step."""
    from suite.compose import recompose
    from suite.run import run

    plain = work.config.plain()
    plain["trainer"]["log_every"] = 1
    plain["tracking"] |= {"enabled": True, "log_model": False, "figures": False}
    plain["results"] = str(folder)
    run(recompose(plain))


def lightning(work: Workload, folder: Path) -> None:
    """Lightning with its `MLFlowLogger`."""
    from lightning.pytorch.loggers import MLFlowLogger

    logger = MLFlowLogger("benchmark", tracking_uri=store.default_uri(folder))
    fit_lightning(work, True, folder, logger, every=1)


def transformers(work: Workload, folder: Path) -> None:
    """The Trainer of transformers, `report_to="mlflow"`."""
    os.environ["MLFLOW_TRACKING_URI"] = store.default_uri(folder)
    fit_transformers(work, True, folder / "trainer", "mlflow", every=1)


WAYS: dict[str, Callable[[Workload, Path], None]] = {
    "bare loop, no tracker": nothing,
    "bare loop, log_metric": synchronous,
    "bare loop, log_metric asynchronous": asynchronous,
    "triathlon": triathlon,
    "lightning, MLFlowLogger": lightning,
    "transformers, report_to mlflow": transformers,
}


def _choose(mlflow: object, folder: Path) -> None:
    mlflow.set_tracking_uri(store.default_uri(folder))  # type: ignore[attr-defined]
    mlflow.set_experiment("benchmark")  # type: ignore[attr-defined]


def _loop(work: Workload, log: Callable[[int, torch.Tensor], None]) -> None:
    learner = work.learner(work.model())
    optimizer = adamw(learner, fused=True)
    for step, batch in zip(range(1, work.steps + 1), work.our_batches(), strict=False):
        loss = learner(**batch)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        log(step, loss)


def main() -> None:
    way, folder, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    keep_memory()
    clocks: list[tuple[float, float, float]] = []
    me = psutil.Process()

    def others() -> float:
        """Return CPU seconds of the processes that this one has started."""
        return sum(sum(child.cpu_times()[:2]) for child in me.children(recursive=True))

    def note(*_: object) -> None:
        cpu = time.process_time()
        edge = len(clocks) in (WARM_UP - 1, steps - 1)
        clocks.append((cpu, time.perf_counter(), others() if edge else 0.0))

    register_optimizer_step_post_hook(note)
    work = Workload(WORKLOAD, folder, steps)
    WAYS[way](work, folder)
    (cpu, wall, other), (cpu_end, wall_end, other_end) = clocks[WARM_UP - 1], clocks[steps - 1]
    count = steps - WARM_UP
    answer = {
        "cpu_seconds_per_step": (cpu_end - cpu) / count,
        "wall_seconds_per_step": (wall_end - wall) / count,
        "other_cpu_seconds_per_step": (other_end - other) / count,
    }
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
