"""The options of the task and of its data: their types, what they mean and what is allowed.

Read before torch is: a wrong option is told at once.
"""

from dataclasses import dataclass
from typing import ClassVar

from suite import DataConfig, TaskConfig

KIND = "tagged sound"


@dataclass(kw_only=True)
class AudioTaggingConfig(TaskConfig):
    """Tags of recordings, from their log-mel spectrogram."""

    data_kind: ClassVar[str] = KIND
    losses: ClassVar[tuple[str, ...]] = ("binary_cross_entropy",)

    _target_: str = "audio_tagging.task.AudioTagging"
    sample_rate: int = 8000
    """Samples per second, the same of all files."""
    window: int = 256
    """Samples that one spectrum is made of."""
    hop: int = 128
    """Samples from one spectrum to the next."""
    mels: int = 40
    """Bands of the spectrogram."""

    def __post_init__(self) -> None:
        self.require_positive("sample_rate", "window", "hop", "mels")
        self.require("hop", self.hop <= self.window, f"at most task.window={self.window}")


@dataclass(kw_only=True)
class TaggedFolderConfig(DataConfig):
    """A folder with train, validation and test, each with a metadata.csv (file_name, tags)."""

    kind: ClassVar[str] = KIND

    _target_: str = "audio_tagging.data.TaggedFolder"
    path: str = "???"
    """The folder. A recording's tags stand in one cell, with semicolons in between."""


@dataclass(kw_only=True)
class SyntheticSoundsConfig(DataConfig):
    """Mixtures of tones, chirps, clicks, hiss and bells, as a folder written into the cache."""

    kind: ClassVar[str] = KIND

    _target_: str = "audio_tagging.data.SyntheticSounds"
    clips: int = 600
    """Recordings to train on; validation and test have a third as many each."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("clips")


SCHEMAS = {
    "task/audio_tagging": AudioTaggingConfig,
    "data/tagged_folder": TaggedFolderConfig,
    "data/synthetic_sounds": SyntheticSoundsConfig,
}
