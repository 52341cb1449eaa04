"""Manifests: JSON lines, one recording each, as NVIDIA NeMo reads them.

`audio_filepath` is absolute or relative to the manifest, and lies in the manifest's folder or in
`data.root`. `duration` seconds are read from `offset` on; without them, the whole file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite import DataError, OnError, Split, inside, json_of, lines_of, nearest, unwritable
from tasks.speech_recognition.holding_out import complete, drawn_within
from tasks.speech_recognition.listing import Clip, Listing
from tasks.speech_recognition.loading import Loading, load
from tasks.speech_recognition.recordings import SpeechSet

_FILE = "audio_filepath"
_MOST_SECONDS = 1e9


@dataclass(kw_only=True)
class Manifest:
    """Recordings that manifests list; see `ManifestConfig`."""

    train: str
    validation: str | None
    test: str | None
    root: str | None
    name: str | None
    text_field: str
    group_field: str
    validation_share: float
    test_share: float
    on_error: OnError
    stream: bool | str
    memory_gib: float
    max_seconds: float

    def load(self, cache: Path, *, sample_rate: int, shortest: int) -> SpeechSet:
        """Read all manifests; raise a `DataError` that names file, line or field."""
        given = {
            Split.TRAIN: self.train,
            Split.VALIDATION: self.validation,
            Split.TEST: self.test,
        }
        found = {
            split: self._read(f"data.{split.value}", Path(path).expanduser())
            for split, path in given.items()
            if path is not None
        }
        clips = complete(found, validation=self.validation_share, test=self.test_share)
        listing = Listing(
            clips=clips,
            name=self.name or Path(self.train).stem,
            text_name=self.text_field,
            within_groups=drawn_within(found, clips),
        )
        return load(
            listing,
            Loading(
                sample_rate=sample_rate,
                shortest=shortest,
                on_error=self.on_error,
                stream=self.stream,
                memory_gib=self.memory_gib,
                max_seconds=self.max_seconds,
                cache=cache,
            ),
        )

    def _read(self, key: str, file: Path) -> list[Clip]:
        if not file.is_file():
            raise DataError(f"{key}={file}: is not a file; give a manifest, one JSON line each")
        clips = [
            self._clip(file, number, line)
            for number, line in enumerate(lines_of(file), 1)
            if line.strip()
        ]
        if not clips:
            raise DataError(f"{file}: lists no recording")
        return clips

    def _clip(self, manifest: Path, number: int, line: str) -> Clip:
        """Return what a line lists; where that cannot be told, what is wrong with it."""
        try:
            return self._listed(manifest, json_of(line))
        except DataError as error:
            fault = str(error)
        except ValueError as error:
            fault = f"is not JSON ({error}); write one object a line"
        return Clip(file=manifest, text="", key=f"line {number}", fault=fault)

    def _listed(self, manifest: Path, row: Any) -> Clip:
        if not isinstance(row, dict):
            raise DataError(
                f'is not an object; write {{"{_FILE}": …, "duration": …, "{self.text_field}": …}}'
            )
        for name in (_FILE, self.text_field):
            if name not in row:
                fix = "" if name == _FILE else "; set data.text_field=…"
                raise DataError(f"has no '{name}'{nearest(name, map(str, row))}{fix}")
            if isinstance(row[name], (dict, list, float)) or row[name] is None:
                raise DataError(f"its {name} is {row[name]!r:.60}; write a text")
        if "\0" in str(row[_FILE]) or unwritable(str(row[_FILE])):
            raise DataError(f"its {_FILE} is no name of a file; mend it")
        group = row.get(self.group_field)
        return Clip(
            file=self._file(manifest, str(row[_FILE])),
            text=str(row[self.text_field]),
            group=None if group is None else str(group),
            key=str(row[_FILE]),
            start_seconds=_seconds(row, "offset") or 0.0,
            seconds=_seconds(row, "duration"),
        )

    def _file(self, manifest: Path, name: str) -> Path:
        """Return a recording, which must lie where the user has said that recordings are."""
        fix = "set data.root=… to the folder that its recordings lie in"
        if self.root is None:
            return inside(manifest.parent, name, _FILE, fix)
        root = Path(self.root).expanduser().absolute()
        return inside(root, str(manifest.parent.absolute() / name), _FILE, fix)


def _seconds(row: dict[str, Any], name: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DataError(f"{name}={value!r:.60} is not a number of seconds; mend it")
    if not 0 <= value <= _MOST_SECONDS or (name == "duration" and value == 0):
        raise DataError(f"{name}={value!r:.60} must be above 0, in seconds; mend it")
    return float(value)
