"""Options of the sources of texts. Nothing here imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from suite import DataConfig

MISSING = "???"
"""What omegaconf takes for a value that the user has to give."""


@dataclass(kw_only=True)
class TextDataConfig(DataConfig):
    """Options of every source of texts."""

    kind: ClassVar[str] = "text"

    def require_share(self, *names: str) -> None:
        """Require each of these numbers to be above 0 and below 1."""
        for name in names:
            self.require(name, 0 < getattr(self, name) < 1, "between 0 and 1")


@dataclass(kw_only=True)
class LanguageNamesConfig(TextDataConfig):
    """Names of languages, territories, scripts, currencies and units in 40 languages."""

    _target_: str = "tasks.text_classification.data.LanguageNames"


@dataclass(kw_only=True)
class TextFilesConfig(TextDataConfig):
    """Tables of texts and labels."""

    _target_: str = "tasks.text_classification.data.TextFiles"
    path: str = MISSING
    """Folder with train, test and perhaps validation as .csv, .tsv, .parquet, .json or .jsonl, or
    one such file, which is then split by the hash of the text."""
    name: str | None = None
    """Name that results go by; null is the folder's."""
    text_column: str = "text"
    """Column of texts."""
    label_column: str = "label"
    """Column of labels."""
    validation: float = 0.1
    """Share of the training texts held out for validation, where there is no such file."""
    test: float = 0.2
    """Share of the texts held out for the test, where there is no such file."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_share("validation", "test")


@dataclass(kw_only=True)
class HubTextsConfig(TextDataConfig):
    """Texts of any data set on the Hugging Face hub, as parquet."""

    _target_: str = "tasks.text_classification.data.HubTexts"
    id: str = MISSING
    """Data set on the hub, <owner>/<name>."""
    config: str | None = None
    """Which of its configs; null where it has one only."""
    revision: str | None = None
    """Branch, tag or commit that has parquet files; null is refs/convert/parquet, where the hub
    keeps all data sets so, or what the local cache has."""
    download: bool = False
    """Fetch it into the local cache of the hub first, and verify its checksums."""
    name: str | None = None
    """Name that results go by; null is <id>/<config>."""
    text_column: str = "text"
    """Column of texts."""
    label_column: str = "label"
    """Column of labels."""
    train_split: str = "train"
    """Its name for the training split."""
    validation_split: str | None = None
    """Its name for the validation split; null finds the usual names, or holds it out."""
    test_split: str | None = None
    """Its name for the test split; null finds the usual name, or holds it out."""
    validation: float = 0.1
    """Share of the training texts held out for validation, where there is no such split."""
    test: float = 0.2
    """Share of the training texts held out for the test, where there is no such split."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_share("validation", "test")


@dataclass(kw_only=True)
class PublishedTextsConfig(TextDataConfig):
    """Options of all standard sets."""

    path: str | None = None
    """Folder with the files as published, or with a table for each split; null is
    <cache>/data/<set>, or the local cache of the Hugging Face hub."""
    download: bool = False
    """Fetch parquet files from the hub into that folder where it lacks the set, and verify their
    checksums."""
    id: str = ""
    """Where the hub has the set."""
    config: str | None = None
    """Its config there."""
    revision: str = "refs/convert/parquet"
    """Its branch, tag or commit there that has parquet files."""
    validation: float = 0.1
    """Share of the training texts held out for validation, where no such split is published."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_share("validation")


@dataclass(kw_only=True)
class AGNewsConfig(PublishedTextsConfig):
    """AG News."""

    _target_: str = "tasks.text_classification.data.AGNews"


@dataclass(kw_only=True)
class Banking77Config(PublishedTextsConfig):
    """Banking77."""

    _target_: str = "tasks.text_classification.data.Banking77"


@dataclass(kw_only=True)
class IMDbConfig(PublishedTextsConfig):
    """IMDb reviews."""

    _target_: str = "tasks.text_classification.data.IMDb"


@dataclass(kw_only=True)
class SST2Config(PublishedTextsConfig):
    """Stanford Sentiment Treebank, two classes, whole sentences."""

    _target_: str = "tasks.text_classification.data.SST2"


@dataclass(kw_only=True)
class SST2GLUEConfig(PublishedTextsConfig):
    """Stanford Sentiment Treebank, two classes, as in GLUE."""

    _target_: str = "tasks.text_classification.data.SST2GLUE"


@dataclass(kw_only=True)
class TRECConfig(PublishedTextsConfig):
    """TREC questions, six classes."""

    _target_: str = "tasks.text_classification.data.TREC"


DATA_SCHEMAS: dict[str, type] = {
    "data/ag_news": AGNewsConfig,
    "data/banking77": Banking77Config,
    "data/hub_texts": HubTextsConfig,
    "data/imdb": IMDbConfig,
    "data/language_names": LanguageNamesConfig,
    "data/sst2": SST2Config,
    "data/sst2_glue": SST2GLUEConfig,
    "data/text_files": TextFilesConfig,
    "data/trec": TRECConfig,
}
"""Schemas of what is here, by the name that `conf/` refers to as `/schema/<name>`."""
