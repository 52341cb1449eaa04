"""A part of a set of texts, taken before any tokenizer learns from it."""

from suite import Setup, labelled_subset
from tasks.text_classification.data.texts import TextSet


def part_of(texts: TextSet, setup: Setup) -> TextSet:
    """Return what `data.train_examples` and `data.classes` leave of a data set."""
    if setup.train_examples is None and setup.classes is None:
        return texts
    labels = {split: part.labels for split, part in texts.splits.items()}
    found = labelled_subset(setup, texts.card, labels, texts.classes)
    if found is None:
        return texts
    splits = {split: part.only(found.indices[split]) for split, part in texts.splits.items()}
    return TextSet(splits, found.classes, found.card)
