"""The grid: every combination of the values that a command gives."""

import itertools
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from suite.errors import ConfigError
from suite.sweeps import tracker
from suite.sweeps.opening import announce, opened
from suite.sweeps.plan import Plan, distinct
from suite.sweeps.runner import Context, Runner
from suite.tracking.sweep_run import Sweep

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

_LONGEST_LABEL = 60


def run_grid(
    context: Context,
    arguments: Sequence[str],
    *,
    params: Mapping[str, object],
    max_batch_size: int | None,
) -> None:
    """Run what is not done of a grid. params: overrides of the sweeper's own configuration."""
    overrides = parsed(context, [*(f"{k}={v}" for k, v in params.items()), *arguments])
    jobs, label = grid_of([one for one in overrides if not of_the_sweep(one)])
    cells, notes = distinct(context.cells(jobs))
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if not cells:
        return
    asked = Plan(command=command_of(overrides), cells=cells)
    with opened(context.config, asked, label) as (books, plan):
        context.settle_in(books.folder)
        announce(books, books.folder.name, plan)
        books.set_aside(cell.key for cell in cells)
        tracker.prepare(books.results, Sweep.read(books.folder))
        Runner(context, books, max_batch_size).run(cells)


def parsed(context: Context, arguments: Sequence[str]) -> list["Override"]:
    """Return the overrides, parsed; of two for one key the last counts."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parser = OverridesParser.create(config_loader=context.hydra.config_loader)
    return list(
        {one.get_key_element(): one for one in parser.parse_overrides([*arguments])}.values()
    )


def grid_of(overrides: Sequence["Override"]) -> tuple[list[tuple[str, ...]], str]:
    """Return the overrides of each cell, and what varies: `backbone3-seed2`."""
    axes: list[list[str]] = []
    label = []
    for override in overrides:
        axes.append(values_of(override))
        if override.is_sweep_override():
            label.append(f"{short(override.key_or_group)}{len(axes[-1])}")
    return [tuple(job) for job in itertools.product(*axes)], label_of(label)


def values_of(override: "Override") -> list[str]:
    """Return the overrides of each value that a sweep over a key gives it."""
    key = override.get_key_element()
    if not override.is_sweep_override():
        return [f"{key}={override.get_value_element_as_str()}"]
    if not override.is_discrete_sweep():
        raise ConfigError(
            f"{override.input_line}: a grid needs values, such as {key}=1,2 or {key}=range(1,3); "
            "hydra/sweeper=optuna searches an interval"
        )
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def command_of(overrides: Sequence["Override"]) -> tuple[str, ...]:
    """Return what was asked for, without what a sweep does not consist of."""
    left_out = ("results", "cache", "name", "tracking")
    asked = (
        one
        for one in overrides
        if one.key_or_group.partition(".")[0] not in left_out and not of_the_sweep(one)
    )
    return tuple(sorted(str(one.input_line) for one in asked))


def short(key: str) -> str:
    """Return the end of a key, fit for the name of a folder."""
    return key.rpartition(".")[2].rpartition("/")[2].rpartition("@")[0] or key.rpartition(".")[2]


def label_of(parts: Sequence[str]) -> str:
    """Join what varies, cut where it is very long."""
    text = "-".join(parts) or "single"
    return text if len(text) <= _LONGEST_LABEL else text[:_LONGEST_LABEL].rstrip("-")


def of_the_sweep(override: "Override") -> bool:
    """Return whether it is about the sweep and not its runs."""
    return override.key_or_group.partition(".")[0] == "sweep"
