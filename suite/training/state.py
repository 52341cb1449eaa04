"""All of a training that a checkpoint holds beside the weights: taken from it, and put back.

What a model draws is seeded anew at every step, and batches are a function of (seed, number), so
generators are kept for what a task may draw itself. Where batches depend on more, the task says on
what.
"""

import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from suite.errors import DataError
from suite.training.average import averaged
from suite.training.checkpoint import Saved, State
from suite.training.course import Course
from suite.world import World

if TYPE_CHECKING:
    from suite.training.loop import Training

FORMAT = 1


def state_of(run: "Training", course: Course) -> State:
    """Return the state of a training between two steps; all its processes call it together.

    It is of the whole, so that any number of processes goes on from it.
    """
    scaler, engine = run.precision.scaler, run.engine
    state = course.state_dict()
    state["logged"]["totals"] = _over_all(state["logged"]["totals"], run.world)
    return {
        "format": FORMAT,
        "identity": run.identity,
        "course": engine.whole(state),
        "optimizers": engine.whole(run.optimizers.state_dict()),
        "scaler": {} if scaler is None else scaler.state_dict(),
        "meter": run.meter.state_dict(),
        "task": dict(run.task.state_dict()),
        "random": _random_state(run.precision.device),
        "journal": run.position(),
    }


def put_state(run: "Training", course: Course, saved: Saved) -> None:
    """Bring a training that has not begun to where a checkpoint was written.

    Raises `DataError` for one of another model, of other data or of a later version.
    """
    state = saved.state
    try:
        if state["format"] != FORMAT:
            raise DataError(
                f"{saved.folder}: a checkpoint of another version; resume=false begins anew"
            )
        _require_same(saved, state["identity"], run.identity)
        run.engine.put_weights(saved.weights, saved.folder)
        run.engine.put_states(run.optimizers, state["optimizers"])
        if run.precision.scaler is not None:
            run.precision.scaler.load_state_dict(state["scaler"])
        course.load_state_dict(_of_process(state["course"], run))
        run.meter.load_state_dict(state["meter"])
        run.task.load_state_dict(state.get("task", {}))  # older checkpoints have none
        _put_random(state["random"], run.precision.device)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{saved.folder}: not a checkpoint of this run ({reason})") from error
    if run.world.leads:
        run.best.restore(saved.best)


def _over_all(totals: Tensor | None, world: World) -> Tensor | None:
    """Return losses not yet logged, summed over all processes."""
    if world.alone or totals is None:
        return totals
    return torch.tensor(world.sum(totals.tolist()), dtype=totals.dtype)


def _of_process(course: State, run: "Training") -> State:
    """Return what one process goes on with of the state of the whole."""
    average = course["average"]
    # An average that is off has no tensors.
    live = averaged(run.model) if average["mean"] else []
    average["mean"] = [
        run.engine.part(mean, one) for mean, one in zip(average["mean"], live, strict=True)
    ]
    totals = course["logged"]["totals"]
    if totals is not None and not run.world.leads:
        course["logged"]["totals"] = torch.zeros_like(totals)
    return course


def _require_same(saved: Saved, was: Mapping[str, str], now: Mapping[str, str]) -> None:
    for name, value in now.items():
        if was.get(name) != value:
            raise DataError(
                f"{saved.folder}: {name} was {was.get(name)}, and is {value} now; resume=false "
                "begins anew"
            )


def _random_state(device: torch.device) -> dict[str, Any]:
    algorithm, keys, *rest = np.random.get_state(legacy=True)
    # The second of what follows is an array, which is not among what loads safely.
    kept: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": (algorithm, torch.from_numpy(np.asarray(keys, np.int64)), *rest),
        "python": random.getstate(),
    }
    if device.type == "cuda":
        kept["cuda"] = torch.cuda.get_rng_state(device)
    return kept


def _put_random(kept: Mapping[str, Any], device: torch.device) -> None:
    torch.set_rng_state(kept["torch"])
    algorithm, keys, *rest = kept["numpy"]
    np.random.set_state((algorithm, keys.numpy().astype(np.uint32), *rest))
    version, numbers, normal = kept["python"]
    random.setstate((version, tuple(numbers), normal))
    if device.type == "cuda" and "cuda" in kept:
        torch.cuda.set_rng_state(kept["cuda"], device)
