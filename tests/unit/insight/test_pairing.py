from collections import Counter
from types import SimpleNamespace

import pytest

from suite.errors import ConfigError
from suite.insight.pairing import label_name, pair, shuffled
from suite.task import Split


def _subject(task, name="other"):
    return SimpleNamespace(task=task, name=name)


def test_a_spoken_digit_goes_with_an_image_of_it(open_task):
    images, words = open_task("digits"), open_task("spoken_words")
    pairs = pair(_subject(images), _subject(words), 60)
    assert pairs.by == "label"
    numbers = images.take(Split.TEST, pairs.one)["label_B"].tolist()
    heard = words.take(Split.TEST, pairs.other)["label_B"].tolist()
    for number, word, label in zip(numbers, heard, pairs.labels, strict=True):
        assert label_name(images.classes[number]) == words.classes[word] == label
    assert set(pairs.labels) == {"zero", "one", "two", "three", "four", "five", "six", "seven",
                                 "eight", "nine"}  # fmt: skip
    assert max(Counter(pairs.labels).values()) <= 6
    assert len(set(pairs.one)) == len(pairs.one) <= 60


def test_an_example_goes_with_itself(open_task):
    task = open_task("digits")
    pairs = pair(_subject(task), _subject(task), 50)
    assert (pairs.by, pairs.one, len(pairs.one)) == ("example", pairs.other, 50)


@pytest.mark.parametrize("name", ["language_names", "spoken_digits_ctc"])
def test_without_common_labels_nothing_pairs(open_task, name):
    with pytest.raises(ConfigError, match="neither the examples nor 2 labels of digits"):
        pair(_subject(open_task("digits")), _subject(open_task(name)), 50)


def test_chance_takes_pairs_apart():
    order = shuffled(100)
    assert sorted(order) == list(range(100))
    assert sum(at == i for at, i in enumerate(order)) < 10
