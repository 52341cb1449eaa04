"""The embedded sources of speech: synthetic, so marked wherever a result is shown."""

from dataclasses import dataclass
from pathlib import Path

import torch

from suite import DataCard, OnError, Split
from tasks.speech_recognition.reading import resample
from tasks.speech_recognition.recordings import Recordings, SpeechSet
from tasks.speech_recognition.synthesis import SyntheticSpeech, spoken_digits, spoken_words
from tasks.speech_recognition.voices import espeak_version
from tasks.speech_recognition.waves import InMemory


@dataclass(kw_only=True)
class SpokenWords:
    """Single words in many voices; see `SpokenWordsConfig`."""

    voices: int | None
    per_word: int
    on_error: OnError

    def load(self, cache: Path, *, sample_rate: int, shortest: int) -> SpeechSet:
        """Return the words by split."""
        made = spoken_words(cache=cache, voices=self.voices, per_word=self.per_word)
        return _speech_set(made, sample_rate)


@dataclass(kw_only=True)
class SpokenDigits:
    """Strings of digits and commands in many voices; see `SpokenDigitsConfig`."""

    voices: int | None
    per_voice: int
    shortest: int
    longest: int
    on_error: OnError

    def load(self, cache: Path, *, sample_rate: int, shortest: int) -> SpeechSet:
        """Return the strings by split."""
        made = spoken_digits(
            cache=cache,
            voices=self.voices,
            per_voice=self.per_voice,
            shortest=self.shortest,
            longest=self.longest,
        )
        return _speech_set(made, sample_rate)


def _speech_set(made: SyntheticSpeech, sample_rate: int) -> SpeechSet:
    samples_S = torch.from_numpy(made.samples_S)
    splits = {}
    for split in Split:
        indices = made.indices(split.value).tolist()
        waves = [
            resample(
                samples_S[made.offsets[i] : made.offsets[i + 1]], made.sample_rate, sample_rate
            )
            for i in indices
        ]
        texts = [made.utterances[i].text for i in indices]
        names = [f"{made.name} utterance {i}" for i in indices]
        voices = [made.utterances[i].voice for i in indices]
        splits[split] = Recordings(InMemory.from_rows(waves), texts, names, voices)
    card = DataCard(
        name=made.name,
        version=f"eSpeak NG, espeakng-loader {espeak_version()}",
        licence=made.licence,
        source="generated",
        fingerprint=made.fingerprint,
        sizes={split.value: len(splits[split]) for split in Split},
        synthetic=True,
        notes="split by voice",
    )
    return SpeechSet(splits, card)
