"""What the names of a batch's tensors tell."""

import torch

from suite import Batch
from suite.checking.naming import few_of, labels_of, same, with_labels_of


def batch(**tensors):
    return Batch({name: torch.tensor(rows) for name, rows in tensors.items()}, 6, 12.0, 18.0)


def test_few_examples_are_of_many_classes():
    some = batch(item_B=[0, 1, 2, 3, 4, 5], label_B=[7, 7, 7, 8, 8, 9])
    few = few_of(some, 4)
    assert few["item_B"].tolist() == [0, 1, 3, 5]
    assert (few.examples, few.units, few.padded_units) == (4, 8.0, 12.0)
    assert few_of(batch(item_B=[0, 1, 2, 3, 4, 5]), 2)["item_B"].tolist() == [0, 1]
    assert few_of(some, 99).examples == 6


def test_labels_have_a_row_for_each_example():
    some = batch(label_B=[1] * 6, target_BK=[[0.0]] * 6, label_BT=[[1, 2]] * 6, item_B=[0] * 6)
    assert list(labels_of(some)) == ["label_B", "target_BK"]


def test_others_labels_and_nothing_else():
    some = batch(item_B=[0, 1, 2, 3, 4, 5], label_B=[7, 7, 7, 8, 8, 9], key_B=[1] * 6)
    other = with_labels_of(some, torch.arange(6).roll(1))
    assert other["label_B"].tolist() == [9, 7, 7, 7, 8, 8]
    assert torch.equal(other["item_B"], some["item_B"])
    assert not same(some, other)


def test_keys_may_be_left_out():
    one, other = batch(item_B=[0] * 6, key_B=[1] * 6), batch(item_B=[0] * 6, key_B=[2] * 6)
    assert not same(one, other)
    assert same(one, other, but_keys=True)
