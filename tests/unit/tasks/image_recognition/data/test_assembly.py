import pytest
import torch

from suite import DataError, Split
from tasks.image_recognition.data.assembly import About, Labelled, assemble


def labelled(levels, labels):
    pixels = torch.tensor(levels, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2)
    return Labelled(pixels.contiguous(), torch.tensor(labels))


def make(parts, classes=("a", "b"), validation=0.2, test=0.2):
    about = About(name="set", source="test")
    return assemble(parts, classes, about, validation=validation, test=test)


def levels(data, split):
    return data.splits[split].columns["pixels_BCHW"][:, 0, 0, 0].tolist()


def test_missing_splits_are_shares_of_the_whole():
    data = make({Split.TRAIN: labelled(range(200), [i % 2 for i in range(200)])})
    assert data.card.sizes == {"train": 120, "validation": 40, "test": 40}
    everything = [level for split in Split for level in levels(data, split)]
    assert sorted(everything) == list(range(200))
    assert data.card.notes == "test held out from train; validation held out from train"
    assert not data.card.published_test


def test_equal_images_stay_together():
    data = make({Split.TRAIN: labelled([i // 4 for i in range(200)], [0, 0, 1, 1] * 50)})
    seen = [set(levels(data, split)) for split in Split]
    assert sum(map(len, seen)) == 50


def test_the_division_is_a_matter_of_content_not_of_order():
    label = [i % 2 for i in range(100)]
    forth = make({Split.TRAIN: labelled(range(100), label)})
    back = make({Split.TRAIN: labelled(range(99, -1, -1), label[::-1])})
    assert sorted(levels(forth, Split.TEST)) == sorted(levels(back, Split.TEST))


def test_given_splits_are_kept_and_what_they_share_is_counted():
    data = make(
        {
            Split.TRAIN: labelled(range(40), [i % 2 for i in range(40)]),
            Split.TEST: labelled([0, 1, 2, 100, 100], [0, 1, 0, 0, 0]),
        }
    )
    assert levels(data, Split.TEST) == [0, 1, 2, 100, 100]
    assert data.card.sizes["validation"] == 8
    assert data.card.published_test
    held = len({0, 1, 2} & set(levels(data, Split.VALIDATION)))
    notes = data.card.notes
    assert ("of test also in validation" in notes) == bool(held)
    assert (f"{3 - held} of test also in train" in notes) == (held < 3)


def test_label_unseen_in_training():
    parts = {Split.TRAIN: labelled(range(20), [0] * 20), Split.TEST: labelled([50], [1])}
    with pytest.raises(
        DataError,
        match=r"set test image 0: its label 'b' has no image in training; .*on_error=skip",
    ):
        make(parts)


def test_too_few_images_for_a_split():
    with pytest.raises(
        DataError, match=r"no image in the validation split; .*change data\.validation"
    ):
        make({Split.TRAIN: labelled([1, 2], [0, 1])})
    with pytest.raises(DataError, match=r"no image in the train split; add images$"):
        make({Split.TRAIN: labelled([1, 2], [0, 1])}, test=0.75)
