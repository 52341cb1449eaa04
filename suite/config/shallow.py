"""Options of what is fitted on hand-made features, and finds none of its own."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from suite.config.node import Node


class Kernel(enum.Enum):
    """What a support vector machine compares two examples by."""

    linear = "linear"
    rbf = "rbf"


@dataclass(kw_only=True)
class HandMadeConfig(Node):
    """A backbone fitted on hand-made features; loss, optimizer, schedule and trainer play no part.

    The options are those of the features; each kind reads its own. See `Task.hand_made`.
    """

    group: ClassVar[str] = "backbone"

    _target_: str = ""
    """Dotted path of what is fitted."""
    features: str = "auto"
    """Kind of features: pixels or hog of images, tfidf_words, tfidf_characters or tfidf (both) of
    texts, log_mel or mfcc of recordings; auto leaves the choice to the task."""
    cell: int | None = None
    """HOG: side of a cell in pixels; null is an eighth of the image's shorter side, from 2 on."""
    block: int = 2
    """HOG: side in cells of the blocks that contrast is normalised over."""
    orientations: int = 9
    """HOG: bins from 0 to 180 degrees."""
    words: int = 2
    """TF-IDF: longest n-gram of words."""
    characters: int = 4
    """TF-IDF: longest n-gram of characters within a word."""
    sublinear: bool = False
    """TF-IDF: 1 + log of a term's count instead of the count."""
    coefficients: int = 20
    """MFCC: cepstral coefficients; at most task.mels."""
    segments: int = 8
    """log_mel, mfcc: equal parts of a recording that each has its mean of."""

    def __post_init__(self) -> None:
        self.require_positive(
            "cell", "block", "orientations", "words", "characters", "coefficients", "segments"
        )

    @property
    def solver(self) -> str:
        """What minimises, in the optimizer's place in tables."""
        raise NotImplementedError

    @property
    def loss(self) -> str:
        """What it minimises, in the loss's place in tables."""
        raise NotImplementedError


@dataclass(kw_only=True)
class SVMConfig(HandMadeConfig):
    """Support vector machine, through scikit-learn."""

    _target_: str = "suite.shallow.SVM"
    kernel: Kernel = Kernel.linear
    """linear (one class against the rest, liblinear), or rbf (each pair of classes, libsvm)."""
    C: float | None = None
    """Weight of the training loss against the norm; null is the one of `grid` that validates
    best."""
    grid: list[float] | None = None
    """Values of C to try, upwards, until two in a row validate worse than the best; null is 0.01,
    0.03, 0.1, 0.3, 1, 3, 10 for a linear kernel, and 0.3, 1, 3, 10, 30, 100 for rbf."""
    gamma: float | None = None
    """rbf: inverse width of the kernel; null is 1 / (features * their variance)."""
    tolerance: float | None = None
    """Where the solver stops; null is the solver's own default, 0.1 (liblinear) or 0.001
    (libsvm)."""
    max_iterations: int = 1000
    """Passes of liblinear over the training split at most."""
    train_examples: int | None = None
    """Fit on so many training examples only, the same share of each class; null takes all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require_positive("C", "gamma", "tolerance", "max_iterations", "train_examples")
        rising = self.grid is None or (
            bool(self.grid) and self.grid[0] > 0 and self.grid == sorted(set(self.grid))
        )
        self.require("grid", rising, "numbers above 0, each larger than the one before")

    @property
    def solver(self) -> str:
        return "liblinear" if self.kernel is Kernel.linear else "libsvm"

    @property
    def loss(self) -> str:
        return "squared_hinge" if self.kernel is Kernel.linear else "hinge"

    def values_of_C(self) -> list[float]:
        """Return the values to try, upwards."""
        if self.C is not None:
            return [self.C]
        linear = self.kernel is Kernel.linear
        return self.grid or (
            [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0] if linear else [0.3, 1.0, 3.0, 10.0, 30.0, 100.0]
        )
