import math

import numpy as np
import pytest

from suite import DataCard, HandMadeConfig, Split
from tasks.text_classification import hand_made as module
from tasks.text_classification.data import Texts, TextSet
from tasks.text_classification.hand_made import hand_made

CARD = DataCard(name="t", version="1", licence="-", source="-", fingerprint="f", sizes={})


def made(train=("a b", "a"), test=("b c!",), lowercase=True, **options):
    def texts(rows):
        return Texts(list(rows), [0, 1, 0, 1][: len(rows)])

    splits = {Split.TRAIN: texts(train), Split.VALIDATION: texts(test), Split.TEST: texts(test)}
    config = HandMadeConfig(**options)
    return hand_made(config, TextSet(splits, ("x", "y"), CARD), lowercase=lowercase)


def test_words_are_weighted_by_frequency_and_rarity():
    """Texts `a b` and `a`: a is in both, so weighs 1 + log(3/3); b in one, 1 + log(3/2)."""
    features = made(features="tfidf_words", words=1)
    rare = 1 + math.log(3 / 2)
    length = math.hypot(1, rare)
    expected = [[1 / length, rare / length], [1, 0]]
    assert np.allclose(features.values[Split.TRAIN].toarray(), expected)
    # What training has not seen counts for nothing.
    assert np.allclose(features.values[Split.TEST].toarray(), [[0, 1]])
    assert features.labels[Split.TRAIN].tolist() == [0, 1]
    assert features.values[Split.TRAIN].dtype == np.float32


def test_sublinear_takes_the_logarithm_of_counts():
    plain = made(train=("a a a b", "b"), features="tfidf_words", words=1)
    bent = made(train=("a a a b", "b"), features="tfidf_words", words=1, sublinear=True)
    rare = 1 + math.log(3 / 2)

    def ratio(features):
        a, b = features.values[Split.TRAIN].toarray()[0]
        return a / b

    assert ratio(plain) == pytest.approx(3 * rare)
    assert ratio(bent) == pytest.approx((1 + math.log(3)) * rare)


def test_ngrams_and_signs_are_words():
    # a, b, !, "a b", "b !"
    assert made(train=("a b!", "b"), features="tfidf_words").values[Split.TRAIN].shape == (2, 5)
    characters = made(train=("ab", "b"), features="tfidf_characters", characters=2)
    # " ", a, b, " a", ab, "b ", " b"
    assert characters.values[Split.TRAIN].shape == (2, 7)


def test_case_is_folded_as_the_task_says():
    assert made(train=("A", "a"), words=1, features="tfidf_words").values[Split.TRAIN].shape[1] == 1
    cased = made(train=("A", "a"), words=1, features="tfidf_words", lowercase=False)
    assert cased.values[Split.TRAIN].shape[1] == 2


def test_both_kinds_stand_side_by_side():
    features = made(features="tfidf")
    parts = [made(features=kind) for kind in ("tfidf_words", "tfidf_characters")]
    side_by_side = np.hstack([part.values[Split.TRAIN].toarray() for part in parts])
    assert np.array_equal(features.values[Split.TRAIN].toarray(), side_by_side)


def test_auto_leaves_out_characters_of_long_texts(monkeypatch):
    assert made().kind == "tfidf"
    monkeypatch.setattr(module, "_PLENTY_OF_CHARACTERS", 3)
    assert made().kind == "tfidf_words"
