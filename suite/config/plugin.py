"""Options that tasks and data sources have; their own dataclasses extend these."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import ClassVar

from suite.config.node import Node


@dataclass(kw_only=True)
class TaskConfig(Node):
    """Options of a task; a plugin's own dataclass extends it.

    data_kind: what the task reads; it fits data sources of the same kind.
    losses: names of the losses that suit the task; empty allows all.
    hand_made: kinds of hand-made features that the task has; empty where it has none.
    """

    group: ClassVar[str] = "task"
    data_kind: ClassVar[str] = ""
    losses: ClassVar[tuple[str, ...]] = ()
    hand_made: ClassVar[tuple[str, ...]] = ()

    _target_: str = ""
    """Dotted path of the `Task` class."""


class ReferenceKind(enum.Enum):
    """What a reference is a result of."""

    published = "published"
    human = "human"
    baseline = "baseline"


@dataclass(kw_only=True)
class ReferenceConfig(Node):
    """A result of others on the same test split. Never an estimate: where none is known, none."""

    group: ClassVar[str] = "data.references"

    name: str = ""
    """Model or people."""
    metric: str = "accuracy"
    """Which metric of the task it is."""
    value: float = 0.0
    """As the source gives it, as a share; a return as the sum that it is."""
    kind: ReferenceKind = ReferenceKind.published
    """published, human, or a baseline from hand-made features."""
    uses: str = ""
    """What it used beyond the training split (pretraining, a language model), or what differs."""
    n: int | None = None
    """Runs, or people, behind the value, where the source tells."""
    source: str = ""
    """Where it is written: paper with its table, or page."""

    def __post_init__(self) -> None:
        self.require("source", bool(self.source), "given: a result that nobody wrote is none")


class OnError(enum.Enum):
    """What to do about a sample that cannot be read.

    stop: the run ends with its name. skip: it is left out, named and counted.
    """

    stop = "stop"
    skip = "skip"


@dataclass(kw_only=True)
class DataConfig(Node):
    """Options of a data source; a plugin's own dataclass extends it.

    A standard set has the options `path` (null is the cache) and `download`; what a source of the
    user's own files needs has the default "???"; `triathlon list` goes by that.

    kind: what it holds ("image", "text", "speech", …), matched with the task's `data_kind`.
    refuses_download: why a standard set cannot be downloaded; empty where it can.
    """

    group: ClassVar[str] = "data"
    kind: ClassVar[str] = ""
    refuses_download: ClassVar[str] = ""
    came_later: ClassVar[tuple[str, ...]] = ("train_examples", "classes")

    _target_: str = ""
    """Dotted path of the data source; empty where the task opens its data itself."""
    on_error: OnError = OnError.stop
    """A sample that cannot be used stops the run, or is skipped, named and counted: one that cannot
    be read, or whose label or transcript is missing or unknown to training."""
    max_skipped: float = 0.01
    """Share of a split that data.on_error=skip may leave out before the run stops after all."""
    references: list[ReferenceConfig] = field(default_factory=list)
    """Results of others on this test split."""
    test_examples: int | None = None
    """Size of the test split that the references are results on; another size has none."""
    target: float | None = None
    """Validation value that time-to-target races to on this set; null is the task's default."""
    licence: str | None = None
    """Licence of the data; null is what the source knows of it."""
    source: str | None = None
    """Where the data comes from: a page, a paper; null is what the source knows of it."""
    version: str | None = None
    """Version of the data; null is what the source knows of it."""
    train_examples: int | None = None
    """Examples to train on: each class has its share, what n examples hold more of them hold too,
    and another seed has the same; null is all. Validation and test stay as they are."""
    classes: int | None = None
    """Classes to tell apart, the first ones in the set's order, in all splits; null is all. That is
    another test split: results of others are none on it."""

    def __post_init__(self) -> None:
        self.require_positive("train_examples")
        self.require("classes", self.classes is None or self.classes >= 2, "2 or above, or null")
        self.require("max_skipped", 0 <= self.max_skipped <= 1, "between 0 and 1")


KNOWLEDGE = (
    "references", "test_examples", "target", "max_skipped", "licence", "source", "version",
)  # fmt: skip
"""Options of every data source that the suite reads, not the source. None can change a result."""

PORTIONS = ("train_examples", "classes")
"""Options of every data source that its task heeds, not the source: how much of it to take."""
