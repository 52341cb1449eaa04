"""`triathlon compare A B`: is B better or worse than A, and how sure is that? A gate for CI."""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.errors import ConfigError

if TYPE_CHECKING:
    from suite.report.gate import Finding
    from suite.report.groups import Group
    from suite.report.repeats import Repeats

_ABOUT = """\
Compare B with A over repeats: by quality, pair by pair where seeds are shared, and by speed where
the machines are alike.

A and B are each a results folder, a JSON file of run records, the beginning of a group's hash, or
filters such as backbone=mlp,optimizer=adamw or commit=1f3a or trainer.batch_size=64. Filters and
hashes choose among --results."""
_EXITS = """\
exit codes: 0; 1 with --gate, where B is worse than A beyond what variance explains (5% false
alarms, in all that is compared at once); 2 where something is wrong or could not be judged."""
_WORSE = 1
_TOLD = 4
"""Groups that are named where there are many."""


def main(arguments: list[str]) -> int:
    """Print a table of differences, and judge them where a gate is asked for."""
    chosen = _parser().parse_args(arguments)
    if len(chosen.results) > 2:
        raise ConfigError("--results: give it once, or twice, for A and for B")
    from suite.report.gate import findings
    from suite.report.sides import pairs_of, side

    results = chosen.results or [Path("results")]
    first, second = side(chosen.a, results[0]), side(chosen.b, results[-1])
    pairs, alone = pairs_of(first, second)
    found = findings(pairs, metrics=chosen.metric, margins=_margins(chosen.margin))
    _show(pairs, found, gate=chosen.gate)
    if chosen.convergence:
        _show_convergence(pairs)
    ours = {id(group) for group in first.groups}
    only = {
        "A": [group for group in alone if id(group) in ours],
        "B": [group for group in alone if id(group) not in ours],
    }
    for name, groups in only.items():
        if groups:
            told = ", ".join(f"{group.name} on {group.data}" for group in groups[:_TOLD])
            more = f" and {len(groups) - _TOLD} more" if len(groups) > _TOLD else ""
            print(f"only in {name}, not compared: {told}{more}")
    for one, name in ((first, "A"), (second, "B")):
        if one.failed:
            print(f"{name}: {one.failed} failed runs are left out")
    return _judge(found, only["A"]) if chosen.gate else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "triathlon compare",
        description=_ABOUT,
        epilog=_EXITS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("a", metavar="A", help="what B is measured by, the baseline")
    parser.add_argument("b", metavar="B", help="what is judged")
    parser.add_argument("--gate", action="store_true", help="exit with 1 where B is worse")
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        help="compare by this (again for more); by default the primary test metric and examples a "
        "second. Also training_seconds, host_peak_bytes, examples_to_target, …",
    )
    parser.add_argument(
        "--margin",
        action="append",
        default=[],
        metavar="[METRIC=]NUMBER[%]",
        help="the smallest difference that matters: of a metric, or of quality; in its units, or a "
        "share of A (default: 0 for quality, 10%% for speeds)",
    )
    parser.add_argument(
        "--results",
        action="append",
        default=[],
        type=Path,
        help="folder that filters and hashes choose from (default: results); given twice, A's and "
        "B's",
    )
    parser.add_argument(
        "--convergence",
        action="store_true",
        help="also tell whether B takes as many examples to the target as A, as MLPerf checks it",
    )
    return parser


def _margins(given: Sequence[str]) -> dict[str, float | str]:
    """Return margins by metric; that of quality has no name."""
    margins: dict[str, float | str] = {}
    for one in given:
        name, _, number = one.rpartition("=")
        try:
            size = float(number.removesuffix("%"))
        except ValueError:
            size = math.nan
        if not 0 <= size < math.inf:
            raise ConfigError(f"--margin {one}: give a number of 0 or more, or a share as 5%")
        margins[name] = number if number.endswith("%") else size
    return margins


def _show(
    pairs: "Sequence[tuple[Group, Group]]", found: "Sequence[Finding]", *, gate: bool
) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from suite.report.gate import verdict
    from suite.trust.terminal import Terminal

    names = {one.name for pair in pairs for one in pair}
    told = len(names) > 1
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading in ("data", *(["A", "B"] if told else [])):
        table.add_column(heading, overflow="fold")
    table.add_column("metric", overflow="fold")
    for heading in ("mean of A", "mean of B", "B - A", "95%"):
        table.add_column(heading, justify="right", overflow="fold")
    table.add_column("gate" if gate else "B is", overflow="fold")
    for one in found:
        word = _gate_word(one) if gate else verdict(one)
        names_of = [one.first, one.second] if told else []
        cells = [one.data, *names_of, one.metric.name.replace("_", " "), *_numbers(one)]
        table.add_row(*map(escape, [*cells, word or one.note]))
    console = Terminal()
    if not console.is_terminal:
        console = Terminal(width=max(console.width, 150))
    console.print(table)
    for line in _notes(found, gate=gate):
        console.print(line, markup=False, highlight=False)


def _numbers(one: "Finding") -> list[str]:
    """Return both means with their n, the difference and its interval, above 0 where B is better.

    Speeds and sizes differ by a share of A's mean.
    """
    difference, base = one.difference, 1.0
    show: Callable[[float], str] = _signed
    if one.metric.of_machine and one.ours is not None and one.ours.mean:
        base, show = abs(one.ours.mean), "{:+.1%}".format
    means = [_mean(side) for side in (one.ours, one.theirs)]
    if difference is None:
        return [*means, "—", "—"]
    interval = "—"
    if difference.low is not None and difference.high is not None:
        interval = f"{show(difference.low / base)} to {show(difference.high / base)}"
    return [*means, show(difference.mean / base), interval]


def _mean(side: "Repeats | None") -> str:
    if side is None:
        return "—"
    number = "∞" if math.isinf(side.mean) else _digits(side.mean)
    return f"{number} (n={side.n})"


def _signed(value: float) -> str:
    return f"{'-' if value < 0 else '+'}{_digits(abs(value))}"


def _digits(value: float) -> str:
    return (
        f"{value:.4f}"
        if abs(value) < 10
        else f"{value:,.1f}"
        if abs(value) < 1e6
        else f"{value:.4g}"
    )


def _notes(found: "Sequence[Finding]", *, gate: bool) -> list[str]:
    """Say what the numbers and the words are."""
    tested = [one for one in found if one.difference is not None and one.difference.p is not None]
    if not tested:
        return []
    ways = {
        "paired by seed" if one.difference and one.difference.paired else "Welch" for one in tested
    }
    told = " or ".join(sorted(ways))
    lines = [f"B - A above 0: B is better; 95% interval of each by itself, over seeds, {told}"]
    several = f", corrected for {len(tested)} comparisons" if len(tested) > 1 else ""
    margins = {f"{one.metric.name} {_share(one)}" for one in tested if one.margin}
    margin = f"; margin: {', '.join(sorted(margins))}" if margins else ""
    if gate:
        lines.append(f"gate: worse by more than the margin, one-sided at 5%{several}{margin}")
    else:
        lines.append(f"words: two-sided at 5%{several}{margin}")
    return lines


def _share(one: "Finding") -> str:
    if one.metric.of_machine and one.ours is not None and one.ours.mean:
        return f"{one.margin / abs(one.ours.mean):.3g} of A"
    return f"{one.margin:.3g}"


def _gate_word(one: "Finding") -> str:
    if one.difference is None:
        return ""
    if one.p_worse is None:
        return one.difference.verdict
    return f"worse (p={one.p_worse:.2g})" if one.worse else "passes"


def _judge(found: "Sequence[Finding]", alone: "Sequence[Group]") -> int:
    """Return 1 where B is worse; raise where it is not, but something was left unjudged."""
    worse = [f"{one.data}: {one.metric.name}" for one in found if one.worse]
    if worse:
        print(f"gate: B is worse than A by {', '.join(worse)}")
        return _WORSE
    # Times of unlike machines are not for a gate to judge; it does not hold that against B.
    open_ones = [
        f"{one.data}: {one.metric.name} ({one.note or 'too few runs, three are needed'})"
        for one in found
        if one.p_worse is None and not (one.metric.of_machine and one.note)
    ]
    open_ones += [f"{group.data}: {group.name} (not in B)" for group in alone]
    if not any(one.p_worse is not None for one in found):
        open_ones = open_ones or [f"{one.data}: {one.metric.name} ({one.note})" for one in found]
    if open_ones:
        raise ConfigError(f"gate: could not judge {', '.join(open_ones)}")
    print("gate: B is not worse than A beyond what variance explains")
    return 0


def _show_convergence(pairs: "Sequence[tuple[Group, Group]]") -> None:
    from suite.report.convergence import acceptance
    from suite.report.scores import time_to_target

    for first, second in pairs:
        sides = [
            [value for run in one.runs if (value := time_to_target(run, "examples")) is not None]
            for one in (first, second)
        ]
        place = f"convergence on {first.data}: {second.name}"
        batches = [_batch(one.runs[0].config) for one in (first, second)]
        if batches[0] != batches[1]:
            print(f"{place}: not compared, batches of {batches[0]} and {batches[1]} examples")
            continue
        # MLPerf drops the fastest and slowest of five or more.
        drop = 1 if min(map(len, sides)) >= 5 else 0
        try:
            accepted = acceptance(sides[0], runs=len(sides[1]), drop=drop)
        except ValueError as error:
            print(f"{place}: not compared, {error}")
            continue
        word = accepted.verdict(sides[1])
        print(
            f"{place}: {word}; examples to the target {accepted.low:,.0f} to {accepted.high:,.0f} "
            f"are accepted, A takes {accepted.mean:,.0f}"
        )


def _batch(config: Mapping[str, Mapping[str, int]]) -> int:
    trainer = config.get("trainer") or {}
    return trainer.get("batch_size", 0) * trainer.get("accumulate", 1)
