"""The regression task.

Legend: B batch, K numbers to predict (one).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, cast

import torch
from torch import nn
from torchmetrics import MetricCollection
from torchmetrics.regression import R2Score

from suite import (
    BackboneBuilder,
    Batch,
    DataSet,
    DataSetTask,
    DeepModel,
    Direction,
    Interval,
    Loss,
    PooledHead,
    RatioMetric,
    Split,
    Target,
    unlabelled_subset,
)
from tabular_regression.data import Table, served
from tabular_regression.stem import FeatureStem


class TabularRegression(DataSetTask):
    """One number for each row; ranked by the root mean squared error, in the target's own unit.

    The model learns the target with mean 0 and deviation 1 of the training rows, so that the same
    learning rates suit targets of any unit.
    """

    name: ClassVar[str] = "tabular_regression"
    unit: ClassVar[str] = "row"
    primary: ClassVar[str] = "rmse"

    @cached_property
    def table(self) -> Table:
        """The rows in their own units; read on first use."""
        table: Table = self.setup.data.load(self.setup.cache)
        # data.train_examples: fewer rows, of small and large targets as all rows have them.
        targets = {split: target_NK[:, 0] for split, target_NK in table.target.items()}
        subset = unlabelled_subset(self.setup, table.card, targets)
        if subset is None:
            return table
        features, target = (
            {split: column[split][list(subset.indices[split])] for split in Split}
            for column in (table.features, table.target)
        )
        return Table(features, target, subset.card)

    @cached_property
    def scale(self) -> tuple[float, float]:
        """Mean and deviation of the target over the training rows."""
        target_NK = self.table.target[Split.TRAIN]
        return float(target_NK.mean()), float(target_NK.std())

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """The splits, with targets as the model learns them, on the device."""
        mean, deviation = self.scale
        target = {split: (one - mean) / deviation for split, one in self.table.target.items()}
        splits = served(self.table.features, target)
        return DataSet(splits, self.table.card).to(self.setup.device)

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        # What is known of the data set; else to be better than its mean.
        threshold = self.setup.known.target or self.scale[1]
        return Target(metric="rmse", threshold=threshold, direction=Direction.MINIMIZE)

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        rows_NF = self.table.features[Split.TRAIN]
        stem = FeatureStem(backbone, rows_NF, width=self.config.embedding)
        hidden = backbone(stem.spec)
        return DeepModel(stem, hidden, PooledHead(hidden.features, 1))

    def metrics(self) -> MetricCollection:
        rmse = RatioMetric(higher_is_better=False, transform=torch.sqrt)
        return MetricCollection({"rmse": rmse, "r2": R2Score()})

    def evaluate(self, model: nn.Module, batch: Batch, metrics: MetricCollection) -> Loss:
        mean, deviation = self.scale
        outputs_BK = model(batch)
        predicted_B = outputs_BK[:, 0].double() * deviation + mean
        true_B = batch["target_BK"][:, 0].double() * deviation + mean
        metrics["rmse"].update((predicted_B - true_B).square())
        metrics["r2"].update(predicted_B, true_B)
        return self.setup.loss(outputs_BK, batch)

    def intervals(self, metrics: MetricCollection) -> Mapping[str, Interval]:
        return {"rmse": cast(RatioMetric, metrics["rmse"]).interval()}
