"""LibriSpeech (Panayotov et al. 2015) and Mini LibriSpeech (openslr.org/31): read books, 16 kHz."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from suite import DataError, Split, lines_of
from tasks.speech_recognition.holding_out import by_group
from tasks.speech_recognition.listing import Clip, Listing, placed
from tasks.speech_recognition.sets.download import LIBRISPEECH, fetch
from tasks.speech_recognition.sets.published import PublishedSet

_FOLDER = "LibriSpeech"


@dataclass(kw_only=True)
class LibriSpeech(PublishedSet):
    """Books read aloud; see `LibriSpeechConfig`."""

    name: ClassVar[str] = "librispeech"
    home: ClassVar[str] = "librispeech"

    train: list[str]
    validation: str
    test: str

    def listing(self, root: Path) -> Listing:
        subsets = (*self.train, self.validation, self.test)
        folders = _folders(self, root, subsets)
        return Listing(
            clips={
                Split.TRAIN: [clip for name in self.train for clip in _subset(folders[name])],
                Split.VALIDATION: _subset(folders[self.validation]),
                Split.TEST: _subset(folders[self.test]),
            },
            name=self.name if self.test == "test-clean" else f"{self.name} {self.test}",
            version=" + ".join(subsets),
            licence="CC BY 4.0",
            source="openslr.org/12",
            notes=f"trained on {', '.join(self.train)}; "
            f"validation is {self.validation}, test is {self.test}",
            text_name="transcript",
        )

    def fetch(self, root: Path) -> None:
        _fetch(self.name, root, (*self.train, self.validation, self.test))


@dataclass(kw_only=True)
class MiniLibriSpeech(PublishedSet):
    """Five hours of LibriSpeech to train on; see `MiniLibriSpeechConfig`."""

    name: ClassVar[str] = "mini_librispeech"
    home: ClassVar[str] = "mini_librispeech"

    validation: float

    def listing(self, root: Path) -> Listing:
        folders = _folders(self, root, ("train-clean-5", "dev-clean-2"))
        kept, held = by_group(_subset(folders["train-clean-5"]), self.validation)
        return Listing(
            clips={
                Split.TRAIN: kept,
                Split.VALIDATION: held,
                Split.TEST: _subset(folders["dev-clean-2"]),
            },
            name=self.name,
            version="train-clean-5 + dev-clean-2",
            licence="CC BY 4.0",
            source="openslr.org/31",
            notes="no test is published: dev-clean-2 is the test, "
            "validation are speakers held out of train-clean-5",
            text_name="transcript",
        )

    def fetch(self, root: Path) -> None:
        _fetch(self.name, root, ("train-clean-5", "dev-clean-2"))


def _folders(source: PublishedSet, root: Path, subsets: Iterable[str]) -> dict[str, Path]:
    """Return where each subset lies: in LibriSpeech/, or in the folder itself."""
    found = {}
    for name in subsets:
        places = [root / _FOLDER / name, root / name]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None:
            raise source.missing(root, f"{_FOLDER}/{name}")
        found[name] = folder
    return found


def _subset(folder: Path) -> Sequence[Clip]:
    """Read the transcripts, one file for each <speaker>/<chapter>."""
    clips = []
    for table in sorted(folder.glob("*/*/*.trans.txt")):
        for number, line in enumerate(lines_of(table), 1):
            name, _, text = line.strip().partition(" ")
            if not text or not name.isprintable() or "/" in name:
                fault = "is not a name and a transcript; mend it"
                clips.append(Clip(file=table, text="", key=f"line {number}", fault=fault))
                continue
            speaker = table.parent.parent.name
            file, fault = placed(table.parent, f"{name}.flac", table)
            if fault:
                clips.append(Clip(file=file, text="", key=f"line {number}", fault=fault))
                continue
            clips.append(Clip(file=file, text=text, group=speaker, key=name))
    if not clips:
        raise DataError(f"{folder}: has no <speaker>/<chapter>/*.trans.txt; unpack it again")
    return clips


def _fetch(name: str, root: Path, subsets: Iterable[str]) -> None:
    for subset in dict.fromkeys(subsets):
        if not (root / subset).is_dir():
            fetch(name, LIBRISPEECH[subset], root)
