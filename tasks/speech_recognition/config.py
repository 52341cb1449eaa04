"""Options of the speech tasks and of their data sources. Nothing here imports torch."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from suite import DataConfig, TaskConfig
from tasks.speech_recognition.data_config import DATA_SCHEMAS, MISSING, RecordedConfig


class FrontEnd(enum.Enum):
    """What makes frames of a wave for a backbone that takes a sequence or a grid."""

    log_mel = "log_mel"
    wave = "wave"


@dataclass(kw_only=True)
class SpeechConfig(TaskConfig):
    """Options of both forms of speech recognition. Augmentation is drawn for each example.

    A backbone that takes waves hears them at its own rate; what is said here of the spectrogram has
    no part in it.
    """

    came_later: ClassVar[tuple[str, ...]] = ("front_end", "bandwidth")

    front_end: FrontEnd = FrontEnd.log_mel
    """log_mel, or wave: as many filters are learned on the wave itself, from random ones. They are
    in no order that task.warp or task.shift could move; task.speed then resamples the wave."""
    sample_rate: int = 8000
    """Samples per second that recordings are resampled to."""
    bandwidth: int | None = None
    """Hertz above which recordings are silenced, at the same sample rate: less to hear in as many
    samples and bands; null leaves recordings as they are."""
    mels: int = 32
    """Bands of the mel spectrogram."""
    window_seconds: float = 0.032
    """Length of a frame."""
    hop_seconds: float = 0.0125
    """Time from one frame to the next."""
    reduce: int = 2
    """Frames that a position is made of."""
    channels: int = 0
    """Channels of the convolutions that shorten time for a backbone that takes a sequence; 0 has
    none and stacks frames."""
    noise: float = 0.0
    """Share of training recordings that get white noise, 10 to 40 dB below the speech."""
    warp: float = 0.0
    """Stretch of the mel axis at most, as a natural logarithm: another vocal tract (Jaitly and
    Hinton 2013)."""
    shift: float = 0.0
    """Bands that the spectrum moves at most, each way."""
    speed: float = 0.0
    """Stretch of time at most, as a natural logarithm (Ko et al. 2015)."""
    frequency_masks: int = 0
    """Stripes of bands hidden (SpecAugment, Park et al. 2019)."""
    frequency_width: int = 8
    """Bands of a stripe at most."""
    time_masks: int = 0
    """Stretches of time hidden (SpecAugment)."""
    time_width: float = 0.1
    """Share of the recording that a stretch hides at most."""
    head_dropout: float = 0.0
    """Share of features dropped before the output layer."""
    target: float | None = None
    """Threshold that time-to-target races to; null is the data set's own."""

    def __post_init__(self) -> None:
        self.require_positive(
            "sample_rate", "bandwidth", "mels", "window_seconds", "hop_seconds", "reduce",
            "frequency_width",
        )  # fmt: skip
        most = self.sample_rate // 2
        heard = self.bandwidth is None or self.bandwidth <= most
        self.require("bandwidth", heard, f"at most half of task.sample_rate ({most}), or null")
        self.require("channels", self.channels >= 0, "0 or above")
        halves = self.reduce > 1 and self.reduce.bit_count() == 1
        self.require("reduce", halves or not self.channels, "2, 4, … where task.channels is given")
        for name in ("warp", "shift", "speed", "frequency_masks", "time_masks"):
            self.require(name, getattr(self, name) >= 0, "0 or above")
        self.require("noise", 0 <= self.noise <= 1, "between 0 and 1")
        self.require_fraction("time_width", "head_dropout")
        self.require("frequency_width", self.frequency_width < self.mels, "below task.mels")
        whole = self.hop_seconds * self.sample_rate >= 1
        self.require("hop_seconds", whole, f"at least one sample ({1 / self.sample_rate:g})")


@dataclass(kw_only=True)
class SpeechRecognitionConfig(SpeechConfig):
    """Keywords: one label for each recording."""

    data_kind: ClassVar[str] = "spoken labels"
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy", "mse")
    hand_made: ClassVar[tuple[str, ...]] = ("log_mel", "mfcc")

    _target_: str = "tasks.speech_recognition.keywords.SpeechRecognition"


class Unit(enum.Enum):
    """What a transcript is written in."""

    character = "character"
    bpe = "bpe"


class Decoder(enum.Enum):
    """How words are found in what the model puts out."""

    greedy = "greedy"
    beam = "beam"


@dataclass(kw_only=True)
class SpeechTranscriptionConfig(SpeechConfig):
    """Transcription: what is said in each recording."""

    data_kind: ClassVar[str] = "transcripts"
    losses: ClassVar[tuple[str, ...]] = ("ctc",)

    _target_: str = "tasks.speech_recognition.transcription.SpeechTranscription"
    lowercase: bool = True
    """Fold case, in training and in scoring."""
    unit: Unit = Unit.character
    """character, or bpe: pieces of words learned on the training transcripts."""
    vocabulary: int = 256
    """Pieces at most, where task.unit=bpe."""
    decoder: Decoder = Decoder.greedy
    """greedy, or beam: the test is decoded by beam search with a lexicon too. The options below are
    its own."""
    beam_size: int = 50
    """Hypotheses kept at each position."""
    lexicon: str | None = None
    """File of the words there are, one a line; null takes those of the training transcripts."""
    language_model: str | None = "train"
    """ARPA or KenLM file; train estimates one on the training transcripts, null has none."""
    language_model_order: int = 3
    """Words of the longest n-gram, where task.language_model=train."""
    language_model_weight: float | None = None
    """Weight of the language model's log10 probability beside the natural one of the sound; null
    takes what does best on the validation split, of 0 to 3."""
    word_score: float | None = None
    """Added for each word; null takes what does best on the validation split, of -2 to 2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("vocabulary", "beam_size", "language_model_order")
        weight = self.language_model_weight
        self.require("language_model_weight", weight is None or weight >= 0, "0 or above, or null")


@dataclass(kw_only=True)
class SpokenWordsConfig(DataConfig):
    """Synthetic keywords."""

    kind: ClassVar[str] = "spoken labels"

    _target_: str = "tasks.speech_recognition.data.SpokenWords"
    voices: int | None = None
    """Voices that speak; null takes all that sound like a person."""
    per_word: int = 2
    """Times that each voice says each word."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("per_word")
        self.require("voices", self.voices is None or self.voices >= 10, "10 or above, or null")


@dataclass(kw_only=True)
class SpokenDigitsConfig(DataConfig):
    """Synthetic digit strings and commands."""

    kind: ClassVar[str] = "transcripts"

    _target_: str = "tasks.speech_recognition.data.SpokenDigits"
    voices: int | None = None
    """Voices that speak; null takes all that sound like a person."""
    per_voice: int = 36
    """Recordings of each voice."""
    shortest: int = 2
    """Digits of the shortest string."""
    longest: int = 5
    """Digits of the longest string."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("per_voice", "shortest")
        self.require("voices", self.voices is None or self.voices >= 10, "10 or above, or null")
        self.require("longest", self.longest >= self.shortest, "at least data.shortest")


@dataclass(kw_only=True)
class AudioFolderConfig(RecordedConfig):
    """Options of both kinds of audiofolder."""

    path: str = MISSING
    """Folder with train and test (and perhaps validation), each with wav or flac files and a
    metadata.csv; or with one metadata.csv for all, which is then split."""
    name: str | None = None
    """Name that results go by; null is the folder's."""
    group_column: str = "speaker"
    """Column that nobody of may be in two splits that are made here; it need not exist."""
    validation: float = 0.1
    """Share of the training recordings held out for validation, where there is no such folder."""
    test: float = 0.2
    """Share of the recordings held out for the test, where there is no such folder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_share("validation", "test")


@dataclass(kw_only=True)
class LabelledAudioFolderConfig(AudioFolderConfig):
    """An audiofolder with a label for each file."""

    kind: ClassVar[str] = "spoken labels"

    _target_: str = "tasks.speech_recognition.audiofolder.AudioFolder"
    text_column: str = "label"
    """Column of labels."""


@dataclass(kw_only=True)
class TranscribedAudioFolderConfig(AudioFolderConfig):
    """An audiofolder with a transcript for each file."""

    kind: ClassVar[str] = "transcripts"

    _target_: str = "tasks.speech_recognition.audiofolder.AudioFolder"
    text_column: str = "transcription"
    """Column of transcripts."""


SCHEMAS: dict[str, type] = {
    "task/speech_recognition": SpeechRecognitionConfig,
    "task/speech_transcription": SpeechTranscriptionConfig,
    "data/spoken_words": SpokenWordsConfig,
    "data/spoken_digits_ctc": SpokenDigitsConfig,
    "data/audiofolder": LabelledAudioFolderConfig,
    "data/audiofolder_transcribed": TranscribedAudioFolderConfig,
    **DATA_SCHEMAS,
}
"""By the name that `conf/` refers to as `/schema/<name>`."""
