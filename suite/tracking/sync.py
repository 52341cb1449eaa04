"""Sends to the tracker what runs of other processes have left unsent.

Called by `triathlon sync`; sending twice gives the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suite.errors import DataError
from suite.tracking import store, sweep_run
from suite.tracking.shipment import Shipment, State


@dataclass
class Summary:
    """What `sync` did, by run id."""

    sent: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"sent {len(self.sent)}, already there {len(self.already)}"]
        if self.failed:
            lines[0] += f", failed {len(self.failed)}"
        return "\n".join(lines + [f"  {run}: {error}" for run, error in self.failed.items()])


def sync(results: Path, uri: str | None = None, runs: Sequence[str] = ()) -> Summary:
    """Send what the tracker lacks of the named runs, or of all.

    uri: another tracker than the one each run remembers; then all of it is sent there.
    Raises `DataError` for a run that is not in the results folder.
    """
    folders = [results / "runs" / run for run in runs] or sorted(results.glob("runs/*"))
    for folder in folders:
        if runs and not (folder / "journal.jsonl").exists():
            raise DataError(f"{folder}: no such run; {results / 'runs'} has the runs")
    summary = Summary()
    unreachable: dict[str, str] = {}
    for folder in folders:
        if not (folder / "journal.jsonl").exists():
            continue
        target = uri
        try:
            state = State.read(folder)
            target = store.uri_of(results, uri or (state.uri if state else None))
            if target in unreachable:
                summary.failed[folder.name] = unreachable[target]
                continue
            shipment = Shipment(folder, results, target, state.experiment if state else None)
            if shipment.complete():
                summary.already.append(folder.name)
                continue
            shipment.send()
        except Exception as error:  # one run's trouble must not stop the others
            summary.failed[folder.name] = store.first_line(error)
            if target is not None and not isinstance(error, DataError) and store.is_server(target):
                unreachable[target] = summary.failed[folder.name]
        else:
            summary.sent.append(folder.name)
    if uri is None and not runs:
        _report_sweeps(results, summary)
    return summary


def _report_sweeps(results: Path, summary: Summary) -> None:
    """Send the summaries of sweeps that ended while the tracker was away."""
    for path in sorted(results.glob("sweeps/*/sweep.json")):
        try:
            known = sweep_run.Sweep.read(path.parent)
            if known.ended and not known.reported and known.uri is not None:
                from suite.sweeps.tracker import withdraw
                from suite.tracking.parent import send_summary
                from suite.tracking.sweep import failures_of, records_of  # imports hydra

                withdraw(results, known)
                records = records_of(results, known)
                send_summary(results, known, records, failures_of(path.parent, records))
                summary.sent.append(f"sweep {known.id}")
        except Exception as error:  # as above
            summary.failed[f"sweep {path.parent.name}"] = store.first_line(error)
