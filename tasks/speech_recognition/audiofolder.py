"""Recordings by path: wav or flac files with a metadata.csv (the Hugging Face audiofolder form).

The datasets library reads this form only with torchcodec and ffmpeg; soundfile needs neither.
"""

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import soundfile
import torch
from torch import Tensor

from suite import DataCard, DataError, OnError, Split, hold_out, nearest
from tasks.speech_recognition.recordings import Recordings, SpeechSet, resample

_FOLDERS = {
    Split.TRAIN: ("train",),
    Split.VALIDATION: ("validation", "valid", "dev"),
    Split.TEST: ("test",),
}
_FILE_COLUMN = "file_name"


@dataclass(frozen=True)
class _Row:
    file: Path
    text: str
    group: str | None


@dataclass(kw_only=True)
class AudioFolder:
    """A folder of recordings; see `AudioFolderConfig` for the fields."""

    path: str
    name: str | None
    text_column: str
    group_column: str
    validation: float
    test: float
    on_error: OnError

    def load(self, cache: Path, *, sample_rate: int, shortest: int) -> SpeechSet:
        """Read all files; raise a `DataError` that names file, row or column."""
        root = Path(self.path).expanduser()
        rows = self._complete({split: self._rows(at) for split, at in _folders(root).items()})
        skipped: list[str] = []
        splits = {split: self._read(rows[split], sample_rate, shortest, skipped) for split in Split}
        for split, recordings in splits.items():
            if not len(recordings):
                raise DataError(f"data.path={root}: no recording is left for {split.value}")
        card = DataCard(
            name=self.name or root.name,
            version="as found",
            licence="as found",
            source="files",
            fingerprint=_fingerprint(splits),
            sizes={split.value: len(splits[split]) for split in Split},
            skipped=skipped,
        )
        return SpeechSet(splits, card)

    def _rows(self, folder: Path) -> list[_Row]:
        table = folder / "metadata.csv"
        if not table.is_file():
            raise DataError(f"{table}: does not exist; it needs file_name and {self.text_column}")
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            for column in (_FILE_COLUMN, self.text_column):
                if column not in columns:
                    hint = nearest(column, columns)
                    fix = "" if column == _FILE_COLUMN else ": set data.text_column=…"
                    raise DataError(
                        f"{table}: has no column '{column}'{hint}; "
                        f"its columns are {', '.join(columns)}{fix}"
                    )
            rows = [
                # A row with too few cells has None in the rest.
                _Row(
                    folder / (row[_FILE_COLUMN] or ""),
                    row[self.text_column] or "",
                    row.get(self.group_column),
                )
                for row in reader
            ]
        if not rows:
            raise DataError(f"{table}: lists no file")
        return rows

    def _complete(self, rows: dict[Split, list[_Row]]) -> dict[Split, list[_Row]]:
        """Hold out the splits that have no folder.

        Where nobody of the test set is in training, nobody of the validation set is either;
        where the same people are in both, validation has them too and is drawn within labels.
        """
        for split, share in ((Split.TEST, self.test), (Split.VALIDATION, self.validation)):
            if split in rows:
                continue
            train = rows[Split.TRAIN]
            known = {row.group for row in train} & {row.group for row in rows.get(Split.TEST, [])}
            grouped = all(row.group for row in train) and not known - {None}
            if grouped:
                kept, held = hold_out([str(row.group) for row in train], share)
            else:
                names = [row.file.name for row in train]
                kept, held = hold_out(names, share, strata=[row.text for row in train])
                if not held:  # transcripts: each is a stratum of its own, too small to hold out of
                    kept, held = hold_out(names, share)
            rows = {**rows, Split.TRAIN: [train[i] for i in kept], split: [train[i] for i in held]}
        return rows

    def _read(
        self, rows: list[_Row], sample_rate: int, shortest: int, skipped: list[str]
    ) -> Recordings:
        waves, texts, names = [], [], []
        for row in rows:
            try:
                wave_S = read_wave(row.file, sample_rate)
                if len(wave_S) < shortest:
                    raise DataError(
                        f"{row.file}: {len(wave_S)} samples are shorter than one frame "
                        f"({shortest}); lower task.window_seconds"
                    )
                if not row.text.strip():
                    raise DataError(f"{row.file}: has no {self.text_column}")
            except DataError as error:
                if self.on_error is OnError.stop:
                    raise DataError(f"{error}; or set data.on_error=skip") from error
                skipped.append(str(error))
                continue
            waves.append(wave_S)
            texts.append(row.text.strip())
            names.append(str(row.file))
        return Recordings(waves, texts, names)


def read_wave(file: Path, sample_rate: int) -> Tensor:
    """Return the samples of a file, (S,) int16, its channels averaged, at the wanted rate."""
    try:
        with soundfile.SoundFile(file) as opened:
            expected, rate = len(opened), opened.samplerate
            samples = opened.read(dtype="int16", always_2d=True)
    except (OSError, RuntimeError) as error:
        reason = str(error).rpartition(": ")[2] or type(error).__name__
        if "SF_INFO" in reason:
            reason = "its header has a sample rate or a number of channels of zero"
        raise DataError(f"{file}: cannot be read ({reason}); replace the file") from error
    if rate <= 0:
        raise DataError(f"{file}: has a sample rate of {rate}; replace the file")
    if len(samples) < expected or (file.suffix == ".wav" and _wav_is_cut(file)):
        raise DataError(f"{file}: is truncated; replace the file")
    wave = torch.from_numpy(samples)
    mono_S = wave[:, 0] if wave.shape[1] == 1 else wave.float().mean(1).round().to(torch.int16)
    return resample(mono_S.contiguous(), rate, sample_rate)


def _wav_is_cut(file: Path) -> bool:
    """Return whether a RIFF header promises more bytes than there are; soundfile reads on."""
    with file.open("rb") as opened:
        head = opened.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return False
        size = file.stat().st_size
        while len(chunk := opened.read(8)) == 8:
            length = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                # Writers to a pipe leave the length at its largest value: that is no promise.
                return length < 2**32 - 2**16 and opened.tell() + length > size
            opened.seek(length + length % 2, 1)
    return True


def _folders(root: Path) -> dict[Split, Path]:
    if not root.is_dir():
        raise DataError(f"data.path={root}: is not a folder; give one with train/metadata.csv")
    found = {
        split: root / name
        for split, names in _FOLDERS.items()
        for name in names
        if (root / name).is_dir()
    }
    if Split.TRAIN in found:
        return found
    if (root / "metadata.csv").is_file():
        return {Split.TRAIN: root}
    raise DataError(f"data.path={root}: has neither train/metadata.csv nor metadata.csv")


def _fingerprint(splits: Mapping[Split, Recordings]) -> str:
    digest = hashlib.sha256()
    for split, recordings in splits.items():
        for wave_S, text in zip(recordings.waves, recordings.texts, strict=True):
            digest.update(f"{split.value}\0{text}\0{len(wave_S)}\0".encode())
            digest.update(wave_S.numpy().tobytes())
    return digest.hexdigest()
