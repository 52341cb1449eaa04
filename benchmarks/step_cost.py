"""What a step costs beside its model: CPU time of the trainer and of a bare loop.

    python benchmarks/step_cost.py --steps 3000 --rounds 5

The model is one vector of ten numbers, so that nearly all of a step is what surrounds the model.
Both loops train it with fused AdamW on the embedded digits, held in memory, without augmentation.
Ours is `fit` with the meter, a journal and checkpoints on, and a validation at every thousandth
step; its evaluations are within the figure. Rounds alternate; the first of each is left out.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite import Batch, Split, Task
from suite.compose import compose
from suite.config import RunConfig
from suite.run import _build, _meter, build_task
from suite.tracking.journal import Journal
from suite.training.checkpoint import Checkpoints
from suite.training.loop import Training, fit
from suite.training.precision import Precision

BATCH = 16
CPU = torch.device("cpu")


class Nothing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.logit_K = nn.Parameter(torch.zeros(10))

    def forward(self, batch: Batch | dict[str, Tensor]) -> Tensor:
        return self.logit_K.expand(len(batch["label_B"]), -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    config = compose(
        ["task=image_recognition", "backbone=mlp", f"trainer.batch_size={BATCH}", "seed=0",
         f"trainer.steps={arguments.steps}", "trainer.epochs=null", "trainer.clip_norm=null",
         f"trainer.evaluate_every={1000 / 67:.3f}", "trainer.log_every=100", "schedule=constant"]
    )  # fmt: skip
    task = build_task(config, CPU)
    rounds = [
        (bare(task, arguments.steps), ours(config, task)) for _ in range(arguments.rounds + 1)
    ]
    loops = dict(zip(("bare loop", "triathlon"), zip(*rounds[1:], strict=True), strict=True))
    print(
        f"CPU ms per step, median (range) of {arguments.rounds} rounds, torch {torch.__version__}"
    )
    for name, costs in loops.items():
        print(f"{name:>12} {median(costs):8.3f} ({min(costs):.3f} to {max(costs):.3f})")
    over = [two - one for one, two in rounds[1:]]
    ratios = [two / one for one, two in rounds[1:]]
    print(f"{'over it':>12} {median(over):8.3f} ms, ratio {median(ratios):.2f}")


def bare(task: Task, steps: int) -> float:
    """Return CPU milliseconds of a step of a loop that has nothing to it."""
    torch.manual_seed(0)
    model = Nothing()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    columns = task.data.splits[Split.TRAIN].columns  # type: ignore[attr-defined]
    pixels, labels = columns["pixels_BCHW"], columns["label_B"]
    began = time.process_time()
    order, at = torch.randperm(len(labels)), 0
    for _ in range(steps):
        if at + BATCH > len(order):
            order, at = torch.randperm(len(labels)), 0
        index = order[at : at + BATCH]
        at += BATCH
        batch = {"pixels_BCHW": pixels[index], "label_B": labels[index]}
        F.cross_entropy(model(batch), batch["label_B"]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return (time.process_time() - began) / steps * 1e3


def ours(config: RunConfig, task: Task) -> float:
    """Return CPU milliseconds of a step of the suite's trainer."""
    torch.manual_seed(0)
    model, precision = Nothing(), Precision(config.precision, CPU)
    with tempfile.TemporaryDirectory(prefix="step-cost-") as folder:
        run = Training(
            task=task,
            model=model,
            optimizers=_build(config.optimizer, model),
            schedule=_build(config.schedule),
            config=config.trainer,
            precision=precision,
            meter=_meter(config, task, model, precision),
            emit=Journal(Path(folder), ()).metrics,
            checkpoints=Checkpoints(Path(folder)),
            seed=0,
        )
        began = time.process_time()
        outcome = fit(run)
        return (time.process_time() - began) / outcome.steps * 1e3


if __name__ == "__main__":
    main()
