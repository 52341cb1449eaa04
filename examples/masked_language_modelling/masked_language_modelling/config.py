"""The options of the task and of its data: their types, what they mean and what is allowed.

Read before torch is: a wrong option is told at once.
"""

from dataclasses import dataclass
from typing import ClassVar

from suite import DataConfig, TaskConfig

KIND = "plain text"


@dataclass(kw_only=True)
class MaskedLanguageModellingConfig(TaskConfig):
    """Hidden characters of lines of text."""

    data_kind: ClassVar[str] = KIND
    losses: ClassVar[tuple[str, ...]] = ("masked_cross_entropy",)

    _target_: str = "masked_language_modelling.task.MaskedLanguageModelling"
    embedding: int = 64
    """Features of a character's embedding."""
    share: float = 0.15
    """Share of a line's characters that are to be told."""

    def __post_init__(self) -> None:
        self.require_positive("embedding", "share")
        self.require_fraction("share")


@dataclass(kw_only=True)
class PythonReferenceConfig(DataConfig):
    """Lines of the Python Language Reference, which comes with Python; another version, other text.

    A line's split goes by its hash: 80, 10 and 10 per cent.
    """

    kind: ClassVar[str] = KIND

    _target_: str = "masked_language_modelling.data.PythonReference"


@dataclass(kw_only=True)
class TextLinesConfig(DataConfig):
    """Lines of any text, split as those of the Python Language Reference are."""

    kind: ClassVar[str] = KIND

    _target_: str = "masked_language_modelling.data.TextLines"
    path: str = "???"
    """The file."""


SCHEMAS = {
    "task/masked_language_modelling": MaskedLanguageModellingConfig,
    "data/python_reference": PythonReferenceConfig,
    "data/text_lines": TextLinesConfig,
}
