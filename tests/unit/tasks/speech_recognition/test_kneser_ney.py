import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.speech_recognition.kneser_ney import (
    BEGIN,
    END,
    UNKNOWN,
    _discounts,
    estimate,
    log_probability,
    write_arpa,
)

WORDS = st.sampled_from(["a", "b", "c", "d", "e"])


def _p(entries, history, word):
    return 10 ** log_probability(entries, history, word)


def test_bigrams_equal_the_formula_by_hand():
    # "a b", "a c", "a b": bigrams <s>a 3, ab 2, ac 1, b</s> 2, c</s> 1.
    entries = estimate([["a", "b"], ["a", "c"], ["a", "b"]], 2)
    # Too few counts of counts for discounts of their own: 0.5 of a 1, 1 of a 2, 1.5 of more.
    # Unigrams: different words before each: a 1 (<s>), b 1, c 1, </s> 2: of 5, discounts 2.5,
    # which are shared evenly by a, b, c, </s> and <unk>.
    uniform = (0.5 + 0.5 + 0.5 + 1) / 5 / 5
    a = b = c = (1 - 0.5) / 5 + uniform
    end = (2 - 1) / 5 + uniform
    for word, p in (("a", a), ("b", b), ("c", c), (END, end), (UNKNOWN, uniform)):
        assert _p(entries, [], word) == pytest.approx(p)
    # Behind a: b twice, c once; discounts 1 + 0.5 of 3 go to the unigrams.
    assert _p(entries, ["a"], "b") == pytest.approx((2 - 1) / 3 + 1.5 / 3 * b)
    assert _p(entries, ["a"], "c") == pytest.approx((1 - 0.5) / 3 + 1.5 / 3 * c)
    assert _p(entries, ["a"], "a") == pytest.approx(1.5 / 3 * a)
    assert _p(entries, [BEGIN], "a") == pytest.approx((3 - 1.5) / 3 + 1.5 / 3 * a)
    assert _p(entries, ["b"], END) == pytest.approx((2 - 1) / 2 + 1 / 2 * end)
    # A history that was never seen is as good as none; so is a word.
    assert _p(entries, ["zebra"], "b") == pytest.approx(b)
    assert _p(entries, ["a"], "zebra") == pytest.approx(1.5 / 3 * uniform)


def test_middle_order_counts_words_before_but_occurrences_at_the_beginning():
    # Trigrams: <s>ab 2, abc 2, xbc 1 ... "b c" has two different words before it, "<s> a" two
    # occurrences and nothing before it.
    entries = estimate([["a", "b", "c"], ["a", "b", "c"], ["x", "b", "c"]], 3)
    lower = _p(entries, [], "c")  # c: one word before it, b
    # Behind b, only c follows: count 2, discount 1.
    assert _p(entries, ["zebra", "b"], "c") == pytest.approx((2 - 1) / 2 + 1 / 2 * lower)
    # At the beginning: a 2 and x 1, discounts 1 and 0.5.
    lower = _p(entries, [], "a")
    assert _p(entries, [BEGIN], "a") == pytest.approx((2 - 1) / 3 + 1.5 / 3 * lower)


def test_discounts_are_those_of_the_counts_of_counts():
    from collections import Counter

    # 4 n-grams once, 3 twice, 2 thrice, 1 four times.
    count = Counter({(f"w{i}",): c for i, c in enumerate([1] * 4 + [2] * 3 + [3] * 2 + [4])})
    y = 4 / (4 + 2 * 3)
    expected = (1 - 2 * y * 3 / 4, 2 - 3 * y * 2 / 3, 3 - 4 * y * 1 / 2)
    assert _discounts(count) == pytest.approx(expected)


@given(
    st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=12),
    st.integers(1, 4),
    st.lists(st.sampled_from([*"abcdez", BEGIN]), max_size=4),
)
def test_probabilities_behind_any_history_sum_to_one(sentences, order, history):
    entries = estimate(sentences, order, ["extra"])
    words = [ngram[0] for ngram in entries if len(ngram) == 1 and ngram[0] != BEGIN]
    assert {"extra", END, UNKNOWN} <= set(words)
    assert math.fsum(_p(entries, history, word) for word in words) == pytest.approx(1)


def test_kenlm_reads_what_is_written(tmp_path):
    decoder = pytest.importorskip("flashlight.lib.text.decoder.kenlm")
    dictionary = pytest.importorskip("flashlight.lib.text.dictionary")
    sentences = [s.split() for s in ("a b c", "a b", "c a", "b b b a", "d")]
    entries = estimate(sentences, 3, ["extra"])
    write_arpa(entries, tmp_path / "x.arpa")
    words = dictionary.Dictionary([*"abcd", "extra", UNKNOWN])
    words.set_default_index(words.get_index(UNKNOWN))
    model = decoder.KenLM(str(tmp_path / "x.arpa"), words)
    for sentence in [*sentences, ["extra", "a"], ["a", "zebra", "b"], []]:
        state, history = model.start(False), [BEGIN]
        for word in sentence:
            state, score = model.score(state, words.get_index(word))
            assert score == pytest.approx(log_probability(entries, history, word), abs=1e-5)
            history.append(word)
        _, score = model.finish(state)
        assert score == pytest.approx(log_probability(entries, history, END), abs=1e-5)
