"""Cuts all texts of a set into tokens, once: the next run finds them on disk, and the next run of a
sweep in memory.

Legend: B batch, T positions, W words.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tokenizers
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from tokenizers import Tokenizer

from suite import Ragged, Split, atomic_path, remembered
from tasks.text_classification.config import TextClassificationConfig, Unit
from tasks.text_classification.data import TextSet
from tasks.text_classification.tokens import encode, encode_words, train_tokenizer

_FORMAT = 1
"""Raise when texts are cut in another way, so that what was cut before is not used."""


@dataclass(frozen=True)
class Cut:
    """Every split in tokens, ragged `tokens_BT`; with `unit: subword` the tokens of each word,
    ragged `word_length_BW`.
    """

    tokenizer: Tokenizer
    tokens: Mapping[Split, Ragged]
    words: Mapping[Split, Ragged]


def cut(config: TextClassificationConfig, texts: TextSet, cache: Path) -> Cut:
    """Return the texts in tokens of a tokenizer that is learned on the training split."""
    key = (
        _FORMAT,
        tokenizers.__version__,
        texts.card.fingerprint,
        config.unit.value,
        config.vocabulary,
        config.minimum_count,
        config.lowercase,
        config.max_tokens,
    )
    name = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
    return remembered("text tokens", key, lambda: _kept(config, texts, cache / f"tokens-{name}"))


def _kept(config: TextClassificationConfig, texts: TextSet, stem: Path) -> Cut:
    file = stem.with_suffix(".safetensors")
    # A file that is not whole, or not ours, is made anew.
    with suppress(OSError, SafetensorError, KeyError, ValueError):
        return _read(file, subword=config.unit is Unit.subword)
    made = _made(config, texts)
    with suppress(OSError), atomic_path(file) as path:  # a full disk costs the next run some time
        _write(made, path)
    return made


def _made(config: TextClassificationConfig, texts: TextSet) -> Cut:
    tokenizer = train_tokenizer(config, texts.splits[Split.TRAIN].texts)
    tokens, words = {}, {}
    for split, part in texts.splits.items():
        if config.unit is Unit.subword:
            rows, lengths = encode_words(config, tokenizer, part.texts)
            words[split] = Ragged.from_rows(lengths, "words_B")
        else:
            rows = encode(config, tokenizer, part.texts)
        tokens[split] = Ragged.from_rows(rows)
    return Cut(tokenizer, tokens, words)


def _write(made: Cut, path: Path) -> None:
    tensors = {}
    for name, parts in (("tokens", made.tokens), ("words", made.words)):
        for split, ragged in parts.items():
            tensors[f"{split.value}.{name}"] = ragged.flat.int()
            tensors[f"{split.value}.{name}.length"] = ragged.length_N.int()
    save_file(tensors, path, {"tokenizer": made.tokenizer.to_str()})


def _read(file: Path, *, subword: bool) -> Cut:
    with safe_open(file, "pt") as kept:
        tokenizer = Tokenizer.from_str(kept.metadata()["tokenizer"])
        splits = [split for split in Split if f"{split.value}.tokens" in kept.keys()]

        def ragged(split: Split, name: str, length_name: str) -> Ragged:
            flat: Any = kept.get_tensor(f"{split.value}.{name}")
            length: Any = kept.get_tensor(f"{split.value}.{name}.length")
            return Ragged(flat.to(torch.int64), length.to(torch.int64), length_name)

        tokens = {split: ragged(split, "tokens", "length_B") for split in splits}
        words = {split: ragged(split, "words", "words_B") for split in splits if subword}
    return Cut(tokenizer, tokens, words)
