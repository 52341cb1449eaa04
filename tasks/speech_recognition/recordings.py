"""Recordings with what is said in them, whatever source they come from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from suite import DataCard, Sieve, Split
from tasks.speech_recognition.waves import Waves


@dataclass(frozen=True)
class Recordings:
    """One split. texts: labels or transcripts. names: for messages.

    speakers: who speaks, empty where that is not known; none at all where the set tells of nobody.
    """

    waves: Waves
    texts: Sequence[str]
    names: Sequence[str]
    speakers: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def groups(self, indices: Sequence[int]) -> list[str]:
        """Return who speaks in these; none at all where the set tells of nobody."""
        return [self.speakers[i] for i in indices] if any(self.speakers) else []

    def only(self, indices: Sequence[int]) -> "Recordings":
        """Return some of them, each at most once."""
        if len(indices) == len(self):
            return self
        return Recordings(
            self.waves.only(indices),
            [self.texts[i] for i in indices],
            [self.names[i] for i in indices],
            [self.speakers[i] for i in indices] if self.speakers else (),
        )


@dataclass(frozen=True)
class SpeechSet:
    """A data set of recordings at one sample rate."""

    splits: Mapping[Split, Recordings]
    card: DataCard

    def only(self, kept: Mapping[Split, Sequence[int]], sieve: Sieve) -> "SpeechSet":
        """Return these recordings of each split; the sieve holds the others. The card tells it."""
        if not sieve.skipped:
            return self
        splits = {split: part.only(kept[split]) for split, part in self.splits.items()}
        digest = hashlib.sha256(self.card.fingerprint.encode())
        for split in Split:
            digest.update(f"{split.value} {list(kept[split])}".encode())
        card = replace(
            self.card,
            fingerprint=digest.hexdigest(),
            sizes={split.value: len(part) for split, part in splits.items()},
            skipped=[*self.card.skipped, *sieve.skipped],
        )
        return SpeechSet(splits, card)

    def below(self, hertz: float | None, sample_rate: int) -> "SpeechSet":
        """Return it without what lies above a frequency; None changes nothing."""
        if hertz is None:
            return self
        splits = {
            split: replace(part, waves=part.waves.below(hertz, sample_rate))
            for split, part in self.splits.items()
        }
        return replace(self, splits=splits)


class SpeechSource(Protocol):
    """Where recordings come from."""

    def load(self, cache: Path, *, sample_rate: int, shortest: int) -> SpeechSet:
        """Return all splits at this rate; refuse what has fewer than `shortest` samples."""
