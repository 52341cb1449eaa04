"""Tasks over a data set of known examples, and among them those with one label for each.

A plugin that extends `Classification` says where its data is and what its stem looks like; the rest
is here.

Legend: B batch, K classes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from torch import Tensor, nn

from suite.data.memory import DataSet
from suite.statistics import Interval, bootstrap_macro_f1, wilson
from suite.task import Batch, DataCard, Figure, Loss, Split, Task

if TYPE_CHECKING:
    from torchmetrics import MetricCollection


class DataSetTask(Task):
    """A task that serves its batches from `data`, a property that opens it on first use."""

    data: DataSet

    def train_batches(self, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        split = self.data.splits[Split.TRAIN]
        return split.training(
            self.setup.batch_size, seed=seed, skip=skip, buckets=self.setup.buckets
        )

    def eval_batches(self, split: Split) -> Iterable[Batch]:
        return self.data.splits[split].evaluation(self.setup.eval_batch_size)

    def example_batch(self) -> Batch:
        return self.data.splits[Split.VALIDATION].typical(self.setup.eval_batch_size)

    def batches_per_epoch(self) -> int | None:
        return self.data.splits[Split.TRAIN].batches_per_epoch(self.setup.batch_size)

    def forget_data(self) -> bool:
        return self.data.splits[Split.TRAIN].forget()

    def card(self) -> DataCard:
        return self.data.card


class Classification(DataSetTask):
    """One label, `label_B`, for each example; the model returns logits (B, K)."""

    primary = "accuracy"

    @property
    def classes(self) -> Sequence[str]:
        """What the labels mean, in order."""
        return self.data.classes

    def metrics(self) -> "MetricCollection":
        from torchmetrics import MetricCollection
        from torchmetrics.classification import (
            MulticlassAccuracy,
            MulticlassConfusionMatrix,
            MulticlassF1Score,
        )

        classes = len(self.classes)
        # Labels are checked when data opens; to check them again would wait for the device.
        return MetricCollection(
            {
                "accuracy": MulticlassAccuracy(classes, average="micro", validate_args=False),
                "macro_f1": MulticlassF1Score(classes, average="macro", validate_args=False),
                "confusion": MulticlassConfusionMatrix(classes, validate_args=False),
            }
        )

    def evaluate(self, model: nn.Module, batch: Batch, metrics: "MetricCollection") -> Loss:
        logits_BK: Tensor = model(batch)
        metrics.update(logits_BK.argmax(1), batch["label_B"])
        return self.setup.loss(logits_BK, batch)

    def intervals(self, metrics: "MetricCollection") -> Mapping[str, Interval]:
        counts_KK: Tensor = metrics["confusion"].compute().cpu()
        return {
            "accuracy": wilson(int(counts_KK.trace()), int(counts_KK.sum())),
            "macro_f1": bootstrap_macro_f1(counts_KK.numpy()),
        }

    def figures(self, metrics: "MetricCollection") -> Iterable[Figure]:
        from suite.figures import confusion_matrix_png  # matplotlib, once there is a picture

        counts_KK: Tensor = metrics["confusion"].compute()
        return [Figure("confusion_matrix", confusion_matrix_png(counts_KK, self.classes))]
