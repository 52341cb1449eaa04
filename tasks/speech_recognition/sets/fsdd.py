"""Free Spoken Digit Dataset (Jakobovski et al.): the ten digits, six speakers, 8 kHz.

Each speaker says each digit 50 times; the README makes recordings 0 to 4 of them the test, so
that its speakers are known ones. `leave_out` makes a test of one unknown speaker instead.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from suite import ConfigError, DataError, Split, hold_out, nearest
from tasks.speech_recognition.audiofolder import split_folders, train_and_test
from tasks.speech_recognition.listing import Clip, Listing
from tasks.speech_recognition.sets.published import PublishedSet

_NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<index>\d+)")
_TEST_INDICES = 5


@dataclass(kw_only=True)
class FSDD(PublishedSet):
    """Spoken digits; see `FSDDConfig`."""

    name: ClassVar[str] = "fsdd"
    home: ClassVar[str] = "fsdd"

    leave_out: str | None
    validation: float

    def listing(self, root: Path) -> Listing:
        clips = self._clips(root)
        name = self.name
        notes = "official split: recordings 0 to 4 of each speaker and digit are the test"
        if self.leave_out is not None:
            clips = self._without(self.leave_out, clips, root)
            # Another test is another benchmark: results are not to stand in one table.
            name = f"{self.name} without {self.leave_out}"
            notes = (
                f"test: all recordings of {self.leave_out}, who is not in training; "
                "validation: other recordings of those who are"
            )
        kept, held = _of_each(clips[Split.TRAIN], self.validation)
        return Listing(
            clips={Split.TRAIN: kept, Split.VALIDATION: held, Split.TEST: clips[Split.TEST]},
            name=name,
            version="1.0.10" if sum(map(len, clips.values())) == 3000 else "as found",
            licence="CC BY-SA 4.0",
            source="github.com/Jakobovski/free-spoken-digit-dataset",
            notes=notes,
            text_name="label",
            published_test=self.leave_out is None,
            within_groups=(Split.VALIDATION, *([Split.TEST] if self.leave_out is None else ())),
        )

    def _clips(self, root: Path) -> dict[Split, list[Clip]]:
        """Read the repository's form, or that of an audiofolder."""
        for folder in (root / "recordings", *sorted(root.glob("*/recordings"))):
            if folder.is_dir():
                return _recordings(folder)
        if not (root / "train" / "metadata.csv").is_file():
            raise self.missing(root, "recordings/ nor train/metadata.csv", can_download=False)
        return {
            split: sorted((_keyed(clip) for clip in clips), key=lambda clip: clip.key)
            for split, clips in train_and_test(split_folders(root), "label").items()
        }

    def _without(
        self, speaker: str, clips: dict[Split, list[Clip]], root: Path
    ) -> dict[Split, list[Clip]]:
        everything = sorted((c for part in clips.values() for c in part), key=lambda clip: clip.key)
        speakers = sorted({str(clip.group) for clip in everything})
        if speaker not in speakers:
            raise ConfigError(
                f"data.leave_out={speaker}: no such speaker in {root}{nearest(speaker, speakers)}; "
                f"there are {', '.join(speakers)}"
            )
        if len(speakers) == 1:
            raise ConfigError(
                f"data.leave_out={speaker}: nobody else is left in {root} to train on"
            )
        return {
            Split.TRAIN: [clip for clip in everything if clip.group != speaker],
            Split.TEST: [clip for clip in everything if clip.group == speaker],
        }


def _recordings(folder: Path) -> dict[Split, list[Clip]]:
    clips: dict[Split, list[Clip]] = {Split.TRAIN: [], Split.TEST: []}
    for file in sorted(folder.glob("*.wav")):
        parts = _NAME.fullmatch(file.stem)
        if parts is None:
            raise DataError(f"{file}: is not named <digit>_<speaker>_<index>.wav; take it away")
        split = Split.TEST if int(parts["index"]) < _TEST_INDICES else Split.TRAIN
        clips[split].append(
            Clip(file=file, text=parts["digit"], group=parts["speaker"], key=file.stem)
        )
    if not all(clips.values()):
        raise DataError(f"{folder}: has too few recordings <digit>_<speaker>_<index>.wav to split")
    return clips


def _keyed(clip: Clip) -> Clip:
    if clip.fault:
        return clip
    if not clip.group:
        return replace(clip, key=clip.file.name, fault="has no speaker; give one in metadata.csv")
    return replace(clip, key=clip.file.stem)


def _of_each(clips: Sequence[Clip], share: float) -> tuple[list[Clip], list[Clip]]:
    """Hold out a share of each speaker's recordings of each digit."""
    sound = [clip for clip in clips if not clip.fault]
    strata = [(clip.group, clip.text) for clip in sound]
    kept, held = hold_out([clip.key for clip in sound], share, strata=strata)
    faulty = [clip for clip in clips if clip.fault]
    return [*(sound[i] for i in kept), *faulty], [sound[i] for i in held]
