import pytest
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.text import CharErrorRate, WordErrorRate

from tasks.speech_recognition.error_metric import ErrorRate
from tasks.speech_recognition.error_rate import (
    align,
    characters,
    distance,
    errors,
    words,
)

TEXT = st.text("ab ", max_size=8)


@pytest.mark.parametrize(
    ("said", "heard", "pairs"),
    [
        ("", "", []),
        ("ab", "ab", [("a", "a"), ("b", "b")]),
        ("ab", "a", [("a", "a"), ("b", None)]),
        ("ab", "b", [("a", None), ("b", "b")]),
        ("a", "xa", [(None, "x"), ("a", "a")]),
        ("abc", "axc", [("a", "a"), ("b", "x"), ("c", "c")]),
        ("abcd", "bcd", [("a", None), ("b", "b"), ("c", "c"), ("d", "d")]),
        ("abc", "xcd", [("a", None), ("b", "x"), ("c", "c"), (None, "d")]),  # not three errors
        ("", "xy", [(None, "x"), (None, "y")]),
    ],
)
def test_alignment(said, heard, pairs):
    assert align(said, heard) == pairs


def _distance(said, heard):
    """Return the fewest edits, straight from their definition."""
    if not said or not heard:
        return len(said) + len(heard)
    return min(
        _distance(said[1:], heard[1:]) + (said[0] != heard[0]),
        _distance(said[1:], heard) + 1,
        _distance(said, heard[1:]) + 1,
    )


@given(st.text("abc", max_size=5), st.text("abc", max_size=5))
def test_alignment_holds_both_texts_in_order_with_the_fewest_errors(said, heard):
    pairs = align(said, heard)
    assert "".join(one for one, _ in pairs if one) == said
    assert "".join(other for _, other in pairs if other) == heard
    assert (None, None) not in pairs
    assert errors(pairs) == distance(said, heard) == _distance(said, heard)


@given(st.lists(st.tuples(TEXT, TEXT.filter(str.strip)), min_size=1, max_size=6), st.integers(1, 6))
def test_rates_are_exactly_torchmetrics(pairs, batch):
    for ours, theirs in (
        (ErrorRate(words), WordErrorRate()),
        (ErrorRate(characters), CharErrorRate()),
    ):
        for start in range(0, len(pairs), batch):
            heard, said = zip(*pairs[start : start + batch], strict=True)
            ours.update(list(heard), list(said))
            theirs.update(list(heard), list(said))
        assert float(ours.compute()) == float(theirs.compute())


def test_counts_are_kept_apart_by_recording():
    rate = ErrorRate(words)
    rate.update(["a b", "c"], ["a x", "c d e"])
    rate.update(["f g"], ["f"], ["third"])
    errors_N, said_N = rate.counts()
    assert errors_N.tolist() == [1, 2, 1]
    assert said_N.tolist() == [2, 3, 1]
    assert float(rate.compute()) == pytest.approx(4 / 6)
    assert rate.texts == [("", "a x", "a b"), ("", "c d e", "c"), ("third", "f", "f g")]
    rate.reset()
    rate.update(["a"], ["a"])
    assert rate.texts == [("", "a", "a")]
    assert float(rate.compute()) == 0


def test_nothing_said_at_all_is_no_division_by_zero():
    rate = ErrorRate(words)
    rate.update(["a"], [""])
    assert float(rate.compute()) == 1
