"""Results of others are of a metric that is measured, with a source and a direction."""

import math

from suite.checking.check import Broken, Check
from suite.checking.subject import Subject


def _look(subject: Subject) -> str:
    task, metrics = subject.task, subject.task.metrics()

    def require(holds: bool, wrong: str, mend: str) -> None:
        if not holds:
            raise Broken(f"references: {wrong}", at="references", mend=mend)

    for reference in task.references:
        name = reference.metric
        require(name in metrics, f"{reference} is of no metric here", "name one of metrics()")
        sound = math.isfinite(reference.value) and bool(reference.name and reference.source)
        wrong = f"{reference} needs a name, a value and a source"
        require(sound, wrong, "say where it is written, with the table")
        counted = reference.n is None or reference.n > 0
        wrong = f"{reference} has n={reference.n}: above 0, or None"
        require(counted, wrong, "leave n out where the source does not tell")
        known = getattr(metrics[name], "higher_is_better", None) is not None
        wrong = f"{name} does not tell its direction: set the metric's higher_is_better"
        require(known or name == task.target.metric, wrong, "True where more is better")
    count = len(task.references)
    return f"{count} with source, value and metric" if count else "none are given"


REFERENCES = Check(
    name="references",
    looks_for="results of others have a metric, a source and a direction",
    look=_look,
    needs=("opens", "metrics"),
)
