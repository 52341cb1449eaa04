"""Sends to the tracker what runs of other processes have left unsent.

Called by `triathlon sync`; sending twice gives the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suite.errors import DataError
from suite.tracking import store, sweep_run
from suite.tracking.journal import broken_lines, read_journal
from suite.tracking.shipment import Shipment
from suite.tracking.state import State

_PATIENCE_SECONDS = 10.0
"""How long to wait for another process that is sending the same run."""


@dataclass
class Summary:
    """What `sync` did, by run id. broken: how many lines of its journal hold no event."""

    sent: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [f"sent {len(self.sent)}, already there {len(self.already)}"]
        if self.failed:
            lines[0] += f", failed {len(self.failed)}"
        lines += [f"  {run}: {error}" for run, error in self.failed.items()]
        lines += [
            f"  {run}: lines of its journal that are no events, and were left out: {count}"
            for run, count in self.broken.items()
        ]
        return "\n".join(lines)


class Away(Exception):
    """A tracker that does not answer; what it says is why."""


class Trackers:
    """Sends to trackers, and asks one that is away only once, however many runs it lacks."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self._away: dict[str, str] = {}

    def send(self, shipment: Shipment) -> None:
        """Send a run; raise `Away`, or whatever is wrong with this run alone."""
        self.check(shipment.uri)
        try:
            shipment.send(_PATIENCE_SECONDS)
        except (DataError, TimeoutError):
            raise
        except Exception as error:
            # A database that is locked, full or read-only can still be read.
            unable = getattr(error, "error_code", None) == "TEMPORARILY_UNAVAILABLE"
            if unable or store.problem(self.results, shipment.uri):
                self._away[shipment.uri] = store.first_line(error)
            raise

    def check(self, uri: str) -> None:
        """Raise `Away` where the tracker was found to be."""
        if uri in self._away:
            raise Away(self._away[uri])


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
    trackers = Trackers(results)
    for folder in folders:
        try:
            if _begun(folder):
                _sync(folder, uri, trackers, summary)
        except Exception as error:  # one run's trouble must not stop the others
            # A folder that was deleted meanwhile is nobody's trouble.
            if (folder / "journal.jsonl").exists():
                summary.failed[folder.name] = store.first_line(error)
    if uri is None and not runs:
        _report_sweeps(trackers, summary)
    return summary


def _begun(folder: Path) -> bool:
    """Return whether anything is there to be sent: a run's first event may be still to come."""
    journal = folder / "journal.jsonl"
    if not journal.exists():
        return False
    return next(read_journal(journal), None) is not None or broken_lines(journal) > 0


def _sync(folder: Path, uri: str | None, trackers: Trackers, summary: Summary) -> None:
    try:
        state = State.read(folder)
    except DataError:
        if uri is None:
            raise
        state = None
    target = store.uri_of(trackers.results, uri or (state.uri if state else None))
    shipment = Shipment(folder, trackers.results, target, state.experiment if state else None)
    if shipment.complete():
        summary.already.append(folder.name)
        return
    trackers.send(shipment)
    summary.sent.append(folder.name)
    broken = broken_lines(shipment.journal)
    if broken:
        summary.broken[folder.name] = broken


def _report_sweeps(trackers: Trackers, summary: Summary) -> None:
    """Send the summaries of sweeps that ended while the tracker was away."""
    results = trackers.results
    for path in sorted(results.glob("sweeps/*/sweep.json")):
        try:
            known = sweep_run.Sweep.read(path.parent)
            if known.ended and not known.reported and known.uri is not None:
                from suite.sweeps.tracker import withdraw
                from suite.tracking.parent import send_summary
                from suite.tracking.sweep import failures_of, records_of  # imports hydra

                trackers.check(known.uri)
                withdraw(results, known)
                records = records_of(results, known)
                send_summary(results, known, records, failures_of(path.parent, records))
                summary.sent.append(f"sweep {known.id}")
        except Exception as error:  # as above
            summary.failed[f"sweep {path.parent.name}"] = store.first_line(error)
