"""Runs over width and steps as paths of loss against training FLOPs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as Folder
from typing import Any

from suite.insight.compute import FEWEST_WIDTHS, Path
from suite.record import RunRecord
from suite.scaling.axes import Ladder, flops_of
from suite.standing import direction_of

ReadEvents = Callable[[Folder], Iterable[Mapping[str, Any]]]
"""Takes the path of a journal and returns its events."""

_METRIC = "loss"


def paths_of(ladder: Ladder, runs: Folder, read_events: ReadEvents) -> tuple[list[Path], str]:
    """Return the paths of a ladder over FLOPs, and what their values are, in words.

    Where a width was trained for three lengths or more, each ends a schedule of its own, and a path
    goes through these ends, as Hoffmann et al. 2022 ask for. Else it is the validations along one
    run, whose learning rate has not come down yet where it stands; then the words say so.
    """
    by_model: dict[tuple[float, int], list[RunRecord]] = defaultdict(list)
    for each in ladder.runs.values():
        for run in each:
            by_model[float(run.model.get("parameters", 0)), run.seed].append(run)
    if len({parameters for parameters, _ in by_model}) < FEWEST_WIDTHS:
        return [], ""
    metric, complement = _metric(ladder.first)
    words = f"validation {'1 - ' if complement else ''}{metric.replace('_', ' ')}"
    if min(map(len, by_model.values())) >= 3:
        paths = [_of_ends(key, each, metric, complement) for key, each in by_model.items()]
        return [path for path in paths if path], f"{words} at the end of runs"
    paths = [
        _along(key, max(each, key=lambda run: run.steps), metric, complement, runs, read_events)
        for key, each in by_model.items()
    ]
    return [path for path in paths if path], f"{words} along runs"


def _metric(run: RunRecord) -> tuple[str, bool]:
    """Return the metric of the paths, and whether it is better the higher."""
    if f"validation/{_METRIC}" in run.metrics:
        return _METRIC, False
    return run.primary, direction_of(run, run.primary) != "minimize"


def _of_ends(
    key: tuple[float, int], runs: Iterable[RunRecord], metric: str, complement: bool
) -> Path | None:
    points = [
        (flops, _error(run.metrics[f"validation/{metric}"], complement))
        for run in runs
        if (flops := flops_of(run)) and f"validation/{metric}" in run.metrics
    ]
    return _path(key, points)


def _along(
    key: tuple[float, int],
    run: RunRecord,
    metric: str,
    complement: bool,
    runs: Folder,
    read_events: ReadEvents,
) -> Path | None:
    journal, whole = runs / run.run_id / "journal.jsonl", flops_of(run)
    if not journal.is_file() or not whole or not run.steps:
        return None
    points = []
    for event in read_events(journal):
        values = event.get("values") or {}
        if event["event"] == "metrics" and f"validation/{metric}" in values and event["step"]:
            value = _error(values[f"validation/{metric}"], complement)
            points.append((whole * event["step"] / run.steps, value))
    return _path(key, points)


def _path(key: tuple[float, int], points: list[tuple[float, float]]) -> Path | None:
    points = sorted({flops: value for flops, value in points if value > 0}.items())
    if len(points) < 2:
        return None
    flops, values = zip(*points, strict=True)
    return Path(parameters=key[0], seed=key[1], flops=flops, loss=values)


def _error(value: float, complement: bool) -> float:
    return 1 - value if complement else value
