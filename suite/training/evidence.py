"""What a step that went wrong is made again from: kept with its run, for `triathlon replay`.

    nonfinite/00000120/batches.safetensors   the tensors of its batches, "0.pixels_BCHW" and so on
                       weights.safetensors   weights and buffers before it, where they were at hand
                       step.json             step, seed, counts, losses, and what was found

A folder gets its name when all of it is there. A process other than the first of a run, which has
batches of its own, adds its rank to the name.
"""

import json
import math
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from suite.errors import DataError
from suite.task import Batch
from suite.training.course import Course
from suite.training.pieces import in_parts, part_size
from suite.training.weights import read_weights

if TYPE_CHECKING:
    from suite.training.loop import Training

FOLDER = "nonfinite"
KEPT = 3
"""Steps of a run that are kept, the last ones."""
_BATCHES, _WEIGHTS, _STEP = "batches.safetensors", "weights.safetensors", "step.json"


@dataclass(frozen=True)
class Evidence:
    """A step that was kept.

    told: what was found. part_size: the most examples of a forward pass in it, None for all.
    weights: those before it, or None where they were not at hand.
    """

    step: int
    told: str
    batches: list[Batch]
    part_size: int | None
    weights: dict[str, Tensor] | None


def keep(
    run: "Training",
    course: Course,
    taken: Sequence[Batch] | None,
    *,
    step: int,
    told: str,
    losses: Sequence[float] | None,
    weights: bool,
) -> str:
    """Write the evidence of a step; return why it could not be, as an end of a sentence.

    taken: its batches; None asks the task for them again. told: what went wrong. losses: of each
    batch, summed. weights: whether the model's are still those before the step.
    """
    # By all processes together, where each has a part of them.
    whole = run.engine.weights() if weights else {}
    folder = run.best.path.parent / FOLDER / _name(step, run.world.rank)
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        batches = list(taken) if taken is not None else _again(run, step)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        safetensors.torch.save_file(_named(batches), partial / _BATCHES)
        if weights:
            safetensors.torch.save_file(whole, partial / _WEIGHTS)
        described = {
            "step": step,
            "seed": run.seed,
            "told": told,
            "number": run.precision.number.value,
            "part_size": part_size(run, course),
            "batches": _described(batches, losses),
        }
        (partial / _STEP).write_text(json.dumps(described, indent=1) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        for old in sorted(_all(folder.parent))[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)
        return ""
    # What it is evidence of matters more than whatever is wrong with the disk, or the data, now.
    except (OSError, RuntimeError, SafetensorError, MemoryError, DataError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        return f" (its batch could not be kept: {str(error).splitlines()[0][:100]})"


def newest(run: Path) -> int | None:
    """Return the last step that is kept in a run's folder; None where there is none."""
    kept = [int(path.name) for path in _all(run / FOLDER) if path.name.isdecimal()]
    return max(kept, default=None)


def read(run: Path, step: int) -> Evidence | None:
    """Return what is kept of a step; None where nothing is. Raises `DataError` for a broken one."""
    folder = run / FOLDER / f"{step:08}"
    if not folder.is_dir():
        return None
    try:
        told = json.loads((folder / _STEP).read_text())
        tensors = safetensors.torch.load_file(folder / _BATCHES)
        batches = []
        for number, one in enumerate(told["batches"]):
            mark = f"{number}."
            own = {k.removeprefix(mark): v for k, v in tensors.items() if k.startswith(mark)}
            counts = (int(one["examples"]), float(one["units"]), one["padded_units"])
            batches.append(Batch(own, *counts))
        path = folder / _WEIGHTS
        weights = read_weights(path) if path.exists() else None
        return Evidence(int(told["step"]), str(told["told"]), batches, told["part_size"], weights)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise DataError(
            f"{folder}: cannot be read ({error}); delete it, and replay again"
        ) from error


@torch.no_grad()
def sums(run: "Training", course: Course, taken: Sequence[Batch], step: int) -> list[float] | None:
    """Return the summed loss of each batch, in a pass like that of the step; None if it fails."""
    from suite.training.loop import seed_step

    with suppress(RuntimeError, MemoryError):
        seed_step(run, step)
        losses = []
        for batch in taken:
            loss = 0.0
            for part in in_parts([batch], part_size(run, course)):
                with run.precision.autocast():
                    loss += float(run.task.loss(run.model, part).total)
            losses.append(loss)
        return losses
    return None


def places(taken: Sequence[Batch], losses: Sequence[float] | None) -> str:
    """Tell in words which batches and examples are not finite; empty where it is none."""
    told = []
    for number, batch in enumerate(taken):
        name = f"batch {number + 1} of {len(taken)}" if len(taken) > 1 else "the batch"
        for tensor, examples in not_finite(batch).items():
            shown = ", ".join(map(str, examples[:5])) + (", …" if len(examples) > 5 else "")
            told.append(f"in {name} {tensor} is not finite in example {shown}")
        if not told and losses is not None and len(taken) > 1 and not math.isfinite(losses[number]):
            told.append(f"in {name}")
    return f" ({'; '.join(told)})" if told else ""


def not_finite(batch: Batch) -> dict[str, list[int]]:
    """Return the examples, from 0, in which an input is not finite, by its name."""
    found = {}
    for name, tensor in batch.items():
        if tensor.is_floating_point() and tensor.ndim and len(tensor) == batch.examples:
            wrong_B = (
                ~tensor.isfinite().flatten(1).all(1) if tensor.ndim > 1 else ~tensor.isfinite()
            )
            if bool(wrong_B.any()):
                found[name] = [int(i) for i in wrong_B.nonzero()[:, 0]]
    return found


def _described(batches: Sequence[Batch], losses: Sequence[float] | None) -> list[dict[str, Any]]:
    # JSON knows no NaN: what is not finite is a string.
    shown = [None] * len(batches) if losses is None else [_plain(one) for one in losses]
    return [
        {
            "examples": batch.examples,
            "units": batch.units,
            "padded_units": batch.padded_units,
            "summed_loss": loss,
            "names": list(batch),
            "not_finite": not_finite(batch),
        }
        for batch, loss in zip(batches, shown, strict=True)
    ]


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _again(run: "Training", step: int) -> list[Batch]:
    from suite.training.loop import batches_of

    count = run.config.accumulate
    return list(islice(batches_of(run, skip=(step - 1) * count), count))


def _named(batches: Sequence[Batch]) -> dict[str, Tensor]:
    """Return all tensors, each in memory of its own: safetensors refuses two names for one."""
    return {
        f"{number}.{name}": tensor.detach().to("cpu", copy=True).contiguous()
        for number, batch in enumerate(batches)
        for name, tensor in batch.items()
    }


def _name(step: int, rank: int) -> str:
    return f"{step:08}-{rank}" if rank else f"{step:08}"


def _all(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if path.name[:1].isdigit()]
