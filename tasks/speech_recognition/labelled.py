"""Recordings whose text is a label: those that training knows."""

from suite import DataError, Sieve, Split, require_classes
from tasks.speech_recognition.recordings import SpeechSet


def labelled(speech: SpeechSet, sieve: Sieve) -> SpeechSet:
    """Return the recordings whose label occurs in training; the first other one stops, or all go.

    Raises a `DataError` also where a label has lost all of its training recordings.
    """
    known = set(speech.splits[Split.TRAIN].texts)
    require_classes(speech.card.skipped, known)
    kept: dict[Split, list[int]] = {}
    for split, recordings in speech.splits.items():
        kept[split] = []
        for place, (text, name) in enumerate(zip(recordings.texts, recordings.names, strict=True)):
            if text in known:
                kept[split].append(place)
                continue
            reason = f"label '{text}' does not occur in training; mend it or move it"
            sieve.leave_out(split, name, reason, label=text)
        if not kept[split]:
            raise DataError(f"{speech.card.name}: no recording is left for {split.value}")
    return speech.only(kept, sieve)
