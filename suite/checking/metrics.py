"""What an untrained model scores is finite, and holds what runs are ranked by and stopped at."""

import math

import torch

from suite.checking.check import Broken, Check
from suite.checking.shortened import evaluated
from suite.checking.subject import MOST, Subject
from suite.config import PrecisionConfig
from suite.task import Split
from suite.training.evaluation import calibrate
from suite.training.precision import Precision

_SLACK = 0.01
"""How far a metric may lie outside its interval: a bootstrap of few items is not centred on it."""


def _look(subject: Subject) -> str:
    task = subject.task
    values, metrics, _ = evaluated(task, subject.model, Split.VALIDATION, MOST)
    known = ", ".join(sorted(values))
    for name in (task.primary, task.target.metric):
        if name not in values:
            raise Broken(
                f"metrics: {name} is not among {known}",
                at="metrics",
                mend="name it in metrics(), or mend primary and target",
            )
    for name, value in values.items():
        if not math.isfinite(value):
            raise Broken(
                f"metrics: {name} is {value} for an untrained model",
                at="evaluate",
                mend="let it be a number for whatever a model may answer",
            )
    precision = Precision(PrecisionConfig(), torch.device("cpu"))
    for name, value in calibrate(task, subject.model, precision).items():
        if not math.isfinite(value):
            raise Broken(
                f"calibrate: {name} is {value}, must be a number",
                at="calibrate",
                mend="choose among numbers alone",
            )
    for name, interval in task.intervals(metrics).items():
        if name not in values:
            raise Broken(
                f"intervals: {name} is not among {known}",
                at="intervals",
                mend="name the metric that it is of",
            )
        if not interval.low - _SLACK <= values[name] <= interval.high + _SLACK:
            raise Broken(
                f"intervals: {name} is {values[name]}, outside of {interval}",
                at="intervals",
                mend="take it from the counts that the metric is made of",
            )
    return ", ".join(f"{name} {value:.4g}" for name, value in sorted(values.items()))


METRICS = Check(
    name="metrics",
    looks_for="primary and target are measured; all are finite, within their intervals",
    look=_look,
    needs=("opens", "axes"),
)
