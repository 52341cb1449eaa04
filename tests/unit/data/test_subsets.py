from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite import (
    ConfigError,
    DataCard,
    PluginError,
    Setup,
    Split,
    labelled_subset,
    unlabelled_subset,
)
from suite.data.subsets import check_taken, nested_order

CARD = DataCard(
    name="shapes", version="1", licence="", source="", fingerprint="f" * 64,
    sizes={"train": 60, "validation": 6, "test": 6},
)  # fmt: skip
LABELS = {
    Split.TRAIN: [0] * 40 + [1] * 15 + [2] * 5,
    Split.VALIDATION: [2, 1, 0, 2, 1, 0],
    Split.TEST: [0, 1, 2, 0, 1, 2],
}
CLASSES = ("round", "square", "odd")


def setup(**options):
    return Setup(
        data=None, loss=None, batch_size=1, eval_batch_size=1, seed=0,
        device=torch.device("cpu"), cache=Path(), **options,
    )  # fmt: skip


def subset(**options):
    return labelled_subset(setup(**options), CARD, LABELS, CLASSES)


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_every_prefix_holds_each_class_in_proportion(sizes):
    label_N = np.repeat(np.arange(len(sizes)), sizes)
    order = nested_order(label_N)
    assert sorted(order) == list(range(len(label_N)))
    whole = np.array(sizes)
    for n in range(len(sizes), len(label_N) + 1):
        count = np.bincount(label_N[order[:n]], minlength=len(sizes))
        assert count.min() >= 1
        # Nobody has taken a turn, beyond the first one, before another whose turn was earlier.
        taken = ((count - 0.5) / whole)[count > 1]
        waiting = ((count + 0.5) / whole)[count < whole]
        assert taken.max(initial=0) <= waiting.min(initial=1)


def test_shares_are_those_worked_out_by_hand():
    # Turns of (taken + 1/2) / size behind one of each: class 0 at 1.5/40, 2.5/40, …; class 1 at
    # 1.5/15 = 0.1 and 2.5/15 = 0.167; class 2 at 1.5/5 = 0.3. Of ten, seven turns are left: five of
    # class 0 (to 5.5/40 = 0.1375), 6.5/40 = 0.1625 and one of class 1.
    label_N = np.array(LABELS[Split.TRAIN])
    assert np.bincount(label_N[nested_order(label_N)[:10]]).tolist() == [7, 2, 1]
    assert np.bincount(label_N[nested_order(label_N)[:3]]).tolist() == [1, 1, 1]


def test_subsets_are_nested_and_no_seed_changes_them():
    kept = [
        set(labelled_subset(replace(setup(), seed=n, train_examples=n), CARD, LABELS, CLASSES)
            .indices[Split.TRAIN])
        for n in (3, 10, 11, 40)
    ]  # fmt: skip
    assert [len(one) for one in kept] == [3, 10, 11, 40]
    assert kept[0] < kept[1] < kept[2] < kept[3]
    # Not those that stand first: 40 of class 0 are in the front.
    assert max(kept[1]) > 40


def test_the_card_is_of_another_set_with_the_same_test():
    small, smaller = subset(train_examples=20), subset(train_examples=19)
    assert (small.card.name, small.card.whole) == ("shapes, 20 examples", "shapes")
    assert small.card.sizes == {"train": 20, "validation": 6, "test": 6}
    assert small.card.published_test
    assert len({CARD.fingerprint, small.card.fingerprint, smaller.card.fingerprint}) == 3
    assert small.classes == CLASSES
    assert subset() is None
    assert subset(train_examples=60, classes=3) is None


def test_fewer_classes_are_another_test():
    two = subset(classes=2, train_examples=11)
    assert two.classes == ("round", "square")
    assert two.card.name == "shapes, 2 classes, 11 examples"
    assert two.card.sizes == {"train": 11, "validation": 4, "test": 4}
    assert two.indices[Split.TEST] == [0, 1, 3, 4]
    assert not two.card.published_test
    assert subset(classes=2).card.name == "shapes, 2 classes"


def test_recordings_without_labels_keep_their_lengths():
    lengths = {split: np.arange(100)[::-1] for split in Split}
    found = unlabelled_subset(setup(train_examples=20), CARD, lengths)
    tenths = np.array(found.indices[Split.TRAIN]) // 10
    assert np.bincount(tenths).tolist() == [2] * 10
    assert len(found.indices[Split.TEST]) == 100


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"train_examples": 61}, r"data.train_examples=61: shapes has 60 training examples"),
        ({"train_examples": 2}, r"data.train_examples=2: below the 3 classes of shapes"),
        ({"classes": 4}, r"data.classes=4: shapes has 3 classes"),
        ({"classes": 2, "train_examples": 56}, "has 55 training examples"),
    ],
)
def test_what_cannot_be_taken_is_told(options, told):
    with pytest.raises(ConfigError, match=told):
        subset(**options)


def test_a_task_without_classes_is_told_so():
    lengths = {split: [1.0, 2.0] for split in Split}
    with pytest.raises(ConfigError, match="shapes has no classes"):
        unlabelled_subset(setup(classes=2), CARD, lengths)


def test_a_task_that_takes_all_is_found_out():
    part = subset(train_examples=20).card
    check_taken(setup(train_examples=20), part, CLASSES)
    check_taken(setup(train_examples=60), CARD, CLASSES)
    check_taken(setup(), CARD, None)
    with pytest.raises(PluginError, match=r"data.train_examples=20: the task takes all 60"):
        check_taken(setup(train_examples=20), CARD, CLASSES)
    with pytest.raises(PluginError, match=r"data.classes=2: the task does not heed it"):
        check_taken(setup(classes=2), CARD, CLASSES)
