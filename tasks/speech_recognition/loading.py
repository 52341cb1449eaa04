"""From a list of recordings on disk to a data set in memory, or one that is read as it is needed.

Legend: S samples.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from suite import DataCard, DataError, OnError, Ragged, Sieve, Split, unwritable
from tasks.speech_recognition.checking import unreadable
from tasks.speech_recognition.listing import Clip, Listing
from tasks.speech_recognition.reading import Stretch, at_rate, kept_digest, measure, read_whole
from tasks.speech_recognition.recordings import Recordings, SpeechSet
from tasks.speech_recognition.waves import InMemory, OnDisk, Waves

_GIB = 2**30
_BYTES = 2
"""Bytes of a sample."""


@dataclass(frozen=True, kw_only=True)
class Loading:
    """How the recordings of a listing are to be held; see the fields of the data's configuration.

    shortest: samples that a recording must have at `sample_rate`.
    cache: where what is found by reading all recordings is kept.
    """

    sample_rate: int
    shortest: int
    on_error: OnError
    stream: bool | str
    memory_gib: float
    max_seconds: float
    cache: Path


def load(listing: Listing, loading: Loading) -> SpeechSet:
    """Measure all recordings by their headers, then read them or leave that for later.

    Raises a `DataError` that names the file, unless `on_error` is skip.
    """
    loader = _Loader(listing.text_name, loading, Sieve(loading.on_error))
    found = {split: loader.measured(split, listing.clips[split]) for split in Split}
    lengths = (s.length(loading.sample_rate) for part in found.values() for _, s in part)
    fits = sum(lengths) * _BYTES <= loading.memory_gib * _GIB
    streams = not fits if loading.stream == "auto" else bool(loading.stream)
    fingerprint = hashlib.sha256()
    splits: dict[Split, Recordings] = {}
    for split, part in found.items():
        held = loader.streamed(split, part) if streams else loader.in_memory(split, part)
        if not held.recordings:
            raise DataError(f"{listing.name}: no recording is left for {split.value}")
        splits[split] = held.recordings
        fingerprint.update(f"{split.value}\0".encode() + held.content)
    card = DataCard(
        name=listing.name,
        version=listing.version,
        licence=listing.licence,
        source=listing.source,
        fingerprint=fingerprint.hexdigest(),
        sizes={split.value: len(splits[split]) for split in Split},
        skipped=loader.sieve.skipped,
        notes=listing.notes,
        published_test=listing.published_test,
        within_groups=tuple(split.value for split in listing.within_groups),
    )
    return SpeechSet(splits, card)


_Part = Sequence[tuple[Clip, Stretch]]


@dataclass(frozen=True)
class _Held:
    recordings: Recordings
    content: bytes


@dataclass
class _Loader:
    text_name: str
    loading: Loading
    sieve: Sieve

    def measured(self, split: Split, clips: Sequence[Clip]) -> _Part:
        """Return what can be read, going by headers and texts."""
        found = []
        for clip in clips:
            try:
                found.append((clip, self._measure(clip)))
            except DataError as error:
                self._leave_out(split, clip, error)
        return found

    def in_memory(self, split: Split, part: _Part) -> _Held:
        """Read all of it into one tensor; it never needs room for a second copy."""
        rate = self.loading.sample_rate
        samples_sum = sum(s.length(rate) for _, s in part)
        try:
            flat = torch.empty(samples_sum, dtype=torch.int16)
        except RuntimeError as error:
            raise DataError(
                f"data.stream=false: {samples_sum * _BYTES} bytes of recordings do not fit in "
                "memory; set data.stream=auto"
            ) from error
        kept, lengths, content = [], [], hashlib.sha256()
        end = 0
        for clip, stretch in part:
            try:
                samples, sound = read_whole(stretch)
            except DataError as error:
                self._leave_out(split, clip, error)
                continue
            wave_S = at_rate(samples, stretch, rate)
            flat[end : end + len(wave_S)] = wave_S
            end += len(wave_S)
            lengths.append(len(wave_S))
            kept.append(clip)
            content.update(_identity(clip, stretch, sound))
        waves = InMemory(Ragged(flat[:end], torch.tensor(lengths, dtype=torch.int64)))
        return _Held(_recordings(waves, kept), content.digest())

    def streamed(self, split: Split, part: _Part) -> _Held:
        """Leave it on disk; files that do not keep a digest of their sound are read for it once.

        Where bad recordings are to be left out, all are read, as batches follow from what is left.
        """
        kept: list[tuple[Clip, Stretch]] = []
        content = hashlib.sha256()
        skips = self.sieve.skips
        faults = unreadable([s for _, s in part], self.loading.cache) if skips else {}
        for place, (clip, stretch) in enumerate(part):
            try:
                if place in faults:
                    raise DataError(faults[place])
                sound = kept_digest(stretch) or read_whole(stretch)[1]
            except DataError as error:
                self._leave_out(split, clip, error)
                continue
            content.update(_identity(clip, stretch, sound))
            kept.append((clip, stretch))
        waves = OnDisk([s for _, s in kept], self.loading.sample_rate, content.hexdigest())
        return _Held(_recordings(waves, [clip for clip, _ in kept]), content.digest())

    def _measure(self, clip: Clip) -> Stretch:
        if clip.fault:
            raise DataError(clip.fault)
        stretch = measure(
            clip.file,
            start_seconds=clip.start_seconds,
            seconds=clip.seconds,
            rate=clip.rate,
            endian=clip.endian,
            max_seconds=self.loading.max_seconds,
            sample_rate=self.loading.sample_rate,
        )
        length, shortest = stretch.length(self.loading.sample_rate), self.loading.shortest
        if length < shortest:
            raise DataError(
                f"{clip.file}: {length} samples are shorter than one frame ({shortest}); "
                "lower task.window_seconds"
            )
        if unwritable(clip.text):
            raise DataError(f"{clip.file}: its {self.text_name} is not UTF-8; mend the list")
        if not clip.text.strip():
            raise DataError(f"{clip.file}: has no {self.text_name}; give it one, or remove it")
        return stretch

    def _leave_out(self, split: Split, clip: Clip, error: DataError) -> None:
        reason = str(error).removeprefix(f"{clip.file}: ")
        self.sieve.leave_out(split, clip.name, reason, label=clip.text.strip() or None)


def _identity(clip: Clip, stretch: Stretch, sound: bytes) -> bytes:
    """Return what names a recording: the same in wav and flac, in memory and on disk."""
    return f"{clip.text.strip()}\0{stretch.rate}\0{stretch.frames}\0".encode() + sound


def _recordings(waves: Waves, clips: Sequence[Clip]) -> Recordings:
    speakers = [c.group or "" for c in clips]
    return Recordings(waves, [c.text.strip() for c in clips], [c.name for c in clips], speakers)
