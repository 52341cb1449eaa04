"""The masked language modelling task.

Legend: N lines, B batch, T positions, V vocabulary.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import ClassVar, cast

import torch
from torch import nn
from torchmetrics import MetricCollection

from masked_language_modelling.data import VOCABULARY, Lines
from masked_language_modelling.loss import nats
from masked_language_modelling.masking import PADDING, mask
from masked_language_modelling.stem import CharacterStem
from suite import (
    BackboneBuilder,
    Batch,
    ConfigError,
    DataSet,
    DataSetTask,
    DeepModel,
    Direction,
    Examples,
    FrameHead,
    Interval,
    Loss,
    Ragged,
    RatioMetric,
    Target,
)


class MaskedLanguageModelling(DataSetTask):
    """Tells hidden characters from those around them; ranked by the share that is right.

    In training others are hidden in every epoch; in evaluation always the same ones. A batch holds
    `tokens_BT`, what is seen, and `label_BT`, what is to be told of it.
    """

    name: ClassVar[str] = "masked_language_modelling"
    unit: ClassVar[str] = "token"
    primary: ClassVar[str] = "accuracy"

    @cached_property
    def lines(self) -> Lines:
        """The lines as they are; read on first use."""
        lines: Lines = self.setup.data.load(self.setup.cache)
        return lines

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The splits, each line with what evaluation hides of it, on the device."""
        splits = {split: self._hidden(rows) for split, rows in self.lines.splits.items()}
        return DataSet(splits, self.lines.card).to(self.setup.device)

    def _hidden(self, rows: Ragged) -> Examples:
        index_N = torch.arange(len(rows))
        padded_NT, length_N = rows.take(index_N)
        seen_NT, label_NT = self._mask(padded_NT, length_N, key_B=index_N)
        pack = partial(_packed, length_N=length_N)
        return Examples(
            {"tokens_BT": pack(seen_NT), "label_BT": pack(label_NT)},
            unit_N=length_N.double(),
            length_N=length_N,
        )

    @property
    def _mask(self) -> "partial[tuple[torch.Tensor, torch.Tensor]]":
        return partial(mask, share=self.config.share, vocabulary=VOCABULARY)

    def train_batches(self, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        for batch in super().train_batches(seed=seed, skip=skip):
            label_BT = batch["label_BT"]
            whole_BT = torch.where(label_BT == PADDING, batch["tokens_BT"], label_BT)
            # The key is another in every epoch.
            seen_BT, label_BT = self._mask(whole_BT, batch["length_B"], batch["key_B"])
            yield replace(
                batch, tensors={**batch.tensors, "tokens_BT": seen_BT, "label_BT": label_BT}
            )

    @property
    def target(self) -> Target:  # type: ignore[override]
        threshold = self.setup.known.target or 0.6
        return Target(metric="accuracy", threshold=threshold, direction=Direction.MAXIMIZE)

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        stem = CharacterStem(backbone, VOCABULARY, features=self.config.embedding)
        hidden = backbone(stem.spec)
        if hidden.width_stride != 1:
            raise ConfigError(
                f"backbone={backbone.name}: makes one position of {hidden.width_stride}, but each "
                "character is asked for; choose a backbone that keeps them"
            )
        return DeepModel(stem, hidden, FrameHead(hidden.features, VOCABULARY))

    def metrics(self) -> MetricCollection:
        return MetricCollection(
            {
                "accuracy": RatioMetric(higher_is_better=True),
                "perplexity": RatioMetric(higher_is_better=False, transform=torch.exp),
            }
        )

    def evaluate(self, model: nn.Module, batch: Batch, metrics: MetricCollection) -> Loss:
        logits, label_BT = model(batch), batch["label_BT"]
        asked_BT = label_BT != PADDING
        right_BT = asked_BT & (logits.values_BTD.argmax(2) == label_BT)
        metrics["accuracy"].update(right_BT.sum(1), asked_BT.sum(1))
        metrics["perplexity"].update(nats(logits, label_BT).sum(1), asked_BT.sum(1))
        return self.setup.loss(logits, batch)

    def intervals(self, metrics: MetricCollection) -> Mapping[str, Interval]:
        # Whole lines are drawn again, since the characters of one are not independent.
        return {
            name: cast(RatioMetric, metrics[name]).interval() for name in ("accuracy", "perplexity")
        }


def _packed(values_NT: torch.Tensor, length_N: torch.Tensor) -> Ragged:
    """Return rows without their padding."""
    rows = zip(values_NT, length_N.tolist(), strict=True)
    return Ragged.from_rows([row_T[:length] for row_T, length in rows])
