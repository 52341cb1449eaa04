"""How much CPU time a threshold of accuracy takes: the suite, Lightning and scikit-learn.

    PYTHONPATH=.peers python benchmarks/time_to_accuracy.py --mnist PATH --fashion-mnist PATH

Every contender looks at the validation split as it goes (the suite and Lightning four times an
epoch, the perceptron after each; on a part of MNIST all after each) and stops where it reaches the
threshold; the look is in its time. The test split is read once, at the end. One thread. The suite's
settings for a data set were chosen on its validation split; Lightning trains the same network with
Adam as it comes.
"""

import argparse
import math
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from suite import Split, Task
from suite.compose import compose
from suite.config import RunConfig
from suite.hardware.device import keep_memory
from suite.run import _build, _meter, build_model, build_optimizers, build_task
from suite.training.evaluation import evaluate
from suite.training.loop import Training, fit
from suite.training.parallel import Alone
from suite.training.precision import Precision
from suite.training.weights import Best, load_weights

CPU = torch.device("cpu")
WHOLE = 54_000 // 64
"""Steps of an epoch of all of MNIST, less a validation split, in batches of 64."""
BATCH, EPOCHS = 64, 20
"""Of Lightning and of the perceptron: images in a batch, and epochs after which they give up."""


@dataclass(frozen=True)
class Set:
    """A data set, the accuracy to reach on it, and the suite's settings for that.

    looks: at the validation split, in an epoch.
    """

    name: str
    threshold: float
    overrides: tuple[str, ...]
    looks: int = 4

    def config(self, seed: int) -> RunConfig:
        return compose(
            [*self.overrides, f"seed={seed}", f"task.target={self.threshold}",
             "trainer.stop_at_target=true", f"trainer.evaluate_every={1 / self.looks}",
             "hardware=cpu_single", "tracking=none"]
        )  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """CPU seconds until the threshold was reached in validation (infinite where it was not)."""

    seconds: float
    test: float


def suite(data: Set, seed: int) -> Ran:
    config = data.config(seed)
    task = build_task(config, CPU)
    model = build_model(config, task, CPU)
    precision = Precision(config.precision, CPU)
    with tempfile.TemporaryDirectory() as folder:
        best = Best(Path(folder))
        began = time.process_time()
        outcome = fit(
            Training(
                task=task,
                model=model,
                engine=Alone(model),
                optimizers=build_optimizers(config, model),
                schedule=_build(config.schedule),
                config=config.trainer,
                precision=precision,
                meter=_meter(config, task, Alone(model), precision),
                emit=lambda step, values: None,
                best=best,
                seed=seed,
            )
        )
        seconds = time.process_time() - began
        load_weights(model, best.path)
    tested, _ = evaluate(task, model, Split.TEST, precision)
    return Ran(seconds if outcome.reached else math.inf, tested["accuracy"])


def lightning(data: Set, seed: int) -> Ran:
    import lightning.pytorch as pl
    from torch.utils.data import DataLoader, TensorDataset

    warnings.filterwarnings("ignore")
    config = data.config(seed)
    task = build_task(config, CPU)
    model = build_model(config, task, CPU)
    parts = {split: _columns(task, split) for split in Split}
    reached: list[float] = []

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            return nn.functional.cross_entropy(self.model({"pixels_BCHW": batch[0]}), batch[1])

        def validation_step(self, batch: list[Tensor], index: int) -> None:
            right = self.model({"pixels_BCHW": batch[0]}).argmax(1) == batch[1]
            self.log("accuracy", right.float().mean(), on_epoch=True, batch_size=len(right))

        def on_validation_epoch_end(self) -> None:
            if float(self.trainer.callback_metrics["accuracy"]) >= data.threshold:
                reached.append(time.process_time())
                self.trainer.should_stop = True

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters())

    pl.seed_everything(seed, verbose=False)
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="cpu",
            max_epochs=EPOCHS,
            val_check_interval=1 / data.looks,
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )
        began = time.process_time()
        trainer.fit(
            Module(),
            DataLoader(TensorDataset(*parts[Split.TRAIN]), BATCH, shuffle=True),
            DataLoader(TensorDataset(*parts[Split.VALIDATION]), 256),
        )
    model.eval()
    pixels, labels = parts[Split.TEST]
    with torch.no_grad():
        guesses = torch.cat([model({"pixels_BCHW": p}).argmax(1) for p in pixels.split(256)])
    seconds = reached[0] - began if reached else math.inf
    return Ran(seconds, float((guesses == labels).float().mean()))


def perceptron(data: Set, seed: int) -> Ran:
    from sklearn.neural_network import MLPClassifier

    task = build_task(data.config(seed), CPU)
    (values, labels), validation, test = (_flat(task, split) for split in Split)
    order = np.random.default_rng(seed)
    machine = MLPClassifier(random_state=seed)
    seconds, began = math.inf, time.process_time()
    for _ in range(EPOCHS):
        shuffled = order.permutation(len(labels))
        machine.partial_fit(values[shuffled], labels[shuffled], classes=np.unique(labels))
        if machine.score(*validation) >= data.threshold:
            seconds = time.process_time() - began
            break
    return Ran(seconds, float(machine.score(*test)))


def support_vectors(data: Set, seed: int) -> Ran:
    from sklearn.svm import SVC

    task = build_task(data.config(seed), CPU)
    train, validation, test = (_flat(task, split) for split in Split)
    machine = SVC(C=10, random_state=seed)
    began = time.process_time()
    machine.fit(*train)
    seconds = time.process_time() - began
    reached = machine.score(*validation) >= data.threshold
    return Ran(seconds if reached else math.inf, float(machine.score(*test)))


CONTENDERS: dict[str, Callable[[Set, int], Ran]] = {
    "triathlon, its recipe": suite,
    "lightning, Adam": lightning,
    "scikit-learn, MLPClassifier": perceptron,
    "scikit-learn, SVC": support_vectors,
}


def _columns(task: Task, split: Split) -> tuple[Tensor, Tensor]:
    columns: Any = task.data.splits[split].columns  # type: ignore[attr-defined]
    return columns["pixels_BCHW"], columns["label_B"]


def _flat(task: Task, split: Split) -> tuple[np.ndarray, np.ndarray]:
    pixels, labels = _columns(task, split)
    return (pixels.flatten(1).float() / 255).numpy(), labels.numpy()


def sets(mnist: str | None, fashion_mnist: str | None) -> Sequence[Set]:
    found = [Set("digits", 0.99, ("experiment=digits",))]
    if mnist:
        # Of a part of the set, as many steps as an epoch of the whole takes.
        fast = ("experiment=fast/mnist", f"data.path={mnist}", "data=idx", f"trainer.steps={WHOLE}")
        found.append(Set("mnist", 0.99, fast, looks=1))
    if fashion_mnist:
        fast = ("experiment=fast/fashion_mnist", f"data.path={fashion_mnist}")
        found.append(Set("fashion_mnist", 0.90, fast))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--mnist", help="folder with files in its format")
    parser.add_argument("--fashion-mnist", help="folder with its four files")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(CONTENDERS), choices=CONTENDERS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()
    print("| data | to reach | contender | CPU s, median (range) | reached | test, median |")
    print("|---|---:|---|---:|---:|---:|")
    for data in sets(arguments.mnist, arguments.fashion_mnist):
        for name in arguments.only:
            # What draws nothing gives the same in every repeat.
            repeats = 1 if name == "scikit-learn, SVC" else arguments.seeds
            ran = [CONTENDERS[name](data, seed) for seed in range(repeats)]
            seconds = [one.seconds for one in ran]
            reached = sum(map(math.isfinite, seconds))
            spread = f"{median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"
            test = median(one.test for one in ran)
            print(
                f"| {data.name} | {data.threshold:.0%} | {name} | {spread} | {reached}/{repeats} "
                f"| {test:.2%} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
