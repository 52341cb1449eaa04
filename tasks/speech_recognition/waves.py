"""The sound of one split: in memory, or on disk and read when it is asked for.

Legend: N recordings, S samples, B batch.
"""

import math
import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from suite import DataError, Ragged
from tasks.speech_recognition.reading import Stretch, at_rate, read

_ENDIAN = ("", "little", "big")
_FADE = 0.05
"""Share of the frequencies below the highest in which a low-pass fades out."""


class Waves(Sequence[Tensor]):
    """Waves, each (S,) int16. length_N: samples of each, int64, known without reading them."""

    length_N: Tensor

    def __len__(self) -> int:
        return len(self.length_N)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    @abstractmethod
    def only(self, indices: Sequence[int]) -> "Waves":
        """Return some of them."""

    @abstractmethod
    def below(self, hertz: float, sample_rate: int) -> "Waves":
        """Return them without what lies above a frequency."""


class InMemory(Waves):
    """Waves in memory, one after the other in one tensor."""

    def __init__(self, rows: Ragged) -> None:
        self.rows = rows
        self.length_N = rows.length_N

    @classmethod
    def from_rows(cls, rows: list[Tensor]) -> "InMemory":
        """Pack waves, each (S,), into one tensor."""
        return cls(Ragged.from_rows(rows))

    def __getitem__(self, index: int) -> Tensor:  # type: ignore[override]
        return self.rows.row(index)

    def only(self, indices: Sequence[int]) -> "InMemory":
        return InMemory.from_rows([self[i] for i in indices])

    def below(self, hertz: float, sample_rate: int) -> "InMemory":
        return InMemory.from_rows([low_pass(wave_S, hertz, sample_rate) for wave_S in self])


class OnDisk(Waves):
    """Waves in files. Held as arrays: forked lists are copied as soon as they are counted.

    content: names what the files hold, for a fingerprint. bandwidth: hertz above which they are
        silenced as they are read; None leaves them as they are.
    """

    def __init__(
        self,
        stretches: Sequence[Stretch],
        sample_rate: int,
        content: str,
        bandwidth: float | None = None,
    ) -> None:
        self.sample_rate = sample_rate
        self.content = content
        self.bandwidth = bandwidth
        self.length_N = torch.tensor([s.length(sample_rate) for s in stretches])
        self._file_N = np.array([os.fsencode(s.file) for s in stretches])
        self._where_N = np.array(
            [(s.first, s.frames, s.rate, s.whole, _ENDIAN.index(s.endian)) for s in stretches],
            dtype=np.int64,
        ).reshape(-1, 5)

    def files(self) -> set[Path]:
        """Return the files that waves lie in."""
        return {Path(os.fsdecode(cast(bytes, name))) for name in set(self._file_N.tolist())}

    def stretch(self, index: int) -> Stretch:
        """Return where a wave lies."""
        first, frames, rate, whole, endian = (int(value) for value in self._where_N[index])
        file = Path(os.fsdecode(cast(bytes, self._file_N[index])))
        return Stretch(file, first, frames, rate, bool(whole), _ENDIAN[endian])

    def __getitem__(self, index: int) -> Tensor:  # type: ignore[override]
        stretch = self.stretch(index)
        try:
            samples = read(stretch)
        except DataError as error:
            # Behind a good header: too late to leave it out, as the split is counted. What is to be
            # skipped is found by then, unless the file has changed since.
            raise DataError(f"{error}, or set data.on_error=skip") from error
        wave_S = at_rate(samples, stretch, self.sample_rate)
        if self.bandwidth is None:
            return wave_S
        return low_pass(wave_S, self.bandwidth, self.sample_rate)

    def only(self, indices: Sequence[int]) -> "OnDisk":
        some = [self.stretch(i) for i in indices]
        content = f"{self.content} {list(indices)}"
        return OnDisk(some, self.sample_rate, content, self.bandwidth)

    def below(self, hertz: float, sample_rate: int) -> "OnDisk":
        all_of_them = [self.stretch(i) for i in range(len(self))]
        return OnDisk(all_of_them, self.sample_rate, self.content, hertz)


def low_pass(wave_S: Tensor, hertz: float, sample_rate: int) -> Tensor:
    """Return an int16 wave without what lies above a frequency.

    The last twentieth below it fades out as half a cosine, so that edges ring less.
    """
    samples = len(wave_S)
    spectrum_F = torch.fft.rfft(wave_S.double())
    frequency_F = torch.fft.rfftfreq(samples, 1 / sample_rate, dtype=torch.float64)
    fading_F = ((hertz - frequency_F) / (_FADE * hertz)).clamp(0, 1)
    gain_F = (1 - torch.cos(math.pi * fading_F)) / 2
    low_S: Tensor = torch.fft.irfft(spectrum_F * gain_F, samples)
    return low_S.round().clamp(-32768, 32767).to(torch.int16)
