"""A part of a set of recordings, taken before anything is learned from it."""

from suite import Setup, Split, Subset, labelled_subset, unlabelled_subset
from tasks.speech_recognition.recordings import SpeechSet


def part_of_labelled(speech: SpeechSet, setup: Setup) -> SpeechSet:
    """Return what `data.train_examples` and `data.classes` leave; texts are labels."""
    if setup.train_examples is None and setup.classes is None:
        return speech
    classes = sorted(set(speech.splits[Split.TRAIN].texts))
    number = {name: k for k, name in enumerate(classes)}
    labels = {
        split: [number[text] for text in recordings.texts]
        for split, recordings in speech.splits.items()
    }
    return _taken(speech, labelled_subset(setup, speech.card, labels, classes))


def part_of_transcribed(speech: SpeechSet, setup: Setup) -> SpeechSet:
    """Return what `data.train_examples` leaves: short and long recordings alike."""
    if setup.train_examples is None and setup.classes is None:
        return speech
    lengths = {split: recordings.waves.length_N for split, recordings in speech.splits.items()}
    return _taken(speech, unlabelled_subset(setup, speech.card, lengths))


def _taken(speech: SpeechSet, found: Subset | None) -> SpeechSet:
    if found is None:
        return speech
    splits = {
        split: recordings.only(found.indices[split]) for split, recordings in speech.splits.items()
    }
    return SpeechSet(splits, found.card)
