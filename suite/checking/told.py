"""What a check of a task came to, as a table and as plain values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

from suite.checking.check import Result, Verdict
from suite.trust.terminal import Terminal

_COLOURS = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "red",
    Verdict.DOES_NOT_APPLY: "dim",
    Verdict.NOT_RUN: "yellow",
}
_WORDS = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.DOES_NOT_APPLY: "not applicable",
    Verdict.NOT_RUN: "not run",
}
_WIDTH_OF_A_LOG = 150


def show(title: str, results: Sequence[Result]) -> None:
    """Print the table, below it what failed, and a last line."""
    console = Terminal()
    if not console.is_terminal:
        console = Terminal(width=_WIDTH_OF_A_LOG)
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for heading in ("check", "verdict"):
        table.add_column(heading, no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("what was seen", overflow="fold")
    for result in results:
        colour, verdict = _COLOURS[result.verdict], result.verdict.value
        row = (f"[{colour}]{verdict}[/]", f"{result.seconds:.1f}", escape(result.seen))
        table.add_row(result.check, *row)
    console.print(table)
    for result in results:
        if result.failed:
            console.print(f"[red]{result.check}[/] {escape(result.seen)}", highlight=False)
            for what, line in (("where", result.where), ("mend", result.mend)):
                if line:
                    console.print(f"  {what}: {escape(line)}", highlight=False)
    console.print(f"{escape(title)}: {in_a_line(results)}", highlight=False)


def in_a_line(results: Sequence[Result]) -> str:
    """Say how many checks came to what."""
    count = Counter(result.verdict for result in results)
    told = [f"{count[verdict]} {words}" for verdict, words in _WORDS.items() if count[verdict]]
    return f"{', '.join(told)}, in {sum(result.seconds for result in results):.0f} s"


def plain(chosen: Mapping[str, str | None], results: Sequence[Result]) -> dict[str, Any]:
    """Return it as JSON takes it. chosen: task, data and backbone, by group."""
    return {
        **{group: chosen.get(group) for group in ("task", "data", "experiment", "backbone")},
        "passed": not any(result.failed for result in results),
        "checks": [result.plain() for result in results],
    }
