"""What the tasks of speech recognition serve: waves beside labels or symbols."""

from collections.abc import Mapping

from torch import Tensor

from suite import Examples, Ragged
from tasks.speech_recognition.recordings import Recordings
from tasks.speech_recognition.waves import InMemory

Columns = Mapping[str, Tensor | Ragged]


def examples(recordings: Recordings, columns: Columns, sample_rate: int) -> Examples:
    """Return `wave_BS` and its lengths with these columns, bucketed by length."""
    waves = recordings.waves
    packed = waves.rows if isinstance(waves, InMemory) else Ragged.from_rows(list(waves))
    return Examples(
        {"wave_BS": packed, **columns},
        unit_N=waves.length_N.double() / sample_rate,
        length_N=waves.length_N,
    )
