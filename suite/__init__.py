"""Triathlon: a multimodal deep-learning benchmark suite.

These names are the public API for task authors. Those that need torch are imported when first used,
so that the command line starts quickly.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from suite.config import DataConfig, HandMadeConfig, LossConfig, OnError, TaskConfig
from suite.contract import CONTRACT
from suite.errors import (
    ConfigError,
    DataError,
    PluginError,
    TriathlonError,
    nearest,
)
from suite.plugins import Plugin

if TYPE_CHECKING:
    from suite.classification import Classification, DataSetTask
    from suite.data.cache import atomic_path
    from suite.data.counter import normal, uniform
    from suite.data.dividing import labelled_data_set
    from suite.data.fingerprint import fingerprint
    from suite.data.lines import csv_rows, json_of, lines_of, unwritable
    from suite.data.memo import remembered
    from suite.data.memory import DataSet, Examples, Ragged
    from suite.data.serving import Served
    from suite.data.skipped import Sieve, kept_faults, require_classes
    from suite.data.splits import hold_out, split_of
    from suite.data.streaming import StreamedExamples
    from suite.data.subsets import Subset, labelled_part, labelled_subset, unlabelled_subset
    from suite.features import (
        Backbone,
        BackboneBuilder,
        DeepModel,
        Form,
        FrameHead,
        Grid,
        GridSpec,
        PooledHead,
        Sequence,
        SequenceSpec,
        Stem,
        Tokenizer,
        Tokens,
        TokenSpec,
        Wave,
        WaveSpec,
        length_mask,
    )
    from suite.figures import confusion_matrix_png
    from suite.mistakes import Shown, shown_pixels, shown_text, shown_wave
    from suite.ratio_metric import RatioMetric
    from suite.statistics import Interval, bootstrap_ratio, wilson
    from suite.stems.image import ImageStem, automatic_patch, channel_statistics
    from suite.stems.sequence import SequenceStem
    from suite.stems.sound import LogMelStem
    from suite.stems.text import BYTE_TOKENS, EmbeddingStem, byte_tokens
    from suite.task import (
        Batch,
        DataCard,
        Direction,
        Figure,
        HandMade,
        Known,
        Loss,
        Mistake,
        Reference,
        Setup,
        Skipped,
        Split,
        Target,
        Task,
    )
    from suite.trust.archives import extract_archive, read_member
    from suite.trust.paths import inside
    from suite.trust.text import printable

_LAZY = {
    "suite.task": (
        "Batch", "DataCard", "Direction", "Figure", "HandMade", "Known", "Loss", "Mistake",
        "Reference", "Setup", "Skipped", "Split", "Target", "Task",
    ),
    "suite.features": (
        "Backbone", "BackboneBuilder", "DeepModel", "Form", "FrameHead", "Grid", "GridSpec",
        "PooledHead", "Sequence", "SequenceSpec", "Stem", "TokenSpec", "Tokenizer", "Tokens",
        "Wave", "WaveSpec", "length_mask",
    ),
    "suite.data.cache": ("atomic_path",),
    "suite.data.counter": ("normal", "uniform"),
    "suite.data.dividing": ("labelled_data_set",),
    "suite.data.fingerprint": ("fingerprint",),
    "suite.data.lines": ("csv_rows", "json_of", "lines_of", "unwritable"),
    "suite.data.memo": ("remembered",),
    "suite.data.memory": ("DataSet", "Examples", "Ragged"),
    "suite.data.serving": ("Served",),
    "suite.data.skipped": ("Sieve", "kept_faults", "require_classes"),
    "suite.data.splits": ("hold_out", "split_of"),
    "suite.data.streaming": ("StreamedExamples",),
    "suite.data.subsets": ("Subset", "labelled_part", "labelled_subset", "unlabelled_subset"),
    "suite.classification": ("Classification", "DataSetTask"),
    "suite.figures": ("confusion_matrix_png",),
    "suite.mistakes": ("Shown", "shown_pixels", "shown_text", "shown_wave"),
    "suite.ratio_metric": ("RatioMetric",),
    "suite.stems.image": ("ImageStem", "automatic_patch", "channel_statistics"),
    "suite.stems.sequence": ("SequenceStem",),
    "suite.stems.sound": ("LogMelStem",),
    "suite.stems.text": ("BYTE_TOKENS", "EmbeddingStem", "byte_tokens"),
    "suite.trust.archives": ("extract_archive", "read_member"),
    "suite.trust.paths": ("inside",),
    "suite.trust.text": ("printable",),
    "suite.statistics": ("Interval", "bootstrap_ratio", "wilson"),
}  # fmt: skip
_HOME = {name: module for module, names in _LAZY.items() for name in names}

__all__ = [
    "BYTE_TOKENS",
    "CONTRACT",
    "Backbone",
    "BackboneBuilder",
    "Batch",
    "Classification",
    "ConfigError",
    "DataCard",
    "DataConfig",
    "DataError",
    "DataSet",
    "DataSetTask",
    "DeepModel",
    "Direction",
    "EmbeddingStem",
    "Examples",
    "Figure",
    "Form",
    "FrameHead",
    "Grid",
    "GridSpec",
    "HandMade",
    "HandMadeConfig",
    "ImageStem",
    "Interval",
    "Known",
    "LogMelStem",
    "Loss",
    "LossConfig",
    "Mistake",
    "OnError",
    "Plugin",
    "PluginError",
    "PooledHead",
    "Ragged",
    "RatioMetric",
    "Reference",
    "Sequence",
    "SequenceSpec",
    "SequenceStem",
    "Served",
    "Setup",
    "Shown",
    "Sieve",
    "Skipped",
    "Split",
    "Stem",
    "StreamedExamples",
    "Subset",
    "Target",
    "Task",
    "TaskConfig",
    "TokenSpec",
    "Tokenizer",
    "Tokens",
    "TriathlonError",
    "Wave",
    "WaveSpec",
    "atomic_path",
    "automatic_patch",
    "bootstrap_ratio",
    "byte_tokens",
    "channel_statistics",
    "confusion_matrix_png",
    "csv_rows",
    "extract_archive",
    "fingerprint",
    "hold_out",
    "inside",
    "json_of",
    "kept_faults",
    "labelled_data_set",
    "labelled_part",
    "labelled_subset",
    "length_mask",
    "lines_of",
    "nearest",
    "normal",
    "printable",
    "read_member",
    "remembered",
    "require_classes",
    "shown_pixels",
    "shown_text",
    "shown_wave",
    "split_of",
    "uniform",
    "unlabelled_subset",
    "unwritable",
    "wilson",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'suite' has no attribute '{name}'")
    return getattr(import_module(_HOME[name]), name)
