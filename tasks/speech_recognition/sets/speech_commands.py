"""Speech Commands (Warden 2018, arXiv:1804.03209): single words of many speakers, 16 kHz.

The folder has one folder for each word; `validation_list.txt` and `testing_list.txt` (section 7)
name what is not for training, so that nobody's recordings are in two splits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from suite import DataError, Split, lines_of
from tasks.speech_recognition.listing import Clip, Listing
from tasks.speech_recognition.sets.download import SPEECH_COMMANDS, fetch
from tasks.speech_recognition.sets.published import PublishedSet, differs

NOISE = "_background_noise_"
_LISTS = {Split.VALIDATION: "validation_list.txt", Split.TEST: "testing_list.txt"}
_SIZES = {Split.TRAIN: 84_843, Split.VALIDATION: 9_981, Split.TEST: 11_005}
"""Recordings of version 0.02."""


@dataclass(kw_only=True)
class SpeechCommands(PublishedSet):
    """All words of the set, official split; see `SpeechCommandsConfig`."""

    name: ClassVar[str] = "speech_commands"
    home: ClassVar[str] = "speech_commands"

    def listing(self, root: Path) -> Listing:
        clips = words(self, root)
        note = differs(_SIZES, {split: len(part) for split, part in clips.items()})
        return Listing(
            clips=clips,
            name=self.name,
            version="as found" if note else "0.02",
            licence="CC BY 4.0",
            source="arXiv:1804.03209",
            notes="; ".join(filter(None, ("official lists", note))),
            text_name="label",
        )

    def fetch(self, root: Path) -> None:
        fetch(self.name, SPEECH_COMMANDS, root)


def main_folder(source: PublishedSet, root: Path) -> Path:
    """Return the folder of words: this one, or that of the archive, or where torchaudio puts it."""
    archive = SPEECH_COMMANDS.folder
    for folder in (root, root / archive, root / "SpeechCommands" / archive):
        if (folder / _LISTS[Split.TEST]).is_file():
            return folder
    raise source.missing(root, f"{_LISTS[Split.TEST]} (nor {archive}/)")


def words(source: PublishedSet, root: Path) -> Mapping[Split, list[Clip]]:
    """Return all recordings of words by split, in order of their names."""
    folder = main_folder(source, root)
    listed: dict[str, Split] = {}
    for split, name in _LISTS.items():
        file = folder / name
        if not file.is_file():
            raise source.missing(folder, name)
        names = (line.strip() for line in lines_of(file))
        listed.update(dict.fromkeys(filter(None, names), split))
    clips: dict[Split, list[Clip]] = {split: [] for split in Split}
    for word in sorted(path for path in folder.iterdir() if path.is_dir()):
        if word.name.startswith(("_", ".")):
            continue
        for file in sorted(word.glob("*.wav")):
            key = f"{word.name}/{file.name}"
            speaker = file.name.partition("_nohash_")[0]
            clip = Clip(file=file, text=word.name, group=speaker, key=key)
            clips[listed.pop(key, Split.TRAIN)].append(clip)
    if listed:
        key, split = next(iter(listed.items()))
        raise DataError(
            f"{folder / key}: does not exist, but {_LISTS[split]} names it "
            f"(with {len(listed) - 1} others); unpack the archive again"
        )
    return clips
