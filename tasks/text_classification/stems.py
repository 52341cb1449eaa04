"""Input layers for text: embeddings of tokens and of their n-grams, or the tokens themselves.

Legend: B batch, T positions, W words, D features, N order of an n-gram.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite import (
    Batch,
    Form,
    Grid,
    GridSpec,
    Sequence,
    SequenceSpec,
    Stem,
    Tokens,
    TokenSpec,
    length_mask,
    uniform,
)
from tasks.text_classification.config import TextClassificationConfig, Unit

_TOKEN_STREAM, _WORD_STREAM, _NGRAM_STREAM, _PHRASE_STREAM = 0, 1, 16, 32
_OUTSIDE = -1
"""The part of the text that padding is in."""
_PRIME, _SPREAD, _FINAL = 1_000_003, 0x9E3779B1, 0x2545F4914F6CDD1D
"""Odd factors that carry every token's bits into the whole word, which wraps around."""


class TokenStem(Stem):
    """Tokens as they are, for a backbone that embeds them itself."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = TokenSpec()

    def forward(self, batch: Batch) -> Tokens:
        """Read `tokens_BT` and `length_B`."""
        tokens_BT = batch["tokens_BT"]
        return Tokens(tokens_BT, length_mask(batch["length_B"], tokens_BT.shape[1]))


class TextStem(Stem):
    """Adds up embeddings at each position and offers them in either form.

    A grid has the features as channels and a height of one. Positions are tokens; with
    `unit: subword` n-grams stay within words, sums go over all of a word, and positions are words.
    """

    def __init__(self, config: TextClassificationConfig, *, vocabulary: int, form: Form) -> None:
        super().__init__()
        features = config.embedding
        self.form = form
        self.subword = config.unit is Unit.subword
        self.token_dropout = config.token_dropout
        self.word_dropout = config.word_dropout
        self.tokens = nn.Embedding(vocabulary, features)
        self.ngrams = nn.ModuleList(
            NgramEmbedding(order, features, config.ngram_buckets, config.ngram_dropout)
            for order in range(2, config.ngrams + 1)
        )
        self.phrases = nn.ModuleList(
            NgramEmbedding(
                order, features, config.ngram_buckets, config.ngram_dropout, _PHRASE_STREAM
            )
            for order in range(1, config.word_ngrams + 1)
        )
        nn.init.normal_(self.tokens.weight, std=0.1)
        self.norm = nn.LayerNorm(features) if config.embedding_norm else nn.Identity()
        self.spec = (
            SequenceSpec(features=features)
            if form is Form.SEQUENCE
            else GridSpec(channels=features, height=1)
        )

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Read `tokens_BT` and `length_B`; with subwords `word_length_BW` and `words_B` too."""
        tokens_BT = batch["tokens_BT"]
        mask_BT = length_mask(batch["length_B"], tokens_BT.shape[1])
        part_BT = torch.where(mask_BT, _words(batch, tokens_BT) if self.subword else 0, _OUTSIDE)
        values_BTD = self.tokens(tokens_BT)
        if self.training and self.token_dropout:
            values_BTD = values_BTD * _kept(batch, _TOKEN_STREAM, tokens_BT, self.token_dropout)
        for embedding in self.ngrams:
            values_BTD = values_BTD + embedding(tokens_BT, part_BT, batch)
        if self.subword:
            words = batch["word_length_BW"].shape[1]
            values_BTD = _summed(values_BTD, part_BT, words)
            mask_BT = length_mask(batch["words_B"], words)
            if self.phrases:
                word_BW = _word_numbers(tokens_BT, part_BT, batch["word_length_BW"])
                text_BW = torch.where(mask_BT, 0, _OUTSIDE)
                for embedding in self.phrases:
                    values_BTD = values_BTD + embedding(word_BW, text_BW, batch)
            if self.training and self.word_dropout:
                values_BTD = values_BTD * _kept(batch, _WORD_STREAM, mask_BT, self.word_dropout)
        values_BTD = self.norm(values_BTD)
        if self.form is Form.SEQUENCE:
            return Sequence(values_BTD, mask_BT)
        return Grid(values_BTD.transpose(1, 2).unsqueeze(2), mask_BT)


def _words(batch: Batch, tokens_BT: Tensor) -> Tensor:
    """Return the number of the word (B, T) that each position is in."""
    end_BW = batch["word_length_BW"].cumsum(1)
    position_BT = torch.arange(tokens_BT.shape[1], device=tokens_BT.device).expand_as(tokens_BT)
    return torch.searchsorted(end_BW, position_BT.contiguous(), right=True)


def _word_numbers(tokens_BT: Tensor, word_BT: Tensor, length_BW: Tensor) -> Tensor:
    """Return a number (B, W) for each word that depends on its characters and their order."""
    start_BW = length_BW.cumsum(1) - length_BW
    inside_BT = word_BT >= 0
    place_BT = word_BT.clamp(min=0)
    offset_BT = torch.arange(tokens_BT.shape[1], device=tokens_BT.device) - start_BW.gather(
        1, place_BT
    )
    number_BT = (tokens_BT + 1) * _SPREAD ^ (offset_BT * _PRIME)
    number_BT = (number_BT ^ (number_BT >> 29)) * _FINAL
    number_BT = (number_BT ^ (number_BT >> 32)) * inside_BT
    # Sums of integers are the same in every order.
    return torch.zeros_like(length_BW).scatter_add_(1, place_BT, number_BT)


def _summed(values_BTD: Tensor, word_BT: Tensor, words: int) -> Tensor:
    """Sum up the positions of each word: (B, T, D) -> (B, W, D)."""
    # A product with zeros and ones: unlike scattering it sums in the same order on every device.
    member_BWT = word_BT.unsqueeze(1) == torch.arange(words, device=word_BT.device).unsqueeze(1)
    return member_BWT.to(values_BTD.dtype) @ values_BTD


class NgramEmbedding(nn.Module):
    """Embeds the n-gram around each position, by a hash of its tokens (Weinberger et al. 2009)."""

    def __init__(
        self, order: int, features: int, buckets: int, dropout: float, stream: int = _NGRAM_STREAM
    ) -> None:
        super().__init__()
        self.order = order
        self.dropout = dropout
        self.stream = stream + order
        self.table = nn.Embedding(buckets, features)
        nn.init.normal_(self.table.weight, std=0.05)

    def forward(self, tokens_BT: Tensor, part_BT: Tensor, batch: Batch) -> Tensor:
        """Return (B, T, D); zero where the n-gram would reach beyond its part of the text."""
        before = (self.order - 1) // 2
        reach = (before, self.order - 1 - before)
        window_BTN = F.pad(tokens_BT, reach).unfold(1, self.order, 1)
        part_BTN = F.pad(part_BT, reach, value=_OUTSIDE).unfold(1, self.order, 1)
        same_BT = (part_BTN[..., 0] == part_BT) & (part_BTN[..., -1] == part_BT)
        whole_BT = same_BT & (part_BT != _OUTSIDE)
        rows_BT = ngram_rows(window_BTN, self.table.num_embeddings)
        weight_BT = whole_BT.to(self.table.weight.dtype)
        if self.training and self.dropout:
            kept_BT1 = _kept(batch, self.stream, tokens_BT, self.dropout)
            weight_BT = weight_BT * kept_BT1.squeeze(-1)
        return cast(Tensor, self.table(rows_BT) * weight_BT.unsqueeze(-1))


def ngram_rows(window_BTN: Tensor, buckets: int) -> Tensor:
    """Return the row (B, T) that each n-gram is hashed to."""
    word = torch.full(window_BTN.shape[:-1], window_BTN.shape[-1], device=window_BTN.device)
    for column in window_BTN.unbind(-1):
        word = (word * _PRIME) ^ (column * _SPREAD)
    word = (word ^ (word >> 29)) * _FINAL
    return (word ^ (word >> 32)) % buckets


def _kept(batch: Batch, stream: int, tokens_BT: Tensor, dropout: float) -> Tensor:
    """Return (B, T, 1): 0 where dropped, else what keeps the expected sum the same."""
    drawn_BT = uniform(batch["key_B"], stream, tokens_BT.shape[1])
    return ((drawn_BT >= dropout) / (1 - dropout)).unsqueeze(-1)
