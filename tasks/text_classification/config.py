"""Options of the text task. Nothing here imports torch."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import ClassVar

from suite import TaskConfig
from tasks.text_classification.data_config import DATA_SCHEMAS


class Unit(enum.Enum):
    """What a text is cut into."""

    character = "character"
    word = "word"
    wordpiece = "wordpiece"
    bpe = "bpe"
    subword = "subword"


class Pool(enum.Enum):
    """How the features of all positions become those of the text."""

    mean = "mean"
    max = "max"
    both = "both"


@dataclass(kw_only=True)
class TextClassificationConfig(TaskConfig):
    """Text classification.

    A pretrained backbone cuts texts with the tokenizer that came with it; of what follows it heeds
    `max_tokens`, `pool`, `head_dropout` and `target`.
    """

    data_kind: ClassVar[str] = "text"
    losses: ClassVar[tuple[str, ...]] = ("cross_entropy", "mse")
    hand_made: ClassVar[tuple[str, ...]] = ("tfidf", "tfidf_words", "tfidf_characters")

    _target_: str = "tasks.text_classification.task.TextClassification"
    unit: Unit = Unit.character
    """Characters, words, or pieces of words (WordPiece, BPE) learned on the training split; or
    subword: words (between spaces), each the sum of its characters and of their n-grams (Bojanowski
    et al. 2017, section 3.2), so that one unseen in training is known by its parts. The options
    below speak of characters then."""
    vocabulary: int = 8000
    """Largest number of different tokens; the rest are unknown."""
    minimum_count: int = 1
    """Times that a token has to occur in the training split to be known."""
    lowercase: bool = False
    """Fold case."""
    max_tokens: int = 256
    """Tokens after which a text is cut off."""
    embedding: int = 128
    """Features of a token."""
    embedding_norm: bool = True
    """Normalise the features of each position."""
    ngrams: int = 1
    """Longest n-gram of tokens that has an embedding of its own, added up at each position (as in
    Bojanowski et al. 2017); 1 has none."""
    word_ngrams: int = 0
    """Longest n-gram of whole words that has an embedding of its own, with `unit: subword`; 1 has
    words alone, 0 none."""
    ngram_buckets: int = 32768
    """Rows of each order's table; n-grams are hashed into them."""
    ngram_dropout: float = 0.0
    """Share of n-grams left out in training."""
    token_dropout: float = 0.0
    """Share of tokens left out in training."""
    word_dropout: float = 0.0
    """Share of words left blank in training, with `unit: subword` (Iyyer et al. 2015, section
    3.1)."""
    pool: Pool = Pool.mean
    """How positions become one vector: their mean, each feature's maximum, or both."""
    head_dropout: float = 0.0
    """Share of features dropped before the output layer."""
    consistency: float = 0.0
    """Weight of the divergence between two passes over a training text that drop different things,
    beside their mean loss (R-Drop, Liang et al. 2021, equation 4); a step costs twice as much. 0
    passes once."""
    target: float | None = None
    """Validation accuracy that time-to-target races to; null is the data set's own, else 0.85."""

    def __post_init__(self) -> None:
        self.require_positive("minimum_count", "max_tokens", "embedding", "ngrams", "ngram_buckets")
        self.require("vocabulary", self.vocabulary >= 2, "2 or above")
        self.require("word_ngrams", self.word_ngrams >= 0, "0 or above")
        self.require_fraction("ngram_dropout", "token_dropout", "word_dropout", "head_dropout")
        for name in ("word_ngrams", "word_dropout"):
            value = getattr(self, name)
            self.require(name, not value or self.unit is Unit.subword, "0 unless unit is subword")
        self.require("consistency", self.consistency >= 0, "0 or above")
        self.require("target", self.target is None or 0 < self.target <= 1, "above 0, at most 1")


SCHEMAS: dict[str, type] = {
    "task/text_classification": TextClassificationConfig,
    **DATA_SCHEMAS,
}
"""By the name that `conf/` refers to as `/schema/<name>`."""
