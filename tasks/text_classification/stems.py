"""The input layer for text: embeddings of tokens and of their n-grams.

Legend: B batch, T positions, D features, N order of an n-gram.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from suite import Batch, Form, Grid, GridSpec, Sequence, SequenceSpec, Stem, length_mask, uniform
from tasks.text_classification.config import TextClassificationConfig

_TOKEN_STREAM, _NGRAM_STREAM = 0, 16
_PRIME, _SPREAD, _FINAL = 1_000_003, 0x9E3779B1, 0x2545F4914F6CDD1D
"""Odd factors that carry every token's bits into the whole word, which wraps around."""


class TextStem(Stem):
    """Adds up embeddings at each position and offers them in either form.

    A grid has the features as channels and a height of one.
    """

    def __init__(self, config: TextClassificationConfig, *, vocabulary: int, form: Form) -> None:
        super().__init__()
        features = config.embedding
        self.form = form
        self.token_dropout = config.token_dropout
        self.tokens = nn.Embedding(vocabulary, features)
        self.ngrams = nn.ModuleList(
            NgramEmbedding(order, features, config.ngram_buckets, config.ngram_dropout)
            for order in range(2, config.ngrams + 1)
        )
        nn.init.normal_(self.tokens.weight, std=0.1)
        self.norm = nn.LayerNorm(features) if config.embedding_norm else nn.Identity()
        self.spec = (
            SequenceSpec(features=features)
            if form is Form.SEQUENCE
            else GridSpec(channels=features, height=1)
        )

    def forward(self, batch: Batch) -> Sequence | Grid:
        """Read `tokens_BT` and `length_B`."""
        tokens_BT = batch["tokens_BT"]
        mask_BT = length_mask(batch["length_B"], tokens_BT.shape[1])
        values_BTD = self.tokens(tokens_BT)
        if self.training and self.token_dropout:
            values_BTD = values_BTD * _kept(batch, _TOKEN_STREAM, tokens_BT, self.token_dropout)
        for embedding in self.ngrams:
            values_BTD = values_BTD + embedding(tokens_BT, mask_BT, batch)
        values_BTD = self.norm(values_BTD)
        if self.form is Form.SEQUENCE:
            return Sequence(values_BTD, mask_BT)
        return Grid(values_BTD.transpose(1, 2).unsqueeze(2), mask_BT)


class NgramEmbedding(nn.Module):
    """Embeds the n-gram around each position, by a hash of its tokens (Weinberger et al. 2009)."""

    def __init__(self, order: int, features: int, buckets: int, dropout: float) -> None:
        super().__init__()
        self.order = order
        self.dropout = dropout
        self.table = nn.Embedding(buckets, features)
        nn.init.normal_(self.table.weight, std=0.05)

    def forward(self, tokens_BT: Tensor, mask_BT: Tensor, batch: Batch) -> Tensor:
        """Return (B, T, D); zero where the n-gram would reach beyond the text."""
        before = (self.order - 1) // 2
        reach = (before, self.order - 1 - before)
        window_BTN = F.pad(tokens_BT, reach).unfold(1, self.order, 1)
        whole_BT = F.pad(mask_BT, reach).unfold(1, self.order, 1).all(-1)
        rows_BT = ngram_rows(window_BTN, self.table.num_embeddings)
        weight_BT = whole_BT.to(self.table.weight.dtype)
        if self.training and self.dropout:
            kept_BT1 = _kept(batch, _NGRAM_STREAM + self.order, tokens_BT, self.dropout)
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
