"""The journal: what happened in a run, one JSON object to a line, appended and never changed.

It is the truth; trackers are fed from it. Events:

    {"event": "start", "time": …, "record": {…}}                 the record as known at the start
    {"event": "metrics", "time": …, "step": 10, "values": {…}}   names grouped by a prefix, "train/"
    {"event": "artifact", "time": …, "path": "figures/x.png"}    a file in the run's folder
    {"event": "interrupt", "time": …, "record": {…}}             a signal has stopped it for now
    {"event": "resume", "time": …, "step": 10, …}                it goes on from this step
    {"event": "end", "time": …, "record": {…}}                   the finished (or failed) record

`time` is in seconds since 1970.

A run that goes on from a checkpoint makes some steps once more. What it tells of them is here
already, so it is compared, not written again: every step is told of once, however often a run was
killed, and so is every row that a tracker gets.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from suite.errors import TrainingError
from suite.record import INTERRUPTED, RunRecord
from suite.tracking.told import Told, difference

_MARKS = ("start", "interrupt", "resume", "end")
"""Events that say whether a run goes on."""
Event = dict[str, Any]
Observer = Callable[[Event], None]


class GivenUp(Exception):
    """Raised by an observer to end a run early; the run is then recorded as pruned, not failed."""


class Journal:
    """Appends to `journal.jsonl` in the run's folder, then tells the observers (the console).

    position: bytes behind which a run that is resumed tells things once more; None begins.
    """

    def __init__(
        self, folder: Path, observers: tuple[Observer, ...] = (), position: int | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / "journal.jsonl"
        self.observers = observers
        self.started = False
        self.differing = ""
        """What was told otherwise the second time, the first of it, in words."""
        self._told = Told()
        self._validations = 0
        _cut_half_line(self.path)
        if position is not None and self.path.exists():
            self.started = _begins(self.path)
            self._told = Told.of(self.path, position)
            self._validations = _validations(self.path, position)
        # Unbuffered: every event is with the operating system when the call returns, and none waits
        # in a buffer to be written after one that could not be.
        self._file = self.path.open("ab", buffering=0)

    def start(self, record: RunRecord) -> None:
        """Write the first event."""
        self.started = True
        self._append({"event": "start", "record": record.plain()})

    def resume(self, step: int, record: RunRecord) -> None:
        """Note that the run goes on from this step, and what whoever watches must know by then."""
        told = {"primary": record.primary, "validations": self._validations}
        self._append({"event": "resume", "step": step, **told})

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write values by name, e.g. {"train/loss": 0.3}."""
        event = {"event": "metrics", "step": step, "values": dict(values)}
        before = self._told.take(step, values)
        if before is None:
            self._append(event)
            return
        self.differing = self.differing or difference(step, before, values)
        self._observe({"time": time.time(), **event})

    def artifact(self, path: Path) -> None:
        """Name a file in the run's folder that belongs to the run."""
        name = path.relative_to(self.folder).as_posix()
        if name not in self._told.artifacts:
            self._append({"event": "artifact", "path": name})

    def interrupt(self, record: RunRecord) -> None:
        """Note that a signal has stopped the run, write the record beside it, and close."""
        self._append({"event": "interrupt", "record": record.plain()})
        record.write(self.folder)
        self.close()

    def end(self, record: RunRecord) -> None:
        """Write the last event, the record beside it, and close."""
        # In this order: whoever is killed in between leaves a journal that `ended` reads.
        self._append({"event": "end", "record": record.plain()})
        record.write(self.folder)
        self.close()

    def position(self) -> int:
        """Have the disk know all events; return how many bytes of them a run need not tell again.

        Amid steps that are made once more, that is what lies before the next of them.
        """
        os.fsync(self._file.fileno())
        first = self._told.first()
        return self.path.stat().st_size if first is None else first

    def close(self) -> None:
        """Close the file; for a run that cannot even write its end. May be called twice."""
        self._file.close()

    def _append(self, event: Event) -> None:
        event = {"time": time.time(), **event}
        try:
            self._write((json.dumps(event) + "\n").encode())
        except OSError as error:
            raise TrainingError(f"{self.path}: cannot be written ({error.strerror})") from error
        self._observe(event)

    def _observe(self, event: Event) -> None:
        for observer in self.observers:
            observer(event)

    def _write(self, line: bytes) -> None:
        """Write the whole line or nothing of it: a disk that fills up takes the first part."""
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:])
        except OSError:
            self._file.truncate(self.path.stat().st_size - written)
            raise


class NoJournal(Journal):
    """What a process has that only helps: another one tells of the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "journal.jsonl"
        self.observers = ()
        self.started = True
        self.differing = ""
        self._told = Told()
        self._validations = 0

    def interrupt(self, record: RunRecord) -> None:
        """Write nothing."""

    def end(self, record: RunRecord) -> None:
        """Write nothing."""

    def position(self) -> int:
        """Return 0."""
        return 0

    def close(self) -> None:
        """Close nothing."""

    def _append(self, event: Event) -> None:
        """Write nothing."""


def read_journal(path: Path, offset: int = 0) -> Iterator[tuple[Event, int]]:
    """Yield each whole event from byte `offset` on, with the offset behind it.

    A line that holds none is left out; `broken_lines` counts these.
    """
    for line, behind in _lines(path, offset):
        event = _event_of(line)
        if event is not None:
            yield event, behind


def broken_lines(path: Path) -> int:
    """Return how many whole lines are no events: a power failure may leave such."""
    return sum(_event_of(line) is None for line, _ in _lines(path, 0))


def _lines(path: Path, offset: int) -> Iterator[tuple[bytes, int]]:
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            # Half a line is still being written, or its process was killed.
            if not line.endswith(b"\n"):
                return
            offset += len(line)
            yield line, offset


def _event_of(line: bytes) -> Event | None:
    try:
        # File systems put zeros where a power failure came before the data.
        event = json.loads(line.strip(b"\0"))
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _validations(path: Path, position: int) -> int:
    """Return how often the validation split was looked at within the first bytes."""
    return sum(
        "validation/loss" in event.get("values", ())
        for event, behind in read_journal(path)
        if behind <= position
    )


def _cut_half_line(path: Path) -> None:
    """Take away what a killed process left of a line, which would spoil the next one."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        whole = max((behind for _, behind in _lines(path, 0)), default=0)
        file.truncate(whole)


def ended(folder: Path) -> RunRecord | None:
    """Return the record of a run that has ended, None of one that is still to go on.

    Writes `record.json` where the process was killed between the journal's end and that.
    """
    path = folder / "record.json"
    if path.exists():
        record = RunRecord.read(path)
        return None if record.status == INTERRUPTED else record
    last: Event | None = None
    try:
        for event, _ in read_journal(folder / "journal.jsonl"):
            if event["event"] in _MARKS:
                last = event
    except FileNotFoundError:
        return None
    if last is None or last["event"] != "end":
        return None
    record = RunRecord.of(last["record"])
    record.write(folder)
    return record


def _begins(path: Path) -> bool:
    return next((event["event"] for event, _ in read_journal(path)), "") == "start"
