"""A part of each embedded set: as many as asked for, and nothing has learned from the rest."""

import pytest
import torch

from suite import Split
from suite.compose import compose
from suite.run import build_task


def opened(overrides, *more):
    return build_task(compose([*overrides, *more]), torch.device("cpu"))


def test_a_task_serves_as_many_as_asked_for(embedded, embedded_name):
    task = opened(embedded[embedded_name], "data.train_examples=40")
    whole = opened(embedded[embedded_name])
    assert task.card().sizes["train"] == len(task.data.splits[Split.TRAIN]) == 40
    assert task.card().whole == whole.card().name
    for split in (Split.VALIDATION, Split.TEST):
        one, other = (next(iter(each.eval_batches(split))) for each in (task, whole))
        assert one.examples == other.examples
        assert one.units == other.units


def test_a_vocabulary_is_that_of_the_part(embedded):
    part = opened(embedded["language_names"], "data.train_examples=40")
    known = set("".join(part.texts.splits[Split.TRAIN].texts)) | {" "}
    vocabulary = {token for token in part.cut.tokenizer.get_vocab() if len(token) == 1}
    assert vocabulary == known


def test_symbols_are_those_of_the_part(embedded):
    part = opened(embedded["spoken_digits_ctc"], "data.train_examples=1")
    (text,) = part.recordings.splits[Split.TRAIN].texts
    assert set(text) == set(part.symbols.names)


def test_features_that_people_made_are_those_of_the_part(embedded):
    from suite.config import SVMConfig

    part = opened(embedded["language_names"], "data.train_examples=40", "backbone=svm")
    made = part.hand_made(SVMConfig())
    assert made.values[Split.TRAIN].shape[0] == 40
    # Each n-gram that there is a feature of is in the part.
    assert (made.values[Split.TRAIN].getnnz(0) > 0).all()


@pytest.mark.parametrize("name", ["digits", "language_names", "spoken_words"])
def test_fewer_classes_are_told_apart(embedded, name):
    task = opened(embedded[name], "data.classes=3")
    assert len(task.classes) == 3
    assert task.references == ()
    batches = task.eval_batches(Split.TEST)
    assert {int(label) for batch in batches for label in batch["label_B"]} == {0, 1, 2}
