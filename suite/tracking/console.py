"""Shows a run as it goes: a progress display on a terminal, a line for each validation in a log.

An observer of the journal. It draws at most twice a second and has no thread of its own, so that
the steps it watches do not wait for it.
"""

import multiprocessing
import time
from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from suite.standing import label_of
from suite.tracking.journal import Event
from suite.trust.terminal import Terminal

_SECONDS_BETWEEN = 0.5
_WORTH_TELLING = 0.01
_WIDTH_OF_A_LOG = 120


class Console:
    """Draws journal events. steps: how many there will be, None where that is open.

    record: of the run; to be set where it goes on, and known from its start otherwise.
    """

    def __init__(self, steps: int | None = None, terminal: Terminal | None = None) -> None:
        self.steps = steps
        self.terminal = terminal or _terminal()
        # Two displays on one screen overwrite each other: parallel jobs write lines.
        alone = multiprocessing.parent_process() is None
        self._live = self.terminal.is_terminal and alone
        self._progress: Progress | None = None
        self._bar = TaskID(0)
        self.record: dict[str, Any] = {}
        self._last: dict[str, float] = {}
        self._drawn = 0.0
        self._began = 0.0

    def __call__(self, event: Event) -> None:
        """Take notice of an event."""
        kind = event["event"]
        if kind == "metrics":
            self._metrics(event)
        elif kind == "start":
            self._start(event["record"], event["time"])
        elif kind == "resume":
            self._start(self.record, event["time"])
        elif kind == "end":
            self.close()
            self._end(event["record"])

    def close(self) -> None:
        """Take the progress display down; may be called at any time, and twice."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _start(self, record: dict[str, Any], began: float) -> None:
        self.record, self._began = record, began
        self._print(_marked(record))
        if self._live:
            self._progress = Progress(
                BarColumn(bar_width=12),
                TextColumn("{task.completed:.0f}/{task.fields[steps]}"),
                TimeRemainingColumn(compact=True),
                TextColumn("left  {task.fields[status]}"),
                console=self.terminal,
                auto_refresh=False,
                transient=True,
            )
            self._bar = self._progress.add_task("", total=self.steps, steps="?", status="")
            self._progress.start()

    def _metrics(self, event: Event) -> None:
        values: Mapping[str, float] = event["values"]
        self._last.update(values)
        validated = "validation/loss" in values
        if self._progress is None:
            if validated:
                seconds = event["time"] - self._began
                self._print(
                    f"step {_of(event['step'], self.steps)}  {self._status()}  {seconds:.1f} s"
                )
            return
        now = time.monotonic()
        if validated or now - self._drawn >= _SECONDS_BETWEEN:
            self._drawn = now
            steps = "?" if self.steps is None else str(self.steps)
            self._progress.update(
                self._bar,
                completed=event["step"],
                total=self.steps,
                steps=steps,
                status=escape(self._status()),
            )
            self._progress.refresh()

    def _status(self) -> str:
        last, primary = self._last, self.record.get("primary", "")
        parts = []
        losses = [last[name] for name in ("train/loss", "validation/loss") if name in last]
        if losses:
            parts.append("loss " + " / ".join(f"{loss:.4f}" for loss in losses))
        if f"validation/{primary}" in last:
            parts.append(f"{primary} {last[f'validation/{primary}']:.4f}")
        if "throughput/examples_per_second" in last:
            parts.append(f"{last['throughput/examples_per_second']:,.0f} examples/s")
        rates = {k.removeprefix("throughput/"): v for k, v in last.items()}
        parts += _shares(rates)
        return "  ".join(parts)

    def _end(self, record: Mapping[str, Any]) -> None:
        if record["status"] != "finished":
            told = f"{record['status']}: {record['error']}" if record["error"] else record["status"]
            self._print(told, style="bold red")
            return
        self._print(_marked(record), style="bold")
        self.terminal.print(result_table(record))
        for line in standing_lines(record):
            self._print(line)
        self._print(speed_of(record))
        if record.get("profile"):
            self.terminal.print(profile_table(record))

    def _print(self, text: str, style: str | None = None) -> None:
        self.terminal.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def title_of(record: Mapping[str, Any]) -> str:
    """Name what runs."""
    names = (record[k] for k in ("task", "data", "backbone", "optimizer"))
    return f"{' · '.join(name for name in names if name)} · seed {record['seed']}"


def _marked(record: Mapping[str, Any]) -> str:
    synthetic = record["data_card"].get("synthetic")
    return title_of(record) + (" (synthetic data)" if synthetic else "")


def speed_of(record: Mapping[str, Any]) -> str:
    """Tell in a line how long the run took and how fast it was."""
    parts = [
        f"{record['steps']:,} steps",
        f"{record['training_seconds']:.1f} s training",
        f"{record['wall_seconds']:.1f} s in all",
    ]
    rates = record["throughput"]
    if "examples_per_second" in rates:
        parts.append(f"{rates['examples_per_second']:,.0f} examples/s")
    if "units_per_second" in rates and record["unit"] == "second":
        parts.append(f"{rates['units_per_second']:,.0f} times real time")
    elif "units_per_second" in rates and record["unit"] not in ("", "image"):
        parts.append(f"{rates['units_per_second']:,.0f} {record['unit']}s/s")
    parts += _shares(rates)
    if "joules" in record.get("energy", {}):
        parts.append(f"{record['energy']['joules']:,.0f} J ({record['basis']['energy']})")
    troubles = record.get("troubles", {})
    if "skipped_steps" in troubles:
        count = troubles["skipped_steps"]
        parts.append(f"{count} step{'s' if count > 1 else ''} skipped, not finite")
    if "diverged_at_step" in troubles:
        parts.append(f"diverged at step {troubles['diverged_at_step']}")
    if record["stopped"]:
        parts.append(f"stopped by {record['stopped']}")
    return ", ".join(parts)


def profile_table(record: Mapping[str, Any]) -> Table:
    """Return where the time of a profiled step goes."""
    seconds = {k.removesuffix("_seconds"): v for k, v in record["profile"].items()}
    total = sum(seconds.values())
    table = Table("part of a step", title="profiled steps, mean as the host sees it")
    for name in ("ms", "share"):
        table.add_column(name, justify="right")
    for name, value in seconds.items():
        table.add_row(name, f"{value * 1e3:.3f}", f"{value / total:.1%}")
    table.add_row("total", f"{total * 1e3:.3f}", "", style="bold")
    return table


def _shares(rates: Mapping[str, float]) -> list[str]:
    """Tell utilisation, and what is lost to waiting and padding where that is 1% or more."""
    names = {"mfu": "MFU", "data_stall_share": "waiting for data", "padding_share": "padding"}
    return [
        f"{rates[key]:.0%} {name}"
        for key, name in names.items()
        if key in rates and (key == "mfu" or rates[key] >= _WORTH_TELLING)
    ]


def result_table(record: Mapping[str, Any]) -> Table:
    """Return a finished run's test results beside its target and its references."""
    table = Table()
    for name in ("", "metric", "value", "note"):
        table.add_column(name, justify="right" if name == "value" else "left", overflow="fold")
    for name, value in record["metrics"].items():
        split, _, metric = name.partition("/")
        if split == "test":
            style = "bold" if metric == record["primary"] else None
            table.add_row("this run, test", metric, f"{value:.4f}", _best_note(record), style=style)
    target = record["target"]
    if target:
        threshold = f"{target['threshold']:g}"
        table.add_row("target, validation", target["metric"], threshold, _reached_note(record))
    for reference in record["references"]:
        name, metric = escape(reference["name"]), reference["metric"]
        note = escape(_reference_note(reference))
        table.add_row(name, metric, f"{reference['value']:.4f}", note, style="dim")
    return table


def standing_lines(record: Mapping[str, Any]) -> list[str]:
    """Tell how sure the result is, and how it stands to the best published one and to people."""
    lines = []
    items = record["data_card"].get("sizes", {}).get("test")
    over = f"{items:,} test items" if items else "test items"
    for standing in record["standings"]:
        line = f"{standing['metric']} {standing['value']:.4f}"
        if standing["interval"]:
            low, high, method = standing["interval"]
            line += f", 95% interval {low:.4f} to {high:.4f} over {over} of this one run ({method})"
        compared = [
            _compared(standing[key], name)
            for key, name in (("published", "best published"), ("people", "people"))
            if standing[key]
        ]
        best = standing["published"] and label_of(standing["published"])
        also = [label for label in standing["reproduces"] if label != best]
        compared += [f"reproduces {'; '.join(also)}"] if also else []
        if not compared and standing is record["standings"][0]:
            compared.append("no published or human result is known of it")
        if compared or standing["interval"]:
            lines += [line, *(["; ".join(compared)] if compared else [])]
    return lines


def _compared(other: Mapping[str, Any], kind: str) -> str:
    verdict = f", {other['verdict']}" if other["verdict"] else ""
    return f"{kind} {other['value']:.4f} ({label_of(other)}): gap {other['gap']:+.4f}{verdict}"


def _reference_note(reference: Mapping[str, Any]) -> str:
    n = f"n={reference['n']}" if reference.get("n") else ""
    parts = (reference.get("kind"), n, reference.get("uses"), reference["source"])
    return ", ".join(part for part in parts if part)


def _best_note(record: Mapping[str, Any]) -> str:
    best = record["best"]
    return f"weights of step {best['step']:.0f}" if "step" in best else ""


def _reached_note(record: Mapping[str, Any]) -> str:
    reached = record["reached"]
    if not reached:
        return "missed"
    clocks = (("training_seconds", "training"), ("wall_seconds", "wall clock"))
    times = [f"{reached[key]:.1f} s {name}" for key, name in clocks if key in reached]
    return f"reached after {', '.join(times)}" if times else "reached"


def _of(step: int, steps: int | None) -> str:
    return f"{step}" if steps is None else f"{step}/{steps}"


def _terminal() -> Terminal:
    terminal = Terminal()
    return terminal if terminal.is_terminal else Terminal(width=_WIDTH_OF_A_LOG)
