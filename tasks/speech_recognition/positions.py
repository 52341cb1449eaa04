"""Whether a recording is long enough for its transcript: CTC has to put each symbol somewhere."""

import itertools
import math
from collections.abc import Sequence

from tasks.speech_recognition.recordings import Recordings
from tasks.speech_recognition.spectrogram import frame_count
from tasks.speech_recognition.symbols import Symbols


def ctc_positions(symbols: Sequence[int]) -> int:
    """Return the positions CTC needs: one a symbol, and a blank between equal neighbours."""
    return len(symbols) + sum(a == b for a, b in itertools.pairwise(symbols))


def divide(
    recordings: Recordings, symbols: Symbols, *, hop: int, stride: int, shrink: float = 1.0
) -> tuple[list[int], list[str]]:
    """Return which recordings have enough positions, and in a line what is wrong with the others.

    hop: samples from frame to frame. stride: frames to a position. shrink: share of its frames
    that augmentation leaves of a recording at least.
    """
    fitting: list[int] = []
    problems: list[str] = []
    frames_N = frame_count(recordings.waves.length_N, hop).tolist()
    for i, (frames, text) in enumerate(zip(frames_N, recordings.texts, strict=True)):
        positions = -(-math.floor(frames * shrink) // stride)
        needed = ctc_positions(symbols.encode(text))
        if positions >= needed:
            fitting.append(i)
            continue
        problems.append(
            f"{recordings.names[i]}: its transcript needs {needed} positions, "
            f"the model has {positions}; lower task.reduce or task.hop_seconds"
        )
    return fitting, problems
