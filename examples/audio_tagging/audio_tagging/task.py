"""The audio tagging task.

Legend: B batch, K tags.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, cast

from torch import nn
from torchmetrics import MetricCollection
from torchmetrics.classification import MultilabelAveragePrecision
from torchmetrics.utilities import dim_zero_cat

from audio_tagging.average_precision import bootstrap
from audio_tagging.stem import SpectrogramStem
from suite import (
    BackboneBuilder,
    Batch,
    DataSet,
    DataSetTask,
    DeepModel,
    Direction,
    Form,
    Interval,
    Loss,
    PooledHead,
    RatioMetric,
    Target,
)


class AudioTagging(DataSetTask):
    """Any number of tags for each recording; ranked by mean average precision over tags."""

    name: ClassVar[str] = "audio_tagging"
    unit: ClassVar[str] = "second"
    primary: ClassVar[str] = "mean_average_precision"

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The recordings, on the device; read or made on first use."""
        data: DataSet = self.setup.data.load(self.setup.cache, sample_rate=self.config.sample_rate)
        return data.to(self.setup.device)

    @property
    def target(self) -> Target:  # type: ignore[override]
        threshold = self.setup.known.target or 0.9
        return Target(metric=self.primary, threshold=threshold, direction=Direction.MAXIMIZE)

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        stem = SpectrogramStem(self.config, form=backbone.choose(Form.SEQUENCE, Form.GRID))
        hidden = backbone(stem.spec)
        # Each feature where it is strongest, beside its mean: a click is short.
        head = PooledHead(hidden.features, len(self.data.classes), pool="both")
        return DeepModel(stem, hidden, head)

    def metrics(self) -> MetricCollection:
        average_precision = MultilabelAveragePrecision(
            len(self.data.classes), average="macro", validate_args=False
        )
        micro_f1 = RatioMetric(higher_is_better=True)
        return MetricCollection({self.primary: average_precision, "micro_f1": micro_f1})

    def evaluate(self, model: nn.Module, batch: Batch, metrics: MetricCollection) -> Loss:
        logits_BK, label_BK = model(batch), batch["label_BK"]
        metrics[self.primary].update(logits_BK.float().sigmoid(), label_BK)
        # Twice the hits by what was told and what there was: a ratio of sums over recordings.
        told_BK = logits_BK > 0
        metrics["micro_f1"].update(
            2 * (told_BK & (label_BK > 0)).sum(1), told_BK.sum(1) + label_BK.sum(1)
        )
        return self.setup.loss(logits_BK, batch)

    def intervals(self, metrics: MetricCollection) -> Mapping[str, Interval]:
        ranked = cast(MultilabelAveragePrecision, metrics[self.primary])
        score_NK, label_NK = dim_zero_cat(ranked.preds), dim_zero_cat(ranked.target)
        return {
            self.primary: bootstrap(score_NK.cpu().numpy(), label_NK.cpu().numpy()),
            "micro_f1": cast(RatioMetric, metrics["micro_f1"]).interval(),
        }
