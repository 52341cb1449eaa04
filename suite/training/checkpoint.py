"""Checkpoints of a run's whole state, in formats that load without running anything.

    checkpoints/00000120/model.safetensors   weights and buffers
                         state.pt            all else (`torch.load` with weights_only=True)
                         best.safetensors    the best weights by then, the run's own file (a link)
                         manifest.json       sizes and SHA-256 of these

A folder gets its name when all of it is on the disk, and older ones go when it has been read back.
So whenever the process is killed, the newest one whose manifest holds is good.
"""

import hashlib
import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from threading import Thread
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from suite.config import CheckpointConfig
from suite.data.cache import sync_folder
from suite.errors import DataError
from suite.training.weights import read_weights
from suite.training.writing import unwritten

KEPT = 2
"""Checkpoints of a run: the last, and the one before it in case that is damaged later."""
_LARGE = 64 * 2**20
"""Bytes from which a checkpoint is written while training goes on."""
_WEIGHTS, _STATE, _BEST, _MANIFEST = (
    "model.safetensors", "state.pt", "best.safetensors", "manifest.json",
)  # fmt: skip
_PARTIAL = "partial"
State = dict[str, Any]
"""Tensors, numbers, strings, lists, tuples and dicts."""


@dataclass(frozen=True)
class Saved:
    """A checkpoint read back, on the host. best: file of the best weights by then."""

    step: int
    weights: Mapping[str, Tensor]
    state: State
    folder: Path

    @property
    def best(self) -> Path:
        """File of the best weights by then; it is missing where there were none."""
        return self.folder / _BEST


class Checkpoints:
    """Writes checkpoints into a run's folder, when they are due, and finds the last good one."""

    def __init__(self, run: Path, config: CheckpointConfig) -> None:
        self.folder = run / "checkpoints"
        self._best = run / _BEST
        self._every_steps = config.every_steps
        seconds = config.every_minutes
        self._every_seconds = float("inf") if seconds is None else 60 * seconds
        self._written = time.monotonic()
        self._thread: Thread | None = None
        self._error: BaseException | None = None

    def due(self, step: int) -> bool:
        """Return whether one is to be written after this step. It is asked at every step."""
        if self._every_steps is not None and step % self._every_steps == 0:
            return True
        if time.monotonic() - self._written < self._every_seconds:
            return False
        return self._thread is None or not self._thread.is_alive()

    @property
    def seconds_at_risk(self) -> float:
        """How long ago the last one was written, or this process began to train."""
        return time.monotonic() - self._written

    def noted(self) -> None:
        """Take notice that another process writes one."""
        self._written = time.monotonic()

    def save(self, step: int, weights: Mapping[str, Tensor], state: State) -> None:
        """Write a checkpoint; a large one while training goes on.

        Raises `TrainingError` where it, or the one before, cannot be written.
        """
        self.settle()
        self._written = time.monotonic()
        # What is written must not change meanwhile, and the device's memory is for training.
        kept, rest = _copied(dict(weights)), _copied(state)
        partial = self.folder / f".{_PARTIAL}-{step:08}"
        shutil.rmtree(partial, ignore_errors=True)
        with unwritten(self.folder.parent):
            partial.mkdir(parents=True)
            # Now: the run may find better weights before this is written.
            _link(self._best, partial / _BEST)
        if _bytes(kept) + _bytes(rest) < _LARGE:
            self._write(partial, step, kept, rest)
            return
        self._thread = Thread(target=self._try, args=(partial, step, kept, rest), daemon=True)
        self._thread.start()

    def settle(self) -> None:
        """Wait until nothing is being written; raise where that failed."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        error, self._error = self._error, None
        if error is not None:
            raise error

    def latest(self) -> Saved | None:
        """Return the last good checkpoint; None without one. Damaged ones are named and left out.

        Raises `DataError` where there are some and none is good.
        """
        self.settle()
        for partial in self.folder.glob(f".{_PARTIAL}-*"):
            shutil.rmtree(partial, ignore_errors=True)
        broken: DataError | None = None
        for folder in reversed(self._all()):
            try:
                return _read(folder)
            except DataError as error:
                print(f"triathlon: {error}; the one before it is taken", file=sys.stderr)
                broken = error
        if broken is not None:
            raise broken
        return None

    def before(self, step: int) -> Saved | None:
        """Return the last good one of an earlier step with finite weights; None without one.

        Leaves all as it is: another process may be at the run.
        """
        for folder in reversed(self._all()):
            if int(folder.name) < step:
                with suppress(DataError):
                    saved = _read(folder)
                    if all(bool(weight.isfinite().all()) for weight in saved.weights.values()):
                        return saved
        return None

    def _try(self, partial: Path, step: int, weights: Mapping[str, Tensor], state: State) -> None:
        try:
            self._write(partial, step, weights, state)
        except BaseException as error:  # raised by `settle`, where training can see it
            self._error = error

    def _write(self, partial: Path, step: int, weights: Mapping[str, Tensor], state: State) -> None:
        folder = self.folder / f"{step:08}"
        try:
            with unwritten(self.folder.parent):
                safetensors.torch.save_file(dict(weights), partial / _WEIGHTS)
                torch.save(state, partial / _STATE)
                _seal(partial)
                if folder.exists():  # a step that is made again
                    shutil.rmtree(folder)
                partial.rename(folder)
                sync_folder(self.folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        _prove(folder)
        for old in self._all()[:-KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def _all(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*") if path.name.isdecimal())


def _seal(folder: Path) -> None:
    """Write the manifest, and have the disk know all that it tells of."""
    manifest = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        manifest[path.name] = {"bytes": path.stat().st_size, "sha256": digest}
    with (folder / _MANIFEST).open("w") as file:
        json.dump(manifest, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def _prove(folder: Path) -> None:
    """Raise a `DataError` unless the folder holds what its manifest says."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_text())
        for name, told in manifest.items():
            # A name alone: a manifest from elsewhere must not have other files read.
            path = folder / Path(name).name
            if path.stat().st_size != told["bytes"]:
                raise DataError(f"{path}: is cut, or was written to")
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != told["sha256"]:
                    raise DataError(f"{path}: differs from what was written")
        if not {_WEIGHTS, _STATE} <= manifest.keys():
            raise DataError(f"{folder}: holds no whole checkpoint")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{folder}: not a checkpoint ({error})") from error


def _read(folder: Path) -> Saved:
    _prove(folder)
    path = folder / _STATE
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that are not ours: the error tells more
            state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, UnpicklingError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: not the state of a run ({reason})") from error
    return Saved(int(folder.name), read_weights(folder / _WEIGHTS), state, folder)


def _link(path: Path, to: Path) -> None:
    if not path.exists():
        return
    try:
        os.link(path, to)
    except OSError:  # a file system without links
        shutil.copyfile(path, to)


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        # A copy on the host with the strides of the original.
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(one) for one in value)
    return value


def _bytes(value: Any) -> int:
    if isinstance(value, Tensor):
        return value.nbytes
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, (list, tuple)) else 0
