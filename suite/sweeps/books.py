"""A sweep's books: what became of each cell, in files that are true whenever a process is killed.

    results/sweeps/<name>/plan.json            the cells (see `suite.sweeps.plan`)
                          cells/<key>.json     an `Entry`: the run that counts, and how it stands
                          locks/<key>.lock     locked by the process that runs the cell
                          superseded/<run>/    folders of runs that were made again

An entry names its run before the run's folder is there, and says how it ended after the run's
record does; in between the lock tells whether anybody is at it, and the journal how it ended.
"""

import enum
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from suite import locks
from suite.data.cache import atomic_path
from suite.errors import DataError
from suite.record import RunRecord
from suite.tracking.journal import ended


class Status(enum.Enum):
    """How a cell stands."""

    pending = "pending"
    running = "running"
    finished = "finished"
    failed = "failed"
    pruned = "pruned"
    killed = "killed"

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do."""
        return self in (Status.finished, Status.pruned)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What became of a cell.

    run: id of the run that counts, None before there is one. superseded: runs it replaces.
    error: why it failed. started: seconds since 1970. seconds: from its start to its end, with all
    that a process needs beside training. place: host and process. device: the accelerators that
    its process may see, as CUDA_VISIBLE_DEVICES has them.
    """

    status: Status = Status.pending
    run: str | None = None
    superseded: tuple[str, ...] = ()
    error: str | None = None
    started: float = 0.0
    seconds: float = 0.0
    place: str = ""
    device: str = ""
    overrides: tuple[str, ...] = field(default_factory=tuple)


class Books:
    """The books in one sweep's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results = folder.parent.parent

    def entry(self, key: str) -> Entry:
        """Return how a cell stands. One that nobody is at, and that did not end, was killed."""
        entry = self._read(key)
        if entry.status is not Status.running or locks.held(self._lock(key)):
            return entry
        entry = self._read(key)  # it may have ended between the two looks
        if entry.status is not Status.running:
            return entry
        record = ended(self.results / "runs" / str(entry.run))
        if record is None:
            return replace(entry, status=Status.killed, error="its process was killed")
        return self._closed(entry, record)

    def alive(self, key: str) -> bool:
        """Return whether a living process is at the cell."""
        return locks.held(self._lock(key))

    @contextmanager
    def claim(self, key: str) -> Iterator["Claim"]:
        """Have the cell for this process alone; wait while another has it."""
        lock = self._lock(key)
        locks.wait(lock)
        try:
            # Nobody else is at it now, so a run that did not end was killed.
            entry = self._read(key)
            if entry.status is Status.running:
                record = ended(self.results / "runs" / str(entry.run))
                entry = (
                    replace(entry, status=Status.killed)
                    if record is None
                    else self._closed(entry, record)
                )
                self.write(key, entry)
            yield Claim(self, key, entry)
        finally:
            locks.release(lock)

    def set_aside(self, keys: Iterable[str]) -> None:
        """Put the runs of these cells that failed aside, as they are made again."""
        for key in keys:
            if self.entry(key).status is Status.failed:
                with self.claim(key) as claim:
                    if claim.entry.status is Status.failed:
                        claim.set_aside()

    def adopt(self, key: str, record: RunRecord) -> None:
        """Enter a finished run that the books do not know."""
        self.write(key, self._closed(Entry(run=record.run_id), record))

    def supersede(self, run: str) -> None:
        """Take the folder of a run that is made again out of the runs: nothing counts it there."""
        from suite.tracking.store import file_lock

        folder = self.results / "runs" / run
        if not folder.exists():
            return
        to = self.folder / "superseded" / run
        to.parent.mkdir(parents=True, exist_ok=True)
        # The process that feeds MLflow may outlive the one that was killed.
        with file_lock(folder / ".tracking.lock"):
            folder.rename(to)

    def _closed(self, entry: Entry, record: RunRecord) -> Entry:
        status = Status(record.status)
        seconds = entry.seconds or record.wall_seconds
        return replace(entry, status=status, error=record.error, seconds=seconds)

    def _lock(self, key: str) -> Path:
        return self.folder / "locks" / f"{key}.lock"

    def _path(self, key: str) -> Path:
        return self.folder / "cells" / f"{key}.json"

    def _read(self, key: str) -> Entry:
        path = self._path(key)
        try:
            plain = json.loads(path.read_text())
            plain |= {"status": Status(plain["status"]), "superseded": tuple(plain["superseded"])}
            return Entry(**{**plain, "overrides": tuple(plain["overrides"])})
        except FileNotFoundError:
            return Entry()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}: not a sweep's cell ({error}); delete it") from error

    def write(self, key: str, entry: Entry) -> None:
        """Write an entry, whole or not at all."""
        with atomic_path(self._path(key)) as path:
            path.write_text(json.dumps({**asdict(entry), "status": entry.status.value}) + "\n")


class Claim:
    """A cell that this process has for itself. entry: how it stood when it was claimed."""

    def __init__(self, books: Books, key: str, entry: Entry) -> None:
        self.entry = entry
        self._books = books
        self._key = key

    def set_aside(self) -> None:
        """Have the cell's run count no more."""
        if self.entry.run is not None:
            self._books.supersede(self.entry.run)
            self._note(Entry(superseded=(*self.entry.superseded, self.entry.run)))

    def begin(self, run: str, overrides: tuple[str, ...] = ()) -> None:
        """Note the run that is about to start, or to go on; an earlier one counts no more."""
        if self.entry.run != run:
            self.set_aside()
        self._note(
            Entry(
                status=Status.running,
                run=run,
                superseded=self.entry.superseded,
                started=time.time(),
                place=f"{socket.gethostname()}, process {os.getpid()}",
                device=os.environ.get("CUDA_VISIBLE_DEVICES", ""),
                overrides=overrides,
            )
        )

    def end(self, record: RunRecord) -> None:
        """Note how the run ended."""
        self._note(
            replace(
                self.entry,
                status=Status(record.status),
                error=record.error,
                seconds=time.time() - self.entry.started,
            )
        )

    def fail(self, error: str) -> None:
        """Note why the run failed."""
        seconds = time.time() - self.entry.started if self.entry.started else 0.0
        self._note(replace(self.entry, status=Status.failed, error=error, seconds=seconds))

    def _note(self, entry: Entry) -> None:
        self._books.write(self._key, entry)
        self.entry = entry
