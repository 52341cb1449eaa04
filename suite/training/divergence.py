"""Divergence: the training loss went up and stays there.

It is judged against where the loss began, not against its best: a loss of 0.01 after one of 0.001
is ten times the best, and no divergence.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from suite.training.course import Course
    from suite.training.loop import Training

LOGS = 10
"""Logs in a row that make divergence: one spike is none."""


class Divergence:
    """Follows the logged training loss.

    factor: how many times the first value is far above it; as far below it, something was learned,
        and to be at the first value again is to have lost it. None never finds any. Nothing is
        judged of a loss that begins at zero or below (a policy gradient's, say).
    """

    def __init__(self, factor: float | None) -> None:
        self.factor = factor
        self.first: float | None = None
        self.learned = False
        self.logs = 0

    def found(self, loss: float) -> bool:
        """Take in a logged loss; return True at the log that makes it divergence."""
        if self.factor is None:
            return False
        if self.first is None:
            self.first = loss
        if self.first <= 0:
            return False
        self.learned = self.learned or loss < self.first / self.factor
        far = loss >= self.first if self.learned else loss > self.first * self.factor
        self.logs = self.logs + 1 if far else 0
        return self.logs == LOGS

    def state_dict(self) -> dict[str, Any]:
        """Return what was taken in."""
        return {"first": self.first, "learned": self.learned, "logs": self.logs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.first, self.learned, self.logs = state["first"], state["learned"], state["logs"]


def look(run: "Training", course: "Course", values: Mapping[str, float]) -> bool:
    """Warn, once, where what is logged shows that training has diverged; return whether to stop."""
    loss, outcome = values.get("train/loss"), course.outcome
    if loss is None or not course.divergence.found(loss) or outcome.diverged is not None:
        return False
    outcome.diverged = outcome.steps
    if not run.world.leads:
        return run.config.stop_at_divergence
    print(
        f"warning: training has diverged: at step {outcome.steps} its loss is {loss:.4g}, and it "
        f"began at {course.divergence.first:.4g} (trainer.divergence={run.config.divergence:g}); "
        f"lower optimizer.lr; `triathlon replay {run.best.path.parent.name} --step N` shows a step",
        file=sys.stderr,
    )
    return run.config.stop_at_divergence


def ended_by_divergence(run: "Training", course: "Course") -> str:
    """Return "divergence" where training is to end by it after this step, else ""."""
    asked = run.config.stop_at_divergence and course.outcome.diverged == course.outcome.steps
    return "divergence" if asked else ""
