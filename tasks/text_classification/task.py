"""The text classification task.

Legend: B batch, T positions, W words, K classes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn

from suite import (
    BackboneBuilder,
    Batch,
    Classification,
    ConfigError,
    DataCard,
    DataSet,
    DeepModel,
    Direction,
    Examples,
    Form,
    HandMade,
    HandMadeConfig,
    Loss,
    PooledHead,
    Ragged,
    Shown,
    Split,
    Stem,
    Target,
    Tokenizer,
    shown_text,
)
from tasks.text_classification.cutting import Cut, cut
from tasks.text_classification.data import TextSet
from tasks.text_classification.data.subset import part_of
from tasks.text_classification.hand_made import hand_made
from tasks.text_classification.properties import properties
from tasks.text_classification.stems import TextStem, TokenStem

_TARGET = 0.85
"""Validation accuracy to race to on a data set that nothing is known of."""


class TextClassification(Classification):
    """One label for each text; ranked by accuracy."""

    name: ClassVar[str] = "text_classification"
    unit: ClassVar[str] = "token"

    @cached_property
    def texts(self) -> TextSet:
        """The texts as they are; read on first use."""
        return part_of(self.setup.data.load(self.setup.cache), self.setup)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.texts.classes

    def card(self) -> DataCard:
        return self.setup.known.described(self.texts.card)

    @cached_property
    def cut(self) -> Cut:
        """The texts in tokens, and the tokenizer, which is learned on the training split."""
        return cut(self.config, self.texts, self.setup.cache)

    tokens_of_backbone: Tokenizer | None = None
    """The tokenizer that came with a pretrained backbone, which then wins over our own."""

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The splits as tokens, on the device."""
        own = self.cut if self.tokens_of_backbone is None else None
        splits = {}
        for split, part in self.texts.splits.items():
            columns: dict[str, torch.Tensor | Ragged] = {"label_B": torch.tensor(part.labels)}
            if own is None:
                tokens = self._tokens_of_backbone(part.texts)
            else:
                tokens = own.tokens[split]
                if split in own.words:
                    columns["word_length_BW"] = own.words[split]
            splits[split] = Examples(
                {"tokens_BT": tokens, **columns},
                unit_N=tokens.length_N.double(),
                length_N=tokens.length_N,
            )
        data = DataSet(splits, self.texts.card, self.texts.classes)
        return data.to(self.setup.device, workers=self.setup.workers)

    def _tokens_of_backbone(self, texts: Sequence[str]) -> Ragged:
        assert self.tokens_of_backbone is not None
        rows = self.tokens_of_backbone.encode(list(texts), self.config.max_tokens)
        return Ragged.from_rows([torch.tensor(row, dtype=torch.int64) for row in rows])

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        threshold = self.config.target or self.setup.known.target or _TARGET
        return Target(metric="accuracy", threshold=threshold, direction=Direction.MAXIMIZE)

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        form = backbone.choose(Form.TOKENS, Form.SEQUENCE, Form.GRID)
        self._cut_by(backbone.intake.tokenizer if form is Form.TOKENS else None)
        stem: Stem
        if form is Form.TOKENS:
            stem = TokenStem()
        else:
            vocabulary = self.cut.tokenizer.get_vocab_size()
            stem = TextStem(self.config, vocabulary=vocabulary, form=form)
        hidden = backbone(stem.spec)
        classes = len(self.texts.classes)
        head = PooledHead(
            hidden.features,
            classes,
            dropout=self.config.head_dropout,
            pool=self.config.pool.value,
        )
        return DeepModel(stem, hidden, head)

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        weight = self.config.consistency
        if not weight:
            return super().loss(model, batch)
        # Both passes in one, the second with keys of its own.
        other = {**batch.tensors, "key_B": ~batch["key_B"]}
        both = {name: torch.cat([one, other[name]]) for name, one in batch.items()}
        twice = replace(batch, tensors=both, examples=2 * batch.examples)
        logits_BK = model(twice)
        total = self.setup.loss(logits_BK, twice).total / 2
        return Loss(total + weight * divergence(*logits_BK.chunk(2)), batch.examples)

    def hand_made(self, options: HandMadeConfig) -> HandMade:
        return hand_made(options, self.texts, lowercase=self.config.lowercase)

    def properties(self, split: Split, indices: Sequence[int]) -> Mapping[str, Tensor]:
        return properties([self.texts.splits[split].texts[i] for i in indices])

    def groups(self, split: Split, indices: Sequence[int]) -> list[str]:
        groups = self.texts.splits[split].groups
        return [groups[i] for i in indices] if groups else []

    def show(self, split: Split, index: int) -> Shown:
        return shown_text(self.texts.splits[split].texts[index])

    def pieces(self, split: Split, index: int) -> list[str]:
        batch = self.data.splits[split].take(torch.tensor([index]))
        ids = batch["tokens_BT"][0].tolist()
        if self.tokens_of_backbone is not None:
            return self.tokens_of_backbone.decode(ids)
        tokens = [self.cut.tokenizer.id_to_token(number) or "" for number in ids]
        if "word_length_BW" not in batch:
            return tokens
        ends = batch["word_length_BW"][0].cumsum(0).tolist()
        starts = [0, *ends[:-1]]
        return ["".join(tokens[a:b]).strip() for a, b in zip(starts, ends, strict=True)]

    def _cut_by(self, opens: Callable[[], Tokenizer] | None) -> None:
        """Cut texts by the tokenizer of a backbone, or by our own; cut them again where it changed.

        A backbone's tokenizer has no part in what the task's own is told to do.
        """
        if opens is None and self.tokens_of_backbone is None:
            return
        if opens is not None:
            for name, nothing in (("ngrams", 1), ("ngram_dropout", 0), ("token_dropout", 0)):
                value = getattr(self.config, name)
                if value != nothing:
                    raise ConfigError(
                        f"task.{name}={value}: the backbone cuts and embeds texts itself; "
                        f"set task.{name}={nothing}"
                    )
        self.tokens_of_backbone = None if opens is None else opens()
        self.__dict__.pop("data", None)


def divergence(one_BK: Tensor, other_BK: Tensor) -> Tensor:
    """Return how far apart two predictions are, of logits: summed over texts.

    The mean of the Kullback-Leibler divergences either way.
    """
    one_BK, other_BK = one_BK.float().log_softmax(1), other_BK.float().log_softmax(1)
    return ((one_BK.exp() - other_BK.exp()) * (one_BK - other_BK)).sum() / 2
