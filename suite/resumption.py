"""Which run a command goes on with: one of the same configuration that was killed or interrupted.

While a run has not ended, `unfinished.json` in its folder names its configuration, and its process
has that file locked. So a process that died, however it died, leaves a file that nobody has locked.
"""

import hashlib
import importlib.util
import json
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from suite import locks
from suite.config import RunConfig
from suite.data.cache import atomic_path, sweep_up
from suite.errors import ConfigError, DataError, nearest
from suite.plugins import find as find_plugins
from suite.record import RunRecord
from suite.tracking.journal import ended, read_journal

_MARK, _CONFIG = "unfinished.json", "config.yaml"


@dataclass(frozen=True)
class Unfinished:
    """A run to go on with. begun: its record as it was known when it began, if it came so far."""

    folder: Path
    begun: RunRecord | None


class Mark:
    """The mark of this process on a run that it has not finished."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _MARK
        if not locks.take(self._path):
            raise ConfigError(f"{folder.name}: another process is at this run")

    @classmethod
    def of_new(cls, folder: Path, config: RunConfig) -> "Mark":
        """Make the folder of a run that begins, with its configuration in it, and mark it.

        Whenever the process is killed, there is no folder or one to go on with.
        """
        draft = folder.with_name(f".{folder.name}")
        draft.mkdir(parents=True)
        (draft / _CONFIG).write_text(yaml.safe_dump(config.plain(), sort_keys=False))
        (draft / _MARK).write_text(
            json.dumps({"config_hash": config.hash(), "code": code()}) + "\n"
        )
        draft.rename(folder)
        return cls(folder)

    @classmethod
    def again(cls, folder: Path, config: RunConfig) -> "Mark":
        """Mark a run that is gone on with."""
        if locks.held(folder / _MARK):
            raise ConfigError(f"{folder.name}: another process is at this run")
        with atomic_path(folder / _MARK) as path:
            path.write_text(_told(config))
        return cls(folder)

    def clear(self, record: RunRecord) -> None:
        """Take it off a run that has ended: nothing goes on with it."""
        _tidy(self._path.parent, record)
        locks.release(self._path)

    def leave(self) -> None:
        """Leave the run to whoever goes on with it."""
        locks.release(self._path)


def find(results: Path, config: RunConfig) -> Unfinished | None:
    """Return the newest unfinished run of this configuration that nobody is at.

    Those of sweeps are left to the sweeps.
    """
    for path in sorted(results.glob(f"runs/*/{_MARK}"), reverse=True):
        found = of_folder(path.parent, config)
        if found is not None and (found.begun is None or found.begun.sweep is None):
            return found
    return None


def of_folder(folder: Path, config: RunConfig) -> Unfinished | None:
    """Return the run in a folder if it is unfinished, of this configuration, and nobody is at it.

    One made by other code is told of and left alone: its result would be of neither.
    """
    path = folder / _MARK
    if locks.held(path):  # first: to read the file would drop a lock of this process's own
        return None
    told: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        told = json.loads(path.read_text())
    if told.get("config_hash") != config.hash():
        return None
    if told.get("code") != code():
        print(
            f"triathlon: {folder.name} is unfinished, but the code has changed since, so this is a "
            f"new run; `triathlon resume {folder.name}` goes on anyway",
            file=sys.stderr,
        )
        return None
    record = ended(folder)
    if record is not None:  # and then its process was killed
        sweep_up(folder, spare="tracking.json")
        _tidy(folder, record)
        return None
    return Unfinished(folder, begun_of(folder))


def named(results: Path, name: str) -> tuple[RunConfig, Unfinished]:
    """Return the run of this name and its configuration; raise where it cannot be gone on with."""
    folder = folder_of(results, name)
    record = ended(folder)
    if record is not None and record.status != "failed":
        raise DataError(f"{folder.name}: has {record.status}; there is nothing to go on with")
    begun = begun_of(folder)
    return configured(folder, begun), Unfinished(folder, begun)


def folder_of(results: Path, name: str) -> Path:
    """Return the folder of the run of this name; raise where there is none."""
    folder = results / "runs" / Path(name).name
    if not (folder / _CONFIG).is_file():
        known = [path.name for path in results.glob("runs/*")]
        raise DataError(f"{name}: no such run in {results}{nearest(name, known)}")
    return folder


def configured(folder: Path, begun: RunRecord | None) -> RunConfig:
    """Return the configuration of the run in a folder; raise where it is not the one it began with.

    begun: its record from when it began, if it came so far.
    """
    from suite.compose import recompose

    config = recompose(yaml.safe_load((folder / _CONFIG).read_text()))
    config.results = str(folder.parent.parent)
    if begun is not None and begun.config_hash != config.hash():
        raise DataError(
            f"{folder / 'config.yaml'}: its hash was {begun.config_hash}, and is {config.hash()} "
            "now: it was edited, or another version of the suite made it"
        )
    return config


def newest(results: Path) -> str:
    """Return the name of the newest run that was killed or interrupted and that nobody is at."""
    for path in sorted(results.glob(f"runs/*/{_MARK}"), reverse=True):
        if not locks.held(path):
            return path.parent.name
    raise DataError(f"{results / 'runs'}: no run was killed or interrupted; name one that failed")


@cache
def code() -> str:
    """Return 12 hex digits that change with any source file of the suite or of a plugin."""
    digest = hashlib.sha256()
    for package in sorted(
        {"suite", *(plugin.package for plugin in find_plugins().plugins.values())}
    ):
        spec = importlib.util.find_spec(package)
        for root in spec.submodule_search_locations or () if spec is not None else ():
            for path in sorted(Path(root).rglob("*.py")):
                stat = path.stat()
                digest.update(f"{path}{stat.st_size}{stat.st_mtime_ns}".encode())
    return digest.hexdigest()[:12]


def _told(config: RunConfig) -> str:
    return json.dumps({"config_hash": config.hash(), "code": code()}) + "\n"


def _tidy(folder: Path, record: RunRecord) -> None:
    """Delete what a run that has ended was to be gone on from."""
    if record.status != "failed":  # that can be resumed by its name
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    (folder / _MARK).unlink(missing_ok=True)


def begun_of(folder: Path) -> RunRecord | None:
    """Return the record of the last start, resumption or interruption."""
    found = None
    with suppress(FileNotFoundError):
        for event, _ in read_journal(folder / "journal.jsonl"):
            if "record" in event:
                found = RunRecord.of(event["record"])
    return found
