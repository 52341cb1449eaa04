"""Validates while a run trains: keeps the best weights, and says when to stop."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from suite.errors import TrainingError
from suite.task import Split, Target
from suite.training.course import Course
from suite.training.evaluation import evaluate

if TYPE_CHECKING:
    from suite.training.loop import Training


def validate(run: "Training", course: Course, check: Callable[[], None]) -> str:
    """Return why to stop after this step ("target", "convergence"), or "" to go on.

    check: called at every batch; where it raises, nothing has happened.
    """
    outcome, target = course.outcome, run.task.target
    with course.average.applied():
        values, _ = evaluate(
            run.task, run.model, Split.VALIDATION, run.precision, check, run.engine
        )
        if _best_yet(run, values, outcome.best):
            outcome.best, outcome.best_step = values, outcome.steps
            weights = run.engine.weights()
            if run.world.leads:
                run.best.keep(weights)
    training, wall = run.world.broadcast((run.meter.training_seconds, run.meter.wall_seconds))
    clocks = {"time/training_seconds": training, "time/wall_seconds": wall}
    clocks["time/units"] = outcome.units
    run.emit(outcome.steps, {**{f"validation/{k}": v for k, v in values.items()}, **clocks})
    if outcome.reached is None and target.reached(_watched(target, values)):
        outcome.reached = {"step": outcome.steps, "examples": outcome.examples}
        outcome.reached |= {k.split("/")[1]: v for k, v in clocks.items()}
        if run.meter.joules is not None:
            outcome.reached["joules"] = run.meter.joules
    converged = course.convergence.reached(values[run.task.primary])
    if run.config.stop_at_target and outcome.reached is not None:
        return "target"
    if run.config.convergence.enabled and converged:
        return "convergence"
    return ""


def _best_yet(run: "Training", values: Mapping[str, float], best: Mapping[str, float]) -> bool:
    """Compare the primary metric; of equals the lower loss is better."""
    if not best:
        return True
    value, incumbent = values[run.task.primary], best[run.task.primary]
    if value == incumbent:
        return values["loss"] < best["loss"]
    return run.task.target.direction.better(value, incumbent)


def _watched(target: Target, values: Mapping[str, float]) -> float:
    if target.metric not in values:
        known = ", ".join(sorted(values))
        raise TrainingError(f"target metric {target.metric} is not among the metrics: {known}")
    return values[target.metric]
