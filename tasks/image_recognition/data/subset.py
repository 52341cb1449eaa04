"""A part of a set of images, found without reading any."""

import torch
from torch import Tensor

from suite import DataSet, Served, Setup, StreamedExamples, labelled_subset
from tasks.image_recognition.data.encoded import Fetch


def part_of(data: DataSet, setup: Setup) -> DataSet:
    """Return what `data.train_examples` and `data.classes` leave of a data set."""
    if setup.train_examples is None and setup.classes is None:
        return data
    labels = {split: _labels(served) for split, served in data.splits.items()}
    found = labelled_subset(setup, data.card, labels, data.classes)
    if found is None:
        return data
    splits = {
        split: served.only(torch.tensor(found.indices[split], dtype=torch.int64))
        for split, served in data.splits.items()
    }
    return DataSet(splits, found.card, found.classes)


def _labels(served: Served) -> Tensor:
    if isinstance(served, StreamedExamples) and isinstance(served.fetch, Fetch):
        return torch.from_numpy(served.fetch.label_N)
    return served.take(torch.arange(len(served)))["label_B"]
