"""Speech Commands as twelve classes: ten words, silence and unknown words (Warden 2018, section 7).

Two test sets of the same size are in use. The published one is an archive of its own, with folders
`_silence_` and `_unknown_`. The other is drawn from the main archive, as training and validation
always are, after TensorFlow's examples/speech_commands/input_data.py: silence and unknown words
each as many as a tenth of the ten words' recordings. Here that is no draw:

- unknown words: the first in order of their names' SHA-256, among the other 25 words;
- silence: one-second stretches of `_background_noise_`, evenly spaced, from the first 80% of each
  file in training, the next 10% in validation, the last 10% in test. TensorFlow also scales them
  by a random volume; the stretches here keep their own.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from suite import DataError, Split
from tasks.speech_recognition.data_config import TwelveTest
from tasks.speech_recognition.listing import Clip, Listing
from tasks.speech_recognition.reading import measure
from tasks.speech_recognition.sets.download import SPEECH_COMMANDS, SPEECH_COMMANDS_TEST, fetch
from tasks.speech_recognition.sets.published import PublishedSet
from tasks.speech_recognition.sets.speech_commands import NOISE, main_folder, words

WORDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
SILENCE, UNKNOWN = "_silence_", "_unknown_"
_NOISE_PARTS = {Split.TRAIN: (0.0, 0.8), Split.VALIDATION: (0.8, 0.9), Split.TEST: (0.9, 1.0)}
_SILENCE_SECONDS = 1.0


@dataclass(kw_only=True)
class SpeechCommands12(PublishedSet):
    """Ten words among silence and unknown words; see `SpeechCommands12Config`."""

    name: ClassVar[str] = "speech_commands_12"
    home: ClassVar[str] = "speech_commands"

    test: TwelveTest
    silence: float
    unknown: float

    def listing(self, root: Path) -> Listing:
        spoken = words(self, root)
        main = main_folder(self, root)
        clips = {split: self._made(main, split, spoken[split]) for split in Split}
        published = self._published(root, main)
        drawn = (
            "silence and unknown words of training and validation are drawn from the main archive"
        )
        if published is not None:
            clips[Split.TEST] = published
            notes = f"test: the published archive {SPEECH_COMMANDS_TEST.folder}; {drawn}"
        else:
            notes = f"test: made from testing_list.txt, not the published archive; {drawn}"
        made = "" if published is not None else ", made test"
        return Listing(
            clips=clips,
            name=f"{self.name}{made}",
            version=f"0.02{made or ', published test'}",
            licence="CC BY 4.0",
            source="arXiv:1804.03209",
            notes=notes,
            text_name="label",
            published_test=published is not None,
        )

    def fetch(self, root: Path) -> None:
        fetch(self.name, SPEECH_COMMANDS, root)
        if self.test is not TwelveTest.made:
            fetch(self.name, SPEECH_COMMANDS_TEST, root)

    def _made(self, main: Path, split: Split, spoken: Sequence[Clip]) -> list[Clip]:
        known = [clip for clip in spoken if clip.text in WORDS]
        missing = sorted(set(WORDS) - {clip.text for clip in known})
        if missing:
            raise DataError(f"{main}: has no {split.value} recording of '{missing[0]}'")
        others = sorted(
            (clip for clip in spoken if clip.text not in WORDS),
            key=lambda clip: hashlib.sha256(clip.key.encode(errors="surrogatepass")).digest(),
        )
        unknown = others[: math.ceil(len(known) * self.unknown)]
        return [
            *known,
            *(replace(clip, text=UNKNOWN) for clip in unknown),
            *_silence(main / NOISE, split, math.ceil(len(known) * self.silence)),
        ]

    def _published(self, root: Path, main: Path) -> list[Clip] | None:
        """Return the recordings of the test archive; None where the made one is to be used."""
        if self.test is TwelveTest.made:
            return None
        places = [root / SPEECH_COMMANDS_TEST.folder, main.parent / SPEECH_COMMANDS_TEST.folder]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None:
            if self.test is TwelveTest.published:
                raise self.missing(root, f"{SPEECH_COMMANDS_TEST.folder}/")
            return None
        clips = []
        for label in (*WORDS, UNKNOWN, SILENCE):
            files = sorted((folder / label).glob("*.wav"))
            if not files:
                raise DataError(f"{folder / label}: has no recording; unpack the archive again")
            clips += [Clip(file=file, text=label, key=f"{label}/{file.name}") for file in files]
        return clips


def _silence(folder: Path, split: Split, count: int) -> list[Clip]:
    """Return `count` stretches of background noise, no two of them alike."""
    files = sorted(folder.glob("*.wav"))
    if not files:
        raise DataError(
            f"{folder}: has no recording to take silence from; unpack the archive again"
        )
    clips = []
    for number, file in enumerate(files):
        mine = len(range(number, count, len(files)))
        stretch = measure(file)
        low, high = (share * stretch.frames / stretch.rate for share in _NOISE_PARTS[split])
        room = high - low - _SILENCE_SECONDS
        if room < 0:
            raise DataError(f"{file}: is too short to take {_SILENCE_SECONDS:g} s of silence from")
        clips += [
            Clip(
                file=file,
                text=SILENCE,
                key=f"{NOISE}/{file.name}",
                start_seconds=low + room * (i + 0.5) / mine,
                seconds=_SILENCE_SECONDS,
            )
            for i in range(mine)
        ]
    return clips
