"""Options of recordings on disk and of the standard sets. Nothing here imports torch."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import ClassVar

from suite import DataConfig, nearest

MISSING = "???"
"""What omegaconf takes for a value that the user has to give."""
SPOKEN_LABELS = "spoken labels"
TRANSCRIPTS = "transcripts"


@dataclass(kw_only=True)
class RecordedConfig(DataConfig):
    """Options of all sources of recordings on disk."""

    stream: bool | str = "auto"
    """true reads recordings when their batch is due, false holds all in memory; auto does so as
    long as they fit in data.memory_gib. Batches are the same."""
    memory_gib: float = 4.0
    """Memory that recordings may take, at task.sample_rate, before data.stream=auto streams them,
    in GiB."""
    max_seconds: float = 3600.0
    """Seconds that one recording may last: a small file can claim more than memory holds."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("stream", self.stream in ("auto", True, False), "auto, true or false")
        self.require_positive("memory_gib", "max_seconds")

    def require_share(self, *names: str) -> None:
        """Require each of these numbers to be above 0 and below 1."""
        for name in names:
            self.require(name, 0 < getattr(self, name) < 1, "between 0 and 1")


@dataclass(kw_only=True)
class PublishedConfig(RecordedConfig):
    """Options of all standard sets.

    refuses_download: why `download` is not to be had; empty where it is.
    """

    refuses_download: ClassVar[str] = ""

    path: str | None = None
    """Folder with the files as published; null is <cache>/data/<set>."""
    download: bool = False
    """Fetch what the folder lacks first, and verify its checksum."""

    def __post_init__(self) -> None:
        super().__post_init__()
        rule = f"false, as {self.refuses_download}"
        self.require("download", not (self.download and self.refuses_download), rule)


@dataclass(kw_only=True)
class FSDDConfig(PublishedConfig):
    """Free Spoken Digit Dataset."""

    kind: ClassVar[str] = SPOKEN_LABELS
    refuses_download: ClassVar[str] = (
        "no checksum is published; get github.com/Jakobovski/free-spoken-digit-dataset "
        "at v1.0.10 and give data.path=…"
    )

    _target_: str = "tasks.speech_recognition.sets.FSDD"
    leave_out: str | None = None
    """Speaker whose recordings are the test, so that none of them is in training; null is the
    official split, with all speakers in both."""
    validation: float = 0.1
    """Share of each training speaker's recordings of each digit held out for validation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_share("validation")


@dataclass(kw_only=True)
class AN4Config(PublishedConfig):
    """CMU AN4."""

    kind: ClassVar[str] = TRANSCRIPTS
    refuses_download: ClassVar[str] = (
        "no checksum is published; get www.speech.cs.cmu.edu/databases/an4/"
        "an4_raw.bigendian.tar.gz and give data.path=…"
    )

    _target_: str = "tasks.speech_recognition.sets.AN4"
    validation: float = 0.1
    """Share of the training recordings held out for validation, by speaker."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_share("validation")


TRAIN_SUBSETS = ("train-clean-100", "train-clean-360", "train-other-500")
DEV_SUBSETS = ("dev-clean", "dev-other")
TEST_SUBSETS = ("test-clean", "test-other")


@dataclass(kw_only=True)
class LibriSpeechConfig(PublishedConfig):
    """LibriSpeech, by its subsets."""

    kind: ClassVar[str] = TRANSCRIPTS

    _target_: str = "tasks.speech_recognition.sets.LibriSpeech"
    train: list[str] = field(default_factory=lambda: ["train-clean-100"])
    """Subsets to train on: train-clean-100, train-clean-360, train-other-500."""
    validation: str = "dev-clean"
    """dev-clean or dev-other."""
    test: str = "test-clean"
    """test-clean or test-other; the references hold for test-clean."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("train", bool(self.train), "at least one subset")
        self.require("train", len(set(self.train)) == len(self.train), "each subset once")
        for name, chosen, known in (
            ("train", self.train, TRAIN_SUBSETS),
            ("validation", [self.validation], DEV_SUBSETS),
            ("test", [self.test], TEST_SUBSETS),
        ):
            for subset in chosen:
                rule = f"of {', '.join(known)}{nearest(subset, known)}"
                self.require(name, subset in known, rule)


@dataclass(kw_only=True)
class MiniLibriSpeechConfig(PublishedConfig):
    """Mini LibriSpeech."""

    kind: ClassVar[str] = TRANSCRIPTS

    _target_: str = "tasks.speech_recognition.sets.MiniLibriSpeech"
    validation: float = 0.1
    """Share of train-clean-5 held out for validation, by speaker; dev-clean-2 is the test."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_share("validation")


@dataclass(kw_only=True)
class SpeechCommandsConfig(PublishedConfig):
    """Speech Commands, all words."""

    kind: ClassVar[str] = SPOKEN_LABELS

    _target_: str = "tasks.speech_recognition.sets.SpeechCommands"


class TwelveTest(enum.Enum):
    """Which of the two test sets of twelve classes."""

    auto = "auto"
    published = "published"
    made = "made"


@dataclass(kw_only=True)
class SpeechCommands12Config(PublishedConfig):
    """Speech Commands, ten words, silence and unknown words."""

    kind: ClassVar[str] = SPOKEN_LABELS

    _target_: str = "tasks.speech_recognition.sets.SpeechCommands12"
    path: str | None = None
    """Folder with the archives unpacked; null is <cache>/data/speech_commands, which
    data=speech_commands reads as well."""
    test: TwelveTest = TwelveTest.auto
    """published: the archive speech_commands_test_set_v0.02, which the references are results on;
    made: drawn from testing_list.txt; auto: published where that folder is there."""
    silence: float = 0.1
    """Recordings of silence, as a share of those of the ten words."""
    unknown: float = 0.1
    """Recordings of unknown words, as a share of those of the ten words."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("silence", "unknown")


@dataclass(kw_only=True)
class ManifestConfig(RecordedConfig):
    """Manifests of transcripts."""

    kind: ClassVar[str] = TRANSCRIPTS

    _target_: str = "tasks.speech_recognition.sets.Manifest"
    train: str = MISSING
    """Manifest of the training recordings: JSON lines with audio_filepath, text and perhaps
    duration and offset in seconds."""
    validation: str | None = None
    """Manifest of the validation recordings; null holds them out of training."""
    test: str | None = None
    """Manifest of the test recordings; null holds them out of training."""
    root: str | None = None
    """Folder that all recordings lie in; null is the folder of each manifest. A manifest from
    elsewhere cannot name other files of yours."""
    name: str | None = None
    """Name that results go by; null is the training manifest's."""
    text_field: str = "text"
    """Field of transcripts."""
    group_field: str = "speaker"
    """Field that nobody of may be in two splits that are made here; it need not exist."""
    validation_share: float = 0.1
    """Share of the training recordings held out for validation, where there is no manifest."""
    test_share: float = 0.2
    """Share of the training recordings held out for the test, where there is no manifest."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_share("validation_share", "test_share")


@dataclass(kw_only=True)
class LabelledManifestConfig(ManifestConfig):
    """Manifests of labels."""

    kind: ClassVar[str] = SPOKEN_LABELS

    text_field: str = "label"
    """Field of labels; NeMo's own keyword manifests have `command`."""


DATA_SCHEMAS: dict[str, type] = {
    "data/fsdd": FSDDConfig,
    "data/an4": AN4Config,
    "data/librispeech": LibriSpeechConfig,
    "data/mini_librispeech": MiniLibriSpeechConfig,
    "data/speech_commands": SpeechCommandsConfig,
    "data/speech_commands_12": SpeechCommands12Config,
    "data/manifest": ManifestConfig,
    "data/manifest_labelled": LabelledManifestConfig,
}
"""Schemas of what is here, by the name that `conf/` refers to as `/schema/<name>`."""
