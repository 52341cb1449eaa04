"""From nothing to the first step, as a script that its user would start.

    python -m benchmarks.peers.cold CONTENDER DATA FOLDER

prints CPU and wall seconds of the process at its first optimizer step, and its peak memory after
`STEPS` steps. All train a small classifier of texts, from a file of padded tokens; `triathlon`
reads its own embedded set and works with its whole machinery but MLflow.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

STEPS, BATCH = 60, 64
_BEGAN = time.perf_counter()


def bare(data: Path, folder: Path) -> None:
    import torch

    tokens, labels = _read(data)
    model = _model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    order = torch.randperm(len(labels))
    for step in range(STEPS):
        index = order[step * BATCH : (step + 1) * BATCH]
        loss = torch.nn.functional.cross_entropy(model(tokens[index]), labels[index])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def triathlon(data: Path, folder: Path) -> None:
    from suite.cli import main

    try:
        main(
            ["task=text_classification", "backbone=mlp", "task.embedding=64", "backbone.width=64",
             "backbone.depth=1", f"trainer.steps={STEPS}", f"trainer.batch_size={BATCH}",
             "hardware=cpu_single", "tracking=none", f"results={folder}"]
        )  # fmt: skip
    except SystemExit as end:
        if end.code:
            raise


def lightning(data: Path, folder: Path) -> None:
    import lightning.pytorch as pl
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = _model()

        def training_step(self, batch: list, index: int) -> torch.Tensor:
            return torch.nn.functional.cross_entropy(self.model(batch[0]), batch[1])

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.AdamW(self.parameters(), lr=1e-3)

    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=STEPS,
        logger=False,
        enable_checkpointing=False,
        default_root_dir=folder,
    )
    trainer.fit(Module(), DataLoader(TensorDataset(*_read(data)), BATCH, shuffle=True))


def transformers(data: Path, folder: Path) -> None:
    import torch
    from transformers import Trainer, TrainingArguments

    class Learner(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = _model()

        def forward(self, tokens: torch.Tensor, labels: torch.Tensor) -> dict:
            return {"loss": torch.nn.functional.cross_entropy(self.model(tokens), labels)}

    tokens, labels = _read(data)
    rows = [{"tokens": t, "labels": label} for t, label in zip(tokens, labels, strict=True)]
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        report_to="none",
        save_strategy="no",
        use_cpu=True,
    )
    Trainer(model=Learner(), args=arguments, train_dataset=rows).train()


def accelerate(data: Path, folder: Path) -> None:
    import torch
    from accelerate import Accelerator
    from torch.utils.data import DataLoader, TensorDataset

    accelerator = Accelerator(cpu=True)
    model = _model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(*_read(data)), BATCH, shuffle=True)
    model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    for _, (tokens, labels) in zip(range(STEPS), loader, strict=False):
        loss = torch.nn.functional.cross_entropy(model(tokens), labels)
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()


SCRIPTS: dict[str, Callable[[Path, Path], None]] = {
    "bare loop": bare,
    "triathlon": triathlon,
    "lightning": lightning,
    "transformers": transformers,
    "accelerate": accelerate,
}


def _read(data: Path) -> tuple:
    import numpy as np
    import torch

    with np.load(data, allow_pickle=False) as arrays:
        return torch.from_numpy(arrays["tokens"]), torch.from_numpy(arrays["labels"])


def _model():  # type: ignore[no-untyped-def]  # torch is imported by whoever is timed
    from torch import nn

    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(8000, 64)
            self.layers = nn.Sequential(nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 40))

        def forward(self, tokens):  # type: ignore[no-untyped-def]
            return self.layers(self.embedding(tokens).mean(1))

    return Bag()


def _peak_mib() -> float:
    """Of this program: `ru_maxrss` has its parent's memory in it, from before it began."""
    (kib,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(kib) / 1024


def main() -> None:
    name, data, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # Every contender imports torch sooner or later; here, so that the first step can be seen.
    from torch.optim.optimizer import register_optimizer_step_post_hook

    seen: dict[str, float] = {}

    def note(*_: object) -> None:
        seen.setdefault("cpu_seconds", time.process_time())
        seen.setdefault("wall_seconds", time.perf_counter() - _BEGAN)
        seen["peak_mib"] = _peak_mib()

    register_optimizer_step_post_hook(note)
    SCRIPTS[name](data, folder)
    print(json.dumps(seen), file=answers, flush=True)


if __name__ == "__main__":
    main()
