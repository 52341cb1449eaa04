"""Checks that a task keeps the contract of `suite.task`, whatever its modality.

`check_task(["task=…", "data=…"])` is what a plugin's own tests call; `triathlon check` shows the
same as a table. What is looked at is in `suite.checking`.
"""

from collections.abc import Collection, Sequence

from suite.checking.all import COSTLY, chosen
from suite.checking.runner import examine
from suite.checking.subject import Subject
from suite.compose import compose
from suite.config import RunConfig
from suite.errors import CheckFailed
from suite.task import Task

__all__ = ["COSTLY", "check_task"]


def check_task(
    run: RunConfig | Sequence[str],
    *,
    kind: type[Task] | None = None,
    only: Collection[str] = (),
    skip: Collection[str] = (),
) -> None:
    """Check a task on its data set and model; raise `CheckFailed` that says what is broken.

    run: a configuration, or overrides as on the command line; choose little data, a small model. A
        backbone on hand-made features has these checked instead of model and training batches.
    kind: the class to check instead of what `task._target_` names.
    only, skip: names of checks; `COSTLY` are those that take seconds.
    """
    config = run if isinstance(run, RunConfig) else compose(run)
    results = list(examine(Subject(config, kind), chosen(only, skip)))
    failed = [result for result in results if result.failed]
    if failed:
        told = " | ".join(result.told() for result in failed)
        raise CheckFailed(told, [result.check for result in failed])
