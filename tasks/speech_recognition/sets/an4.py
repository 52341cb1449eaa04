"""CMU AN4 (Acero 1990): spelled words, digits and dates, 16 kHz.

As published: `etc/an4_{train,test}.fileids` and `.transcription`, and under `wav/` NIST sphere
files or samples without a header, which come in both byte orders.
"""

import itertools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from suite import DataError, Split, lines_of
from tasks.speech_recognition.audiofolder import split_folders, train_and_test
from tasks.speech_recognition.holding_out import by_group
from tasks.speech_recognition.listing import Clip, Listing, placed
from tasks.speech_recognition.sets.published import PublishedSet

_RATE = 16_000
_PARTS = {Split.TRAIN: "an4_train", Split.TEST: "an4_test"}
_IDS = 10
"""Names of recordings that are tried for their ending."""
_LOOKED_AT = 2**20
"""Bytes of a recording that tell its byte order."""
_LINE = re.compile(r"(?P<text>.*)\((?P<name>[^()\s]+)\)\s*")
_MARK = re.compile(r"</?s>|<sil>")


@dataclass(kw_only=True)
class AN4(PublishedSet):
    """Dictation of a census form; see `AN4Config`."""

    name: ClassVar[str] = "an4"
    home: ClassVar[str] = "an4"

    validation: float

    def listing(self, root: Path) -> Listing:
        clips = self._clips(root)
        kept, held = by_group(clips[Split.TRAIN], self.validation)
        return Listing(
            clips={Split.TRAIN: kept, Split.VALIDATION: held, Split.TEST: clips[Split.TEST]},
            name=self.name,
            version="as published",
            licence="BSD-style, Carnegie Mellon University",
            source="www.speech.cs.cmu.edu/databases/an4",
            notes="official test; validation: speakers held out of training",
            text_name="transcription",
        )

    def _clips(self, root: Path) -> dict[Split, list[Clip]]:
        for folder in (root, root / "an4"):
            if (folder / "etc").is_dir():
                return {split: _listed(folder, part) for split, part in _PARTS.items()}
        if not (root / "train" / "metadata.csv").is_file():
            what = "etc/an4_train.fileids (the published form) nor train/metadata.csv"
            raise self.missing(root, what, can_download=False)
        return train_and_test(split_folders(root), "transcription")


def _listed(folder: Path, part: str) -> list[Clip]:
    """Read the two lists of a split, which name the same recordings in the same order."""
    ids = _lines(folder / "etc" / f"{part}.fileids")
    transcription = folder / "etc" / f"{part}.transcription"
    lines = _lines(transcription)
    if len(ids) != len(lines):
        raise DataError(f"{transcription}: has {len(lines)} lines, {part}.fileids has {len(ids)}")
    suffix, endian = _form(folder, ids)
    clips = []
    for number, (id_, line) in enumerate(zip(ids, lines, strict=True), 1):
        found = _LINE.fullmatch(line)
        name = Path(id_).name
        if found is None or found["name"] != name:
            fault = f"must end in ({name}); fetch it again"
            clips.append(Clip(file=transcription, text="", key=f"line {number}", fault=fault))
            continue
        file, fault = placed(folder / "wav", f"{id_}{suffix}", folder / "etc" / f"{part}.fileids")
        if fault:
            clips.append(Clip(file=file, text="", key=f"line {number}", fault=fault))
            continue
        clips.append(
            Clip(
                file=file,
                text=" ".join(_MARK.sub(" ", found["text"]).split()),
                # an4_clstk/<speaker>/<utterance>
                group=Path(id_).parent.name,
                rate=_RATE if endian else 0,
                endian=endian,
            )
        )
    return clips


def _lines(file: Path) -> list[str]:
    if not file.is_file():
        raise DataError(f"{file}: does not exist; put the whole of an4/etc there")
    lines = [line for line in lines_of(file) if line.strip()]
    if not lines:
        raise DataError(f"{file}: is empty")
    return lines


def _form(folder: Path, ids: Sequence[str]) -> tuple[str, str]:
    """Return the ending of the recordings and, where they have no header, their byte order."""
    suffixes = (".sph", ".wav", ".flac", ".raw")
    for id_, suffix in itertools.product(ids[:_IDS], suffixes):  # a name in a list may be damaged
        file, fault = placed(folder / "wav", f"{id_}{suffix}", folder)
        if not fault and os.path.isfile(file):
            return suffix, _byte_order(file) if suffix == ".raw" else ""
    raise DataError(f"{folder}/wav/{ids[0]}: there is no .sph, .raw, .wav or .flac of this name")


def _byte_order(file: Path) -> str:
    """Return "big" or "little": neighbouring samples of speech are close in the right one only.

    Both are published, and nothing in the files or their names tells which it is.
    """
    with file.open("rb") as opened:
        raw = opened.read(_LOOKED_AT)
    raw = raw[: len(raw) // 2 * 2]
    step = {
        order: np.abs(np.diff(np.frombuffer(raw, dtype).astype(np.int64))).mean() if raw else 0.0
        for order, dtype in (("big", ">i2"), ("little", "<i2"))
    }
    return min(step, key=lambda order: step[order])
