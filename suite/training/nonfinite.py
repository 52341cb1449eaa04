"""A loss or a gradient that is not a finite number: seen, skipped or told of.

On the CPU it is seen in the step where it arises, before the weights are updated. A CUDA device is
not waited for, so there it is seen when the loss is logged, unless steps are to be skipped.
"""

import math
from typing import TYPE_CHECKING

from torch import Tensor, nn

from suite.config import OnNonfinite
from suite.errors import TrainingError
from suite.task import Batch
from suite.training.course import Course
from suite.training.evidence import keep, not_finite, places, sums

if TYPE_CHECKING:
    from suite.training.loop import Training


def is_sound(
    run: "Training", course: Course, taken: list[Batch], total: Tensor, norm: Tensor | None
) -> bool:
    """Return whether the optimizer may take this step; raise where the run is to stop.

    total: the summed loss. norm: of the gradient before it was clipped, where that is known.
    """
    if not sees_at_once(run):
        return True
    if norm is None:
        gradients = [p.grad for p in run.model.parameters() if p.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
    if finite(run, total, norm):
        return True
    outcome, step = course.outcome, course.outcome.steps + 1
    if course.before is not None:
        course.before.put_back()
    # Before anything of the step is changed: the weights are still those that it began with.
    losses = sums(run, course, taken, step)
    if course.before is not None:
        course.before.put_back()
    loss = float(total)
    told = _loss_told(loss, step) if not math.isfinite(loss) else _norm_told(norm, step)
    lost = keep(run, course, taken, step=step, told=told, losses=losses, weights=True)
    if run.config.on_nonfinite is OnNonfinite.skip and outcome.skipped < run.config.max_nonfinite:
        outcome.skipped += 1
        run.precision.skip()
        return False
    given = any(not_finite(batch) for batch in taken)
    raise TrainingError(_line(run, course, told + places(taken, losses), lost, given=given))


def sees_at_once(run: "Training") -> bool:
    """Return whether every step is looked at, before its optimizer steps."""
    return run.precision.device.type == "cpu" or run.config.on_nonfinite is OnNonfinite.skip


def finite(run: "Training", total: Tensor, norm: Tensor) -> bool:
    """Return whether the numbers of a step are finite. It is decided here and nowhere else, so that
    all processes of a run can be made to agree.

    With loss scaling a gradient may overflow: the scaler takes no step then, by itself.
    """
    if not math.isfinite(float(total)):
        return False
    return run.precision.scaler is not None or math.isfinite(float(norm))


def logged(run: "Training", course: Course, norm: Tensor | None) -> dict[str, float]:
    """Return loss and gradient norm for the log; raise where they are not finite."""
    totals, whole, count = course.logged.take(run.world)
    step = course.outcome.steps
    values: dict[str, float] = {}
    if totals:
        values["train/loss"] = whole / max(count, 1)
    if norm is not None:
        values["train/gradient_norm"] = float(norm)
    if run.config.on_nonfinite is OnNonfinite.skip:
        values["train/skipped_steps"] = course.outcome.skipped
        return values
    looked_at = dict(values)
    if run.precision.scaler is not None:
        looked_at.pop("train/gradient_norm", None)
    if all(map(math.isfinite, looked_at.values())):
        return values
    wrong = next((i for i, total in enumerate(totals) if not math.isfinite(total)), None)
    # Only a device that nobody waits for comes so far.
    first = step if wrong is None else step - len(totals) + wrong + 1
    if wrong is not None:
        told = _loss_told(totals[wrong], first)
    elif math.isfinite(whole):
        told = _norm_told(norm, step)
    else:  # in another process, which tells more
        told = _loss_told(whole, step)
    told += f", seen at step {step}" if first != step else ""
    lost = keep(run, course, None, step=first, told=told, losses=None, weights=False)
    raise TrainingError(_line(run, course, told, lost))


def _loss_told(loss: float, step: int) -> str:
    return f"the training loss is {loss} at step {step}"


def _norm_told(norm: Tensor | None, step: int) -> str:
    value = math.nan if norm is None else float(norm)
    return f"the norm of the gradient is {value} at step {step}, its loss is finite"


def _line(run: "Training", course: Course, told: str, lost: str, *, given: bool = False) -> str:
    """Say what went wrong and what to do. given: it came with the data."""
    skipped = course.outcome.skipped
    limit = f"trainer.max_nonfinite={run.config.max_nonfinite}"
    before = f", and {skipped} steps were skipped before it ({limit})" if skipped else ""
    name = run.best.path.parent.name
    advice = "mend the data" if given else "lower optimizer.lr, or set trainer.clip_norm"
    return f"{told}{before}: {advice}; `triathlon replay {name}` shows where it arises{lost}"
