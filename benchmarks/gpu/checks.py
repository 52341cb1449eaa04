"""What the suite promises of an accelerator: yes or no, each with its reason."""

import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, distributed, nn

from benchmarks.gpu.models import MODELS, NUMBERS
from benchmarks.gpu.training import Settings, train
from suite import Batch, Task
from suite.compose import compose
from suite.config import Parallel, RunConfig
from suite.hardware.device import prepare_process
from suite.hardware.meter import Meter
from suite.run import _build, build_model, build_optimizers, build_task
from suite.stop import Interrupted
from suite.training.checkpoint import Checkpoints
from suite.training.determinism import hold
from suite.training.loop import Training, fit
from suite.training.parallel import Alone, engine_of
from suite.training.precision import Precision
from suite.training.weights import Best
from suite.world import World

SAME_TWICE = (
    "image/small fp32",
    "image/medium bf16",
    "text/small fp32",
    "text/small bf16",
    "text/lstm fp32",
    "speech/small bf16",
    "transcription/medium fp32",
)
UNWAITED = (
    "image/small fp32",
    "image/medium fp16",
    "text/small bf16",
    "text/muon fp32",
    "speech/small bf16",
    "transcription/medium fp32",
)
RESUMED = ("image/medium fp16", "text/small bf16", "text/muon fp32", "speech/small bf16")
NCCL = ("image/small fp32", "text/small fp32")
COST = ("image/empty fp32", "image/small fp32", "text/small fp32")
MORE = {
    "image/empty": ("task=image_recognition", "trainer.batch_size=64"),
    "text/lstm": ("task=text_classification", "backbone=lstm", "backbone.width=96"),
    "text/muon": (*MODELS["text/small"], "optimizer=muon"),
}
"""Models for checks alone, beside `MODELS`. Of the empty one the data alone is used."""
_BARE = (
    "schedule=constant",
    "optimizer=adamw",
    "trainer.clip_norm=null",
    "trainer.log_every=50",
)
"""Nothing that a bare loop does not do."""
ROUNDS = 5


@dataclass(frozen=True)
class Answer:
    """question: what was asked, of which model. held: whether it is so. note: how, or why not."""

    question: str
    model: str
    held: bool
    note: str


Check = Callable[[Settings, list[str], str], tuple[bool, str]]
"""Takes settings, a model's overrides and its name; returns whether it holds, and how."""


def answers(settings: Settings, only: Sequence[str] = ()) -> Iterator[Answer]:
    """Yield what was found, one after the other; what cannot be checked does not hold."""
    checks: list[tuple[str, tuple[str, ...], Check]] = [
        ("the host waits for nothing between logs", UNWAITED, unwaited),
        ("the same seed gives the same losses twice", SAME_TWICE, same_twice),
        ("stopped half way, it goes on to the same weights", RESUMED, resumed),
        ("over NCCL it makes the same steps", NCCL, over_nccl),
        ("the trainer costs at most a quarter over a bare loop", COST, cost),
    ]
    for question, names, check in checks:
        for name in names:
            if not all(part in name for part in only):
                continue
            model, number = name.split()
            overrides = [*{**MODELS, **MORE}[model], *NUMBERS[number]]
            given = [one.format(digits=settings.digits) for one in overrides]
            try:
                held, note = check(settings, given, name)
            except Exception as error:
                held, note = False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            yield Answer(question, name, held, note)


def same_twice(settings: Settings, overrides: list[str], _: str) -> tuple[bool, str]:
    short = replace(settings, steps=min(settings.steps, 20))
    one, other = (train(short, [*overrides, "trainer.log_every=1"]) for _ in range(2))
    differ = [k for k, (a, b) in enumerate(zip(one.losses, other.losses, strict=False)) if a != b]
    told = one.record.techniques["deterministic"]
    first = f"first apart at step {differ[0] + 1}" if differ else f"{len(one.losses)} losses equal"
    return not differ, f"{first}; recorded as {told}"


def resumed(settings: Settings, overrides: list[str], _: str) -> tuple[bool, str]:
    """Stop a training half way, bring it back from its checkpoint, compare with one not stopped."""

    def weights(folder: Path, *, stop_at: int = 0, go_on: bool = False) -> list[Tensor]:
        run = _training(settings, overrides, folder, Meter)
        run.checkpoints = Checkpoints(folder, run.config.checkpoint)
        run.saved = run.checkpoints.latest() if go_on else None
        take = run.meter.take

        def taking(batches: Iterator[Batch], count: int) -> list[Batch]:
            if run.meter.steps + 1 == stop_at:
                run.stop.ask(signal.SIGTERM)
            return take(batches, count)

        run.meter.take = taking  # type: ignore[method-assign]
        with suppress(Interrupted):
            fit(run)
        return [p.detach().cpu() for p in run.model.parameters()]

    with TemporaryDirectory(prefix="gpu-") as one, TemporaryDirectory(prefix="gpu-") as other:
        whole = weights(Path(one))
        weights(Path(other), stop_at=settings.steps // 2)
        again = weights(Path(other), go_on=True)
    apart = sum(not torch.equal(a, b) for a, b in zip(whole, again, strict=True))
    return not apart, f"{apart} of {len(whole)} weights differ after {settings.steps} steps"


def over_nccl(settings: Settings, overrides: list[str], _: str) -> tuple[bool, str]:
    """Train through DDP and FSDP2 in a process group of one, and compare with no group."""
    if settings.device == "cpu":
        return True, "NCCL is for CUDA"

    def weights(kind: Parallel | None) -> list[Tensor]:
        with TemporaryDirectory(prefix="gpu-") as folder:
            run = _training(settings, overrides, Path(folder), Meter)
            if kind is not None:
                device = run.precision.device
                run.engine = engine_of(run.model, None, _Group(control=control), kind, device)
                fused = {} if kind is Parallel.ddp else {"sharded": True}
                run.optimizers = build_optimizers(_open[" ".join(overrides)][0], run.model, **fused)
            fit(run)
            return [one.detach().cpu() for one in run.engine.weights().values()]

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29571"}
    distributed.init_process_group("cpu:gloo,cuda:nccl", rank=0, world_size=1)
    try:
        control = distributed.new_group(backend="gloo")
        alone = weights(None)
        apart = {
            kind.value: max(
                float((a - b).abs().max()) for a, b in zip(alone, weights(kind), strict=True)
            )
            for kind in Parallel
        }
    finally:
        distributed.destroy_process_group()
    told = ", ".join(f"{kind} {value:.1e}" for kind, value in apart.items())
    return max(apart.values()) < 1e-3, f"largest difference of a weight: {told}"


class _Group(World):
    """A world of one that does all that a larger one does."""

    @property
    def alone(self) -> bool:
        return False


def unwaited(settings: Settings, overrides: list[str], _: str) -> tuple[bool, str]:
    if settings.device == "cpu":
        return True, "the CPU is the host"
    with TemporaryDirectory(prefix="gpu-") as folder:
        run = _training(settings, [*overrides, "trainer.log_every=10"], Path(folder), Watched)
        try:
            fit(run)
        except RuntimeError as error:
            torch.cuda.set_sync_debug_mode("default")
            if "synchronizing" not in str(error):
                raise
            return False, f"waits in {_place(error)}"
    return True, f"{run.config.steps} steps"


class Watched(Meter):
    """A meter under whose running clock torch raises where the host would wait for the device."""

    def resume(self) -> None:
        super().resume()
        torch.cuda.set_sync_debug_mode("error")

    def pause(self) -> None:
        torch.cuda.set_sync_debug_mode("default")
        super().pause()


def cost(settings: Settings, overrides: list[str], name: str) -> tuple[bool, str]:
    """Compare milliseconds of a step, the trainer's and a bare loop's in turns."""
    settings = replace(settings, steps=5 * settings.steps)
    overrides, empty = [*overrides, *_BARE], "empty" in name
    ratios, ours, theirs = [], [], []
    with TemporaryDirectory(prefix="gpu-") as folder:
        for _ in range(ROUNDS + 1):
            run = _training(settings, overrides, Path(folder), Meter, empty=empty)
            bare = _bare(run)
            run = _training(settings, overrides, Path(folder), Meter, empty=empty)
            outcome = fit(run)
            own = run.meter.training_seconds / outcome.steps * 1e3
            ours.append(own)
            theirs.append(bare)
            ratios.append(own / bare)
    ratio = median(ratios[1:])
    span = f"{min(ratios[1:]):.2f} to {max(ratios[1:]):.2f}"
    note = f"{median(ours[1:]):.3f} ms against {median(theirs[1:]):.3f} ms, {ratio:.2f} ({span})"
    return ratio < 1.25, note


def _bare(run: Training) -> float:
    """Return milliseconds of a step of a loop that knows nothing but tensors."""
    task, model, device = run.task, run.model, run.precision.device
    batches = task.train_batches(seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    steps = run.config.steps or 1
    losses: list[Tensor] = []
    _idle(device)
    began = time.perf_counter()
    for _ in range(steps):
        loss = task.loss(model, next(batches))
        mean = loss.total / loss.count
        mean.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(mean.detach())
    _idle(device)
    taken = time.perf_counter() - began
    torch.stack(losses).tolist()
    return taken / steps * 1e3


class Empty(nn.Module):
    """Ten numbers that are learned; of a step nothing is left but what surrounds the model."""

    def __init__(self) -> None:
        super().__init__()
        self.logit_K = nn.Parameter(torch.zeros(10))

    def forward(self, batch: Batch) -> Tensor:
        return self.logit_K.expand(len(batch["label_B"]), -1)


_open: dict[str, tuple[RunConfig, Task]] = {}
"""Tasks with their data open, by overrides."""


def _training(
    settings: Settings,
    overrides: list[str],
    folder: Path,
    meter: type[Meter],
    *,
    empty: bool = False,
) -> Training:
    key = " ".join(overrides)
    device = torch.device(settings.device)
    if key not in _open:
        free = [one for one in settings.overrides() if "max_seconds" not in one]
        config = compose([*free, *overrides])
        _open[key] = config, build_task(config, device)
    config, task = _open[key]
    prepare_process(config.hardware, device)
    model: Any = Empty().to(device) if empty else build_model(config, task, device)
    precision = Precision(config.precision, device)
    hold(task, model, precision, seed=config.seed)
    return Training(
        task=task,
        model=model.train(),
        engine=Alone(model),
        optimizers=build_optimizers(config, model),
        schedule=_build(config.schedule),
        config=config.trainer,
        precision=precision,
        meter=meter(device),
        emit=lambda step, values: None,
        best=Best(folder),
        seed=config.seed,
    )


def _idle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _place(error: BaseException) -> str:
    """Return the innermost line of the suite that an error came through."""
    root = Path(__file__).parents[2]
    found = "torch"
    for frame in traceback.extract_tb(error.__traceback__):
        path = Path(frame.filename)
        if path.is_relative_to(root) and "benchmarks" not in path.parts:
            found = f"{path.relative_to(root)}:{frame.lineno} ({frame.line})"
    return found
