"""Recordings in memory, whatever source they come from.

Legend: S samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from suite import DataCard, Split


@dataclass(frozen=True)
class Recordings:
    """One split. waves: int16 (S,) each. texts: labels or transcripts. names: for messages."""

    waves: Sequence[Tensor]
    texts: Sequence[str]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, indices: Sequence[int]) -> "Recordings":
        """Return some of them."""
        return Recordings(
            [self.waves[i] for i in indices],
            [self.texts[i] for i in indices],
            [self.names[i] for i in indices],
        )


@dataclass(frozen=True)
class SpeechSet:
    """A data set of recordings at one sample rate."""

    splits: Mapping[Split, Recordings]
    card: DataCard


class SpeechSource(Protocol):
    """Where recordings come from."""

    def load(self, cache: Path, *, sample_rate: int, shortest: int) -> SpeechSet:
        """Return all splits at this rate; refuse what has fewer than `shortest` samples."""


def resample(wave_S: Tensor, rate: int, wanted: int) -> Tensor:
    """Return int16 samples at the wanted rate, through a windowed sinc (Smith 1984)."""
    if rate == wanted:
        return wave_S
    from torchaudio.functional import resample as sinc_resample

    resampled: Tensor = sinc_resample(wave_S.float(), rate, wanted)
    return resampled.round().clamp(-32768, 32767).to(torch.int16)
