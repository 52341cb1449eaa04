"""Beam search over the words of a lexicon with an n-gram language model (flashlight-text, Kahn et
al. 2022), for what a model trained with CTC puts out.

A hypothesis scores the log probability of its best alignment, plus `weight` times the log10
probability that the language model gives it, plus `word_score` for each word.

Legend: T positions, K classes.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from suite import ConfigError
from tasks.speech_recognition.symbols import BLANK, Symbols

try:
    from flashlight.lib.text.decoder import (
        CriterionType,
        LexiconDecoder,
        LexiconDecoderOptions,
        SmearingMode,
        Trie,
        ZeroLM,
    )
    from flashlight.lib.text.decoder.kenlm import KenLM
    from flashlight.lib.text.dictionary import Dictionary
except ImportError as error:
    raise ConfigError(
        "task.decoder=beam: needs flashlight-text; pip install 'triathlon[beam]'"
    ) from error

_UNKNOWN = "<unk>"
_SYMBOLS = 40
"""Symbols, the likeliest ones, that hypotheses go on with at each position."""
_THRESHOLD = 25.0
"""Hypotheses whose score is this far below the best are given up."""
_NEVER = float("-inf")


@dataclass(frozen=True)
class Weights:
    """How much the language model and the number of words count beside the sound."""

    language_model: float
    word: float


class Beam:
    """Decodes into the words of a lexicon.

    words: the lexicon; what its symbols cannot spell is left out.
    language_model: an ARPA or KenLM file; None weighs all words alike.
    size: hypotheses kept at each position.
    """

    def __init__(
        self, symbols: Symbols, words: Sequence[str], language_model: Path | None, *, size: int
    ) -> None:
        self.size = size
        self._classes = symbols.classes
        spelled = {word: symbols.encode(word) for word in words}
        spelled = {
            word: spelling for word, spelling in spelled.items() if symbols.decode(spelling) == word
        }
        self._words = Dictionary([*spelled, _UNKNOWN])
        self._words.set_default_index(self._words.get_index(_UNKNOWN))
        self._language_model = self._load(language_model, list(spelled))
        # What may be repeated between words: where there is no symbol for a space, blanks.
        self._between = BLANK if symbols.space is None else symbols.space
        self._trie = Trie(symbols.classes, self._between)
        beginning = self._language_model.start(False)
        for word, spelling in spelled.items():
            index = self._words.get_index(word)
            _, score = self._language_model.score(beginning, index)
            for ending in _endings(spelling, symbols.space):
                self._trie.insert([*spelling, *ending], index, score)
        self._trie.smear(SmearingMode.MAX)

    def decode(self, log_probability_TK: Tensor, weights: Weights) -> str:
        """Return the words, joined by spaces, of one recording's log probabilities."""
        # One more position, so that the last word can end as any other.
        last_1K = torch.full((1, self._classes), _NEVER)
        last_1K[0, self._between] = 0
        rows_TK = torch.cat([log_probability_TK.float().cpu(), last_1K]).contiguous()
        results = self._decoder(weights).decode(rows_TK.data_ptr(), *rows_TK.shape)
        heard = [self._words.get_entry(index) for index in results[0].words if index >= 0]
        return " ".join(heard)

    def _decoder(self, weights: Weights) -> LexiconDecoder:
        options = LexiconDecoderOptions(
            beam_size=self.size,
            beam_size_token=min(_SYMBOLS, self._classes),
            beam_threshold=_THRESHOLD,
            lm_weight=weights.language_model,
            word_score=weights.word,
            unk_score=_NEVER,
            sil_score=0.0,
            log_add=False,
            criterion_type=CriterionType.CTC,
        )
        unknown = self._words.get_index(_UNKNOWN)
        return LexiconDecoder(
            options, self._trie, self._language_model, self._between, BLANK, unknown, [], False
        )

    def _load(self, path: Path | None, words: Sequence[str]) -> KenLM | ZeroLM:
        if path is None:
            return ZeroLM()
        if not path.is_file():
            raise ConfigError(f"task.language_model={path}: no such file; give an ARPA file")
        try:
            with _silenced():
                loaded = KenLM(str(path), self._words)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ConfigError(
                f"task.language_model={path}: is neither ARPA nor KenLM's own format ({reason})"
            ) from error
        beginning = loaded.start(False)
        _, unseen = loaded.score(beginning, self._words.get_index(_UNKNOWN))
        scores = (loaded.score(beginning, self._words.get_index(word))[1] for word in words)
        if all(score == unseen for score in scores):
            raise ConfigError(
                f"task.language_model={path}: knows none of {len(words)} words of the lexicon, "
                f"such as '{words[0]}'; write both in the same case, or set task.lowercase"
            )
        return loaded


def _endings(spelling: Sequence[int], space: int | None) -> list[list[int]]:
    """Return what has to stand at the end of a word's spelling: a space, where there is one.

    Pieces begin words themselves. There a blank may stand behind a word, since flashlight-text goes
    on to the next with a word's last symbol, which then could not last several positions; and it
    has to behind two equal symbols, for which one that lasts would be taken.
    """
    if space is not None:
        return [[space]]
    doubled = len(spelling) > 1 and spelling[-1] == spelling[-2]
    return [[BLANK]] if doubled else [[], [BLANK]]


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep what KenLM writes to the standard error (a bar, and advice) from the terminal."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
