"""The trainers: a bare loop, the suite's, Lightning, the Trainer of transformers, and Accelerate.

Each trains a new model for the workload's steps. In the form *plain* it is what its users write:
its own defaults, `torch.optim.AdamW` as it comes (transformers picks its own). In the form *same*
all have the suite's batches, the fused optimizer and no progress bar, so that only the trainers
differ.
The loss is noted every ten steps in each trainer's own way, in a file or in memory.

Peers are imported where they are used: they are installed for this benchmark alone.
"""

import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.workloads import (
    CPU,
    EVERY,
    LEARNING_RATE,
    WEIGHT_DECAY,
    Learner,
    Workload,
    plain_layout,
)
from suite.run import _build, _meter, build_optimizers
from suite.tracking.journal import Journal
from suite.training.loop import Training, fit
from suite.training.parallel import Alone
from suite.training.precision import Precision
from suite.training.weights import Best

Train = Callable[[Workload, bool, Path], int]
"""Takes the workload, whether techniques are the same for all, and an empty folder; returns how
many examples were trained on."""


def bare(work: Workload, same: bool, folder: Path) -> int:
    """The floor: nothing but tensors in memory and PyTorch."""
    learner = work.learner(work.model() if same else plain_layout(work.model()))
    optimizer = adamw(learner, fused=True)
    batches = work.our_batches() if same else work.floor_batches()
    losses = []
    for step, batch in zip(range(1, work.steps + 1), batches, strict=False):
        loss = learner(**batch)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if step % EVERY == 0:
            losses.append(loss.item())
    return learner.examples


def triathlon(work: Workload, same: bool, folder: Path) -> int:
    """The suite's trainer with its meter, journal and best weights."""
    config, model = work.config, work.model()
    precision = Precision(config.precision, CPU)
    journal = Journal(folder, ())
    outcome = fit(
        Training(
            task=work.task,
            model=model,
            engine=Alone(model),
            optimizers=build_optimizers(config, model),
            schedule=_build(config.schedule),
            config=config.trainer,
            precision=precision,
            meter=_meter(config, work.task, Alone(model), precision),
            emit=journal.metrics,
            best=Best(folder),
            seed=work.seed,
        )
    )
    journal.close()
    return outcome.examples


def lightning(work: Workload, same: bool, folder: Path) -> int:
    """`lightning.pytorch.Trainer`, with its logger of comma-separated values."""
    from lightning.pytorch.loggers import CSVLogger

    return fit_lightning(work, same, folder, CSVLogger(folder), EVERY)


def fit_lightning(work: Workload, same: bool, folder: Path, logger: Any, every: int) -> int:
    """Train in Lightning; the logger gets the loss of every so many steps."""
    import lightning.pytorch as pl

    _hush("lightning", "lightning.pytorch", "lightning.fabric")

    class Module(pl.LightningModule):
        def __init__(self, learner: Learner) -> None:
            super().__init__()
            self.learner = learner

        def training_step(self, batch: dict[str, Tensor], index: int) -> Tensor:
            loss = self.learner(**batch)["loss"]
            self.log("train_loss", loss, prog_bar=not same)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return adamw(self.learner, fused=same)

    learner = work.learner(work.model() if same else work.plain_model())
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=work.steps,
        max_epochs=-1,
        logger=logger,
        log_every_n_steps=every,
        enable_checkpointing=False,
        enable_progress_bar=not same,
        enable_model_summary=not same,
        default_root_dir=folder,
    )
    trainer.fit(Module(learner), work.our_loader() if same else work.plain_loader())
    return learner.examples


def transformers(work: Workload, same: bool, folder: Path) -> int:
    """`transformers.Trainer`."""
    return fit_transformers(work, same, folder, "none", EVERY)


def fit_transformers(work: Workload, same: bool, folder: Path, report_to: str, every: int) -> int:
    """Train in transformers; the loss of every so many steps goes where `report_to` says."""
    import transformers as hf

    hf.logging.set_verbosity_error()
    learner = work.learner(work.model() if same else work.plain_model())

    class Trainer(hf.Trainer):
        def get_train_dataloader(self) -> torch.utils.data.DataLoader:
            loader = work.our_loader() if same else work.plain_loader()
            return self.accelerator.prepare(loader)

    arguments = hf.TrainingArguments(
        output_dir=str(folder),
        max_steps=work.steps,
        per_device_train_batch_size=work.batch_size,
        learning_rate=LEARNING_RATE,
        weight_decay=WEIGHT_DECAY,
        lr_scheduler_type="constant",
        max_grad_norm=0.0,
        logging_steps=every,
        save_strategy="no",
        report_to=report_to,
        use_cpu=True,
        disable_tqdm=same,
        remove_unused_columns=False,
    )
    Trainer(model=learner, args=arguments, train_dataset=_Sized()).train()
    return learner.examples


def accelerate(work: Workload, same: bool, folder: Path) -> int:
    """A loop with `accelerate.Accelerator`."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    learner = work.learner(work.model() if same else work.plain_model())
    loader = work.our_loader() if same else work.plain_loader()
    model, optimizer, loader = accelerator.prepare(learner, adamw(learner, fused=same), loader)
    losses = []
    for step, batch in zip(range(1, work.steps + 1), _again(loader), strict=False):
        loss = model(**batch)["loss"]
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        if step % EVERY == 0:
            losses.append(loss.item())
    return learner.examples


CONTENDERS: dict[str, Train] = {
    "bare loop": bare,
    "triathlon": triathlon,
    "lightning": lightning,
    "transformers": transformers,
    "accelerate": accelerate,
}


class _Sized(torch.utils.data.Dataset):
    """Stands for a data set that the Trainer never reads, as it gets a loader."""

    def __len__(self) -> int:
        return 1


def adamw(model: nn.Module, *, fused: bool) -> torch.optim.Optimizer:
    options = {"fused": True} if fused else {}
    return torch.optim.AdamW(
        model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY, **options
    )


def _again(loader: torch.utils.data.DataLoader) -> Iterator[dict[str, Tensor]]:
    while True:
        yield from loader


def _hush(*loggers: str) -> None:
    """Leave out what peers tell of a setting that is meant (one process, a short run)."""
    warnings.filterwarnings("ignore")
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)
