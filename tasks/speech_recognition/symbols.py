"""What a transcript is written in: characters, or pieces of words learned on training transcripts.

Symbol k is class k of the model; class 0 is CTC's blank, so symbols count from 1.
"""

import os
from abc import abstractmethod
from collections.abc import Iterable, Sequence

# The library warns when a process that used its threads forks; transcripts are cut once.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

BLANK = 0
_WORD = "▁"
"""Stands at the head of a piece that begins a word (SentencePiece, Kudo and Richardson 2018)."""


class Symbols:
    """Writes text as symbols and back.

    names: symbol k is names[k - 1]. space: the symbol between words, None where symbols begin them.
    """

    names: tuple[str, ...]
    space: int | None

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Return the symbols of a text, without what training never saw."""

    @abstractmethod
    def decode(self, symbols: Iterable[int]) -> str:
        """Return the text of symbols."""

    @property
    def classes(self) -> int:
        """Number of symbols and the blank."""
        return len(self.names) + 1


class Characters(Symbols):
    """The characters of the training transcripts, in order of their code points."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.names = tuple(sorted(set("".join(texts))))
        self._number = {name: k for k, name in enumerate(self.names, 1)}
        self.space = self._number.get(" ")

    def encode(self, text: str) -> list[int]:
        return [self._number[character] for character in text if character in self._number]

    def decode(self, symbols: Iterable[int]) -> str:
        return "".join(self.names[k - 1] for k in symbols)


class Pieces(Symbols):
    """Pieces of words by byte-pair encoding (Sennrich et al. 2016): frequent words become whole.

    size: pieces at most, but never fewer than there are characters.
    """

    def __init__(self, texts: Sequence[str], size: int) -> None:
        self.space = None
        self._seen = set("".join(texts))
        self._tokenizer = Tokenizer(models.BPE())
        self._tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=_WORD)
        trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False)
        self._tokenizer.train_from_iterator(texts, trainer)
        number = self._tokenizer.get_vocab()
        self.names = tuple(sorted(number, key=lambda name: number[name]))

    def encode(self, text: str) -> list[int]:
        seen = "".join(character for character in text if character in self._seen)
        plain = " ".join(seen.split())
        return [number + 1 for number in self._tokenizer.encode(plain).ids] if plain else []

    def decode(self, symbols: Iterable[int]) -> str:
        return "".join(self.names[k - 1] for k in symbols).replace(_WORD, " ").strip()
