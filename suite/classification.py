"""Tasks over a data set of known examples, and among them those with one label for each.

A plugin that extends `Classification` says where its data is and what its stem looks like; the rest
is here.

Legend: B batch, K classes.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from suite.data.memory import DataSet
from suite.data.order import evaluation_order
from suite.data.subsets import labelled_part
from suite.features import BackboneBuilder, DeepModel, PooledHead, Stem
from suite.mistakes import MOST, Shown
from suite.statistics import Interval, bootstrap_macro_f1, wilson
from suite.task import (
    Batch,
    DataCard,
    Direction,
    Figure,
    Loss,
    Mistake,
    Split,
    Target,
    Task,
)

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from suite.predictions import Predictions

_TARGET = 0.9
"""Validation accuracy to race to where neither the data nor the task names one."""


class DataSetTask(Task):
    """A task that serves its batches from `data`, a property that opens it on first use."""

    data: DataSet

    def train_batches(self, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        split = self.data.splits[Split.TRAIN]
        return split.training(
            self.setup.batch_size, seed=seed, skip=skip, buckets=self.setup.buckets
        )

    def share_of_training(self, *, seed: int, skip: int, rank: int, size: int) -> Iterator[Batch]:
        if type(self).train_batches is not DataSetTask.train_batches:
            yield from super().share_of_training(seed=seed, skip=skip, rank=rank, size=size)
            return
        # Only its share is read.
        split = self.data.splits[Split.TRAIN]
        yield from split.training(
            self.setup.batch_size,
            seed=seed,
            skip=skip,
            buckets=self.setup.buckets,
            share=(rank, size),
        )

    def share_of_evaluation(self, split: Split, *, rank: int, size: int) -> Iterator[Batch]:
        if type(self).eval_batches is not DataSetTask.eval_batches:
            return super().share_of_evaluation(split, rank=rank, size=size)
        return self.data.splits[split].evaluation(self.setup.eval_batch_size, share=(rank, size))

    def eval_batches(self, split: Split) -> Iterable[Batch]:
        return self.data.splits[split].evaluation(self.setup.eval_batch_size)

    def evaluated(self, split: Split, places: Sequence[int]) -> list[int]:
        """Return the index in the split of what `eval_batches` yields at these places.

        A task that serves its examples in another order says so here too.
        """
        served = self.data.splits[split]
        order = evaluation_order(len(served), self.setup.eval_batch_size, length_N=served.length_N)
        index_N = torch.cat(list(order))
        return [int(index_N[place]) for place in places]

    def take(self, split: Split, indices: Sequence[int]) -> Batch:
        """Return the batch of these examples of a split, as evaluation reads them."""
        return self.data.splits[split].take(torch.as_tensor(indices, dtype=torch.int64))

    def pieces(self, split: Split, index: int) -> Sequence[str]:
        """Return what each position of a text stands for, in words; empty for other than texts."""
        return ()

    def groups(self, split: Split, indices: Sequence[int]) -> Sequence[str]:
        names = self.data.groups.get(split)
        return () if names is None else [names[index] for index in indices]

    def example_batch(self) -> Batch:
        return self.data.splits[Split.VALIDATION].typical(self.setup.eval_batch_size)

    def batches_per_epoch(self) -> int | None:
        return self.data.splits[Split.TRAIN].batches_per_epoch(self.setup.batch_size)

    def forget_data(self) -> bool:
        return self.data.splits[Split.TRAIN].forget()

    def card(self) -> DataCard:
        return self.setup.known.described(self.data.card)


class Classification(DataSetTask):
    """One label, `label_B`, for each example; the model returns logits (B, K).

    The smallest one says where its data is (`load`, or a source of the `data` group) and what its
    input layer is (`stem`). Where its configuration has `head_dropout`, that share of features is
    dropped before the output layer.
    """

    primary = "accuracy"

    def load(self) -> DataSet:
        """Return the data set, on the host; `data` asks once, on first use."""
        loaded: DataSet = self.setup.data.load(self.setup.cache)
        return loaded

    @cached_property
    def data(self) -> DataSet:  # type: ignore[override]
        """What `data.train_examples` and `data.classes` leave of the data set, on the device."""
        return labelled_part(self.load(), self.setup).to(
            self.setup.device,
            workers=self.setup.workers,
            worker_timeout=self.setup.worker_timeout,
        )

    @cached_property
    def target(self) -> Target:  # type: ignore[override]
        """The data set's own, else 90% of the validation split."""
        threshold = self.setup.known.target or _TARGET
        return Target(metric="accuracy", threshold=threshold, direction=Direction.MAXIMIZE)

    def stem(self, backbone: BackboneBuilder) -> Stem:
        """Return the input layer, in a form that the backbone takes."""
        raise NotImplementedError

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        stem = self.stem(backbone)
        hidden = backbone(stem.spec)
        dropout = getattr(self.config, "head_dropout", 0.0)
        head = PooledHead(hidden.features, len(self.classes), dropout=dropout)
        return DeepModel(stem, hidden, head)

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

        from suite.predictions import Predictions

        classes = len(self.classes)
        # Labels are checked when data opens; to check them again would wait for the device.
        return MetricCollection(
            {
                "accuracy": MulticlassAccuracy(classes, average="micro", validate_args=False),
                "macro_f1": MulticlassF1Score(classes, average="macro", validate_args=False),
                "confusion": MulticlassConfusionMatrix(classes, validate_args=False),
                "predictions": Predictions(),
            }
        )

    def evaluate(self, model: nn.Module, batch: Batch, metrics: "MetricCollection") -> Loss:
        logits_BK: Tensor = model(batch)
        confidence_B = logits_BK.float().softmax(1).amax(1)
        metrics.update(logits_BK.argmax(1), batch["label_B"], confidence_B=confidence_B)
        return self.setup.loss(logits_BK, batch)

    def intervals(self, metrics: "MetricCollection") -> Mapping[str, Interval]:
        counts_KK: Tensor = metrics["confusion"].compute().cpu()
        return {
            "accuracy": wilson(int(counts_KK.trace()), int(counts_KK.sum())),
            "macro_f1": bootstrap_macro_f1(counts_KK.numpy()),
        }

    def figures(self, metrics: "MetricCollection") -> Iterable[Figure]:
        from suite.figures import confusion_matrix_png  # matplotlib, once there is a picture

        counts_KK: Tensor = metrics["confusion"].compute().cpu()
        cells = [(*at, int(counts_KK[*at])) for at in counts_KK.nonzero().tolist()]
        counts = {"classes": list(self.classes), "true_predicted_count": cells}
        return [
            Figure("confusion_matrix", confusion_matrix_png(counts_KK, self.classes)),
            Figure("confusion_matrix", json.dumps(counts).encode(), ".json"),
        ]

    def mistakes(self, metrics: "MetricCollection") -> Iterable[Mistake]:
        """Return the wrong predictions that the model was surest of, where `show` shows them."""
        if "predictions" not in metrics:  # a plugin's own
            return
        wrong = cast("Predictions", metrics["predictions"]).surest_mistakes(MOST)
        indices = self.evaluated(Split.TEST, [one.place for one in wrong])
        for one, index in zip(wrong, indices, strict=True):
            shown = self.show(Split.TEST, index)
            if shown is None:
                return
            yield Mistake(
                content=shown.content,
                suffix=shown.suffix,
                true=self.classes[one.true],
                predicted=self.classes[one.predicted],
                confidence=one.confidence,
                name=shown.name,
            )

    def show(self, split: Split, index: int) -> Shown | None:
        """Return an example as one sees, reads or hears it; None where there is no such thing."""
        return None
