"""Cuts texts into tokens: characters, words or pieces of words, learned on the training split.

Token 0 is padding, token 1 is unknown.
"""

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tasks.text_classification.config import TextClassificationConfig, Unit

# The library warns when a process that used its threads forks; our batches are cut once.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

PADDING, UNKNOWN = 0, 1
_SPECIAL = ["[PAD]", "[UNK]"]


def train_tokenizer(config: TextClassificationConfig, texts: Sequence[str]) -> Tokenizer:
    """Return a tokenizer whose vocabulary comes from these texts."""
    unknown = _SPECIAL[UNKNOWN]
    common: dict[str, Any] = {
        "vocab_size": max(config.vocabulary, len(_SPECIAL)),
        "special_tokens": _SPECIAL,
        "show_progress": False,
    }
    trainer: Any = None
    if config.unit is Unit.wordpiece:
        tokenizer = Tokenizer(models.WordPiece(unk_token=unknown))
    elif config.unit is Unit.bpe:
        tokenizer = Tokenizer(models.BPE(unk_token=unknown))
        trainer = trainers.BpeTrainer(min_frequency=config.minimum_count, **common)
    else:
        tokenizer = Tokenizer(models.WordLevel(unk_token=unknown))
        trainer = trainers.WordLevelTrainer(min_frequency=config.minimum_count, **common)
    if config.unit in (Unit.character, Unit.subword):
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    steps = [normalizers.NFC(), *([normalizers.Lowercase()] if config.lowercase else [])]
    tokenizer.normalizer = normalizers.Sequence(steps)
    framed = [_framed(config, text) for text in texts]
    if config.unit is Unit.wordpiece:
        return _wordpiece(tokenizer, common, config.minimum_count, framed)
    tokenizer.train_from_iterator(framed, trainer)
    return tokenizer


def _wordpiece(
    tokenizer: Tokenizer, common: dict[str, Any], minimum_count: int, texts: Sequence[str]
) -> Tokenizer:
    """Train pieces of words such that the same texts give the same pieces and numbers.

    The library numbers letters inside of words in the order of a hash table, which is another one
    in each call, and merges by these numbers where counts are equal. Numbered here, as if special,
    they stay.
    """
    inner: set[str] = set()
    for text in texts:
        words = tokenizer.pre_tokenizer.pre_tokenize_str(tokenizer.normalizer.normalize_str(text))
        for word, _ in words:
            inner.update(word[1:])
    numbered = [*_SPECIAL, *(f"##{letter}" for letter in sorted(inner))]
    trainer = trainers.WordPieceTrainer(
        **{**common, "special_tokens": numbered}, min_frequency=minimum_count
    )
    tokenizer.train_from_iterator(texts, trainer)
    pieces = models.WordPiece(tokenizer.get_vocab(), unk_token=_SPECIAL[UNKNOWN])
    trained = Tokenizer(pieces)
    trained.pre_tokenizer, trained.normalizer = tokenizer.pre_tokenizer, tokenizer.normalizer
    return trained


def encode(
    config: TextClassificationConfig, tokenizer: Tokenizer, texts: Sequence[str]
) -> list[Tensor]:
    """Return the tokens of each text, (T,) int64, at least one and at most `max_tokens`."""
    encoded = tokenizer.encode_batch([_framed(config, text) for text in texts])
    rows = (encoding.ids[: config.max_tokens] or [UNKNOWN] for encoding in encoded)
    return [torch.tensor(row, dtype=torch.int64) for row in rows]


def encode_words(
    config: TextClassificationConfig, tokenizer: Tokenizer, texts: Sequence[str]
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the characters of each text, (T,) int64, and how many are in each word, (W,) int64.

    Each word has a space at both ends. A word that `max_tokens` cuts through keeps its beginning.
    """
    words = sorted({word for text in texts for word in text.split()})
    encoded = tokenizer.encode_batch([_framed(config, word) for word in words])
    tokens = {word: row.ids for word, row in zip(words, encoded, strict=True)}
    rows, lengths = [], []
    for text in texts:
        row: list[int] = []
        ends = [0]
        for word in text.split():
            row += tokens[word]
            ends.append(min(len(row), config.max_tokens))
        row = row[: config.max_tokens] or [UNKNOWN]
        ends = ends if ends[-1] else [0, 1]
        rows.append(torch.tensor(row, dtype=torch.int64))
        length = torch.tensor(ends, dtype=torch.int64).diff()
        lengths.append(length[length > 0])
    return rows, lengths


def _framed(config: TextClassificationConfig, text: str) -> str:
    """Put a space at both ends of characters, so that first and last letters can be told."""
    if config.unit is Unit.subword:
        return "".join(f" {word} " for word in text.split())
    return f" {text} " if config.unit is Unit.character else text
