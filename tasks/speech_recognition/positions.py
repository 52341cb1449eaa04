"""Whether a recording is long enough for its transcript: CTC has to put each symbol somewhere."""

import itertools
from collections.abc import Callable, Mapping, Sequence

from tasks.speech_recognition.recordings import Recordings
from tasks.speech_recognition.symbols import Symbols


def ctc_positions(symbols: Sequence[int]) -> int:
    """Return the positions CTC needs: one a symbol, and a blank between equal neighbours."""
    return len(symbols) + sum(a == b for a, b in itertools.pairwise(symbols))


def divide(
    recordings: Recordings,
    symbols: Symbols,
    positions: Callable[[int], int],
    *,
    remedy: str,
    longest: int | None = None,
) -> tuple[list[int], Mapping[int, str]]:
    """Return which recordings have enough positions, and what is wrong with the others, by place.

    positions: how many the model has, at least, for so many samples. remedy: what would give more.
    longest: samples that the model hears at most.
    """
    fitting: list[int] = []
    problems: dict[int, str] = {}
    samples_N = recordings.waves.length_N.tolist()
    for i, (samples, text) in enumerate(zip(samples_N, recordings.texts, strict=True)):
        if longest is not None and samples > longest:
            problems[i] = (
                f"has {samples} samples, of which the model hears {longest}; cut it, or choose "
                "another backbone"
            )
            continue
        held, needed = positions(samples), ctc_positions(symbols.encode(text))
        if held >= needed:
            fitting.append(i)
            continue
        problems[i] = f"its transcript needs {needed} positions, the model has {held}; {remedy}"
    return fitting, problems
