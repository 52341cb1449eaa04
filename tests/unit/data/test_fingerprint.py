import pytest
import torch

from suite import Examples, Ragged, Split, fingerprint


def _splits(**changes):
    options = {
        "label": [0, 1, 1],
        "flat": [1, 2, 3, 4],
        "lengths": [1, 2, 1],
        "dtype": torch.int64,
        "name": "label_B",
        "test": [2, 2, 2],
        **changes,
    }
    tokens = Ragged(torch.tensor(options["flat"]), torch.tensor(options["lengths"]))

    def part(labels):
        columns = {
            "tokens_BT": tokens,
            options["name"]: torch.tensor(labels, dtype=options["dtype"]),
        }
        return Examples(columns, torch.ones(3))

    return {Split.TRAIN: part(options["label"]), Split.TEST: part(options["test"])}


@pytest.mark.parametrize(
    "change",
    [
        {"label": [0, 1, 0]},
        {"label": [1, 0, 1]},
        {"flat": [1, 2, 3, 5]},
        {"lengths": [2, 1, 1]},
        {"dtype": torch.int32},
        {"name": "class_B"},
        {"test": [2, 2, 1]},
    ],
    ids=str,
)
def test_any_change_of_content_changes_it(change):
    assert fingerprint(_splits(**change)) != fingerprint(_splits())


def test_same_content_has_the_same_in_any_order_of_splits():
    splits = _splits()
    turned = dict(reversed(splits.items()))
    assert fingerprint(splits) == fingerprint(turned) == fingerprint(_splits())
    assert len(fingerprint(splits)) == 64


def test_splits_are_told_apart():
    splits = _splits()
    swapped = {Split.TRAIN: splits[Split.TEST], Split.TEST: splits[Split.TRAIN]}
    assert fingerprint(swapped) != fingerprint(splits)


def test_every_bit_of_a_long_column_counts():
    pixels = torch.zeros(100, 3, 4, 4, dtype=torch.uint8)
    before = fingerprint({Split.TRAIN: Examples({"pixels_BCHW": pixels}, torch.ones(100))})
    pixels[57, 2, 3, 1] = 1
    after = fingerprint({Split.TRAIN: Examples({"pixels_BCHW": pixels}, torch.ones(100))})
    assert before != after
