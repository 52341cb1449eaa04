import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite import DataError, Split
from suite.data.splits import hold_out, split_of

names = st.text(string.ascii_lowercase, min_size=1, max_size=3)


@given(groups=st.lists(names, min_size=1, max_size=80), share=st.floats(0.01, 0.99))
def test_groups_never_straddle_and_nothing_is_lost(groups, share):
    kept, held = hold_out(groups, share)
    assert sorted(kept + held) == list(range(len(groups)))
    assert not {groups[i] for i in kept} & {groups[i] for i in held}
    largest = max(groups.count(name) for name in set(groups))
    assert abs(len(held) - share * len(groups)) <= largest


@given(
    items=st.lists(st.tuples(names, st.sampled_from("xyz")), min_size=1, max_size=80),
    share=st.floats(0.01, 0.99),
)
def test_strata_are_each_held_out_of(items, share):
    groups = [f"{name}{label}" for name, label in items]
    labels = [label for _, label in items]
    kept, held = hold_out(groups, share, strata=labels)
    assert not {groups[i] for i in kept} & {groups[i] for i in held}
    for label in set(labels):
        mine = [g for g in groups if g[-1] == label]
        largest = max(mine.count(name) for name in set(mine))
        got = sum(labels[i] == label for i in held)
        assert abs(got - share * len(mine)) <= largest


@given(groups=st.lists(names, min_size=2, max_size=40, unique=True), share=st.floats(0.1, 0.9))
def test_what_is_held_out_does_not_depend_on_the_order(groups, share):
    _, held = hold_out(groups, share)
    turned = groups[::-1]
    _, again = hold_out(turned, share)
    assert {groups[i] for i in held} == {turned[i] for i in again}


def test_a_larger_share_holds_out_more_of_the_same():
    groups = [str(i) for i in range(200)]
    small, large = set(hold_out(groups, 0.1)[1]), set(hold_out(groups, 0.3)[1])
    assert (len(small), len(large)) == (20, 60)
    assert small < large


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 2.0])
def test_share_outside_of_zero_and_one_is_named(share):
    with pytest.raises(DataError, match=f"share to hold out is {share}: must be between 0 and 1"):
        hold_out(["a"], share)


def test_split_of_a_key_has_the_shares_asked_for():
    splits = [split_of(f"key {i}", validation=0.1, test=0.2) for i in range(10_000)]
    assert splits.count(Split.TEST) == pytest.approx(2000, abs=4 * 40)
    assert splits.count(Split.VALIDATION) == pytest.approx(1000, abs=4 * 30)


@given(key=st.text())
def test_key_moves_only_into_a_share_that_grows(key):
    before = split_of(key, validation=0.1, test=0.2)
    assert split_of(key, validation=0.1, test=0.2) is before
    after = split_of(key, validation=0.3, test=0.2)
    assert after is before or after is Split.VALIDATION


def test_a_key_may_be_the_name_of_a_file_that_is_not_unicode():
    kept, held = hold_out(["a\udcff", "b\ud800", *map(str, range(8))], 0.5)
    assert sorted([*kept, *held]) == list(range(10))
