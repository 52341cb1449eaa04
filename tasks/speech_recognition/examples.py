"""What the tasks of speech recognition serve: waves beside labels or symbols.

Legend: N examples of the split, B batch, S samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from suite import Examples, Ragged, StreamedExamples
from tasks.speech_recognition.recordings import Recordings
from tasks.speech_recognition.waves import InMemory, OnDisk

Columns = Mapping[str, Tensor | Ragged]


def examples(
    recordings: Recordings, columns: Columns, sample_rate: int
) -> Examples | StreamedExamples:
    """Return `wave_BS` and its lengths with these columns, bucketed by length."""
    waves = recordings.waves
    unit_N = waves.length_N.double() / sample_rate
    if isinstance(waves, OnDisk):
        fetch = _Fetch(waves, columns)
        return StreamedExamples(fetch, unit_N, length_N=waves.length_N, content=waves.content)
    packed = waves.rows if isinstance(waves, InMemory) else Ragged.from_rows(list(waves))
    return Examples({"wave_BS": packed, **columns}, unit_N=unit_N, length_N=waves.length_N)


@dataclass(frozen=True)
class _Fetch:
    """Reads the recordings of a batch; pickled to the processes that read ahead."""

    waves: OnDisk
    columns: Columns

    def name(self, index: int) -> str:
        """Return how messages name a recording."""
        return str(self.waves.stretch(index).file)

    def files(self) -> set[Path]:
        """Return what is read from."""
        return self.waves.files()

    def __call__(self, index_B: Tensor) -> Columns:
        rows = [self.waves[i] for i in index_B.tolist()]
        return {
            "wave_BS": Ragged.from_rows(rows),
            **{name: _rows(column, index_B) for name, column in self.columns.items()},
        }


def _rows(column: Tensor | Ragged, index_B: Tensor) -> Tensor | Ragged:
    if isinstance(column, Tensor):
        return column[index_B]
    return Ragged.from_rows([column.row(i) for i in index_B.tolist()], column.length_name)
