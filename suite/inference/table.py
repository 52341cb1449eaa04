"""The measurements on the terminal: a row for each combination, those of one batch together."""

from itertools import groupby
from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from suite.inference.bench import Result, Speed
from suite.inference.plan import ModelForm
from suite.inference.timing import FEWEST

if TYPE_CHECKING:
    from rich.console import Console

    from suite.inference.record import BenchRecord

_MISSING = "—"
_WIDTH_OF_A_LOG = 120
_BUSY = 0.25
"""Share of the cores that others may keep busy before it is told; starting up takes less."""


def show(record: "BenchRecord", console: "Console | None" = None) -> None:
    """Print the table and what it rests on."""
    from suite.trust.terminal import Terminal

    console = console or Terminal()
    if not console.is_terminal:
        console = Terminal(file=console.file, width=max(console.width, _WIDTH_OF_A_LOG))
    console.print(table_of(record))
    for line in notes_of(record):
        console.print(line, markup=False, highlight=False)


def table_of(record: "BenchRecord") -> Table:
    """Return the table; of each batch the fastest form is bold, and what is wrong is red."""
    counted = record.unit != "image"  # an image is an example
    title = f"{record.title} · {record.parameters:,} parameters"
    table = Table(title=escape(title), title_justify="left", title_style="bold",
                  box=box.SIMPLE_HEAD, padding=0, show_edge=False)  # fmt: skip
    table.add_column("form", no_wrap=True)
    headings = ["threads", "batch", "p50\nms", "p95\nms", "p99\nms", "examples\n/s"]
    headings += [f"{record.unit}s\n/s"] if counted else []
    for heading in (*headings, "of\npeak", "made\nin s", "differs\nby"):
        table.add_column(heading, justify="right", no_wrap=True)
    together = groupby(record.results, lambda result: (result.threads, result.batch_size))
    for _, results in together:
        rows = list(results)
        fastest = _fastest(rows)
        for result in rows:
            style = "bold" if result is fastest else None
            if result.speed is None or result.speed.wrong:
                style = "red"
            table.add_row(*map(escape, _cells(result, counted=counted)), style=style)
        table.add_section()
    return table


def notes_of(record: "BenchRecord") -> list[str]:
    """Return what there is to say below the table: failures first, one line each."""
    lines = [
        f"{', '.join(form.value for form in forms)} failed: {reason}"
        for reason, forms in record.failures.items()
    ]
    wrong = [result.speed for result in record.results if result.speed and result.speed.wrong]
    if wrong:
        lines.append(
            f"wrong: the output differs from eager's by more than {wrong[0].tolerance:g} of its "
            "largest value; the time is that of another function"
        )
    lines.append(
        f"latency of single calls, at least {FEWEST} in {record.plan['seconds']:g} s after the "
        "warm-up, all on one batch of the validation split; bold: the fastest of a batch"
    )
    if any(result.form is ModelForm.compiled for result in record.results):
        lines.append(
            "made: until the first answer; code that was compiled before may be from torch's cache"
        )
    lines.append(f"weights: {record.weights}")
    if record.load > _BUSY * record.machine["usable_cores"]:
        lines.append(
            f"a busy machine (load {record.load:.1f} in the minute before): others' work is in "
            "these times, most of all at p99 and with several threads; measure again when it rests"
        )
    return lines


def _fastest(results: list[Result]) -> Result | None:
    right = [result for result in results if result.speed and not result.speed.wrong]
    if len(right) < 2:
        return None
    return min(right, key=lambda result: result.speed.p50_seconds if result.speed else 0)


def _cells(result: Result, *, counted: bool) -> list[str]:
    cells = [result.form.value, str(result.threads), str(result.batch_size)]
    speed = result.speed
    if speed is None:
        return [*cells, "failed", *[_MISSING] * (6 + counted)]
    cells += [_short(1000 * s) for s in (speed.p50_seconds, speed.p95_seconds, speed.p99_seconds)]
    cells.append(_short(speed.examples_per_second))
    if counted:
        cells.append(_short(speed.units_per_second))
    cells.append(_MISSING if speed.peak_share is None else f"{speed.peak_share:.1%}")
    return [*cells, f"{speed.make_seconds:.2f}", _off(speed)]


def _off(speed: Speed) -> str:
    if not speed.difference:
        return "0"
    return f"{speed.difference:.0e}" + ("\nwrong" if speed.wrong else "")


def _short(value: float) -> str:
    """Write a number with three digits, or all that it has before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")
