from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from suite.data.order import batches_per_epoch, epoch_batches, evaluation_order, training_order

sizes = st.tuples(st.integers(1, 60), st.integers(1, 20))
seeds = st.integers(0, 2**32)


def _lengths(examples, bucketed):
    generator = torch.Generator().manual_seed(examples)
    return torch.randint(1, 50, (examples,), generator=generator) if bucketed else None


def _take(examples, batch_size, count, **options):
    return [
        (epoch, index_B.tolist())
        for epoch, index_B in islice(training_order(examples, batch_size, **options), count)
    ]


@given(size=sizes, seed=seeds, bucketed=st.booleans())
def test_batches_of_an_epoch_are_disjoint_and_full(size, seed, bucketed):
    examples, batch_size = size
    per_epoch = batches_per_epoch(examples, min(batch_size, examples))
    lengths = _lengths(examples, bucketed)
    taken = _take(examples, batch_size, 3 * per_epoch, seed=seed, length_N=lengths)
    for epoch in range(3):
        mine = [indices for e, indices in taken if e == epoch]
        assert len(mine) == per_epoch
        assert {len(indices) for indices in mine} == {min(batch_size, examples)}
        seen = [i for indices in mine for i in indices]
        assert len(set(seen)) == len(seen)
        assert set(seen) <= set(range(examples))
        # Fewer than one batch is left over.
        assert examples - len(seen) < batch_size


@given(size=sizes, seed=seeds, skip=st.integers(0, 50), bucketed=st.booleans())
def test_skipping_equals_going_on(size, seed, skip, bucketed):
    options = {"seed": seed, "length_N": _lengths(size[0], bucketed)}
    assert _take(*size, skip + 4, **options)[skip:] == _take(*size, 4, skip=skip, **options)


@pytest.mark.parametrize("bucketed", [False, True])
def test_order_is_a_function_of_seed_and_epoch(bucketed):
    lengths = _lengths(40, bucketed)

    def epoch(seed, epoch):
        batches = epoch_batches(40, 8, seed=seed, epoch=epoch, length_N=lengths)
        return [index_B.tolist() for index_B in batches]

    assert epoch(0, 0) == epoch(0, 0)
    assert epoch(0, 0) != epoch(0, 1)
    assert epoch(0, 0) != epoch(1, 0)


@pytest.mark.parametrize("bucketed", [False, True])
def test_every_example_gets_its_turn(bucketed):
    # 43 examples in batches of 8: 3 are left over, others in each epoch, long ones too.
    lengths = torch.arange(43) if bucketed else None
    counts = torch.zeros(43)
    for epoch in range(200):
        for index_B in epoch_batches(43, 8, seed=0, epoch=epoch, length_N=lengths):
            counts[index_B] += 1
    expected = 200 * 40 / 43
    assert float((counts - expected).abs().max()) < 5 * (200 * 40 / 43 * 3 / 43) ** 0.5


def test_first_place_is_uniform():
    counts = torch.zeros(10)
    for seed in range(2000):
        counts[next(iter(training_order(10, 1, seed=seed)))[1]] += 1
    chi_square = float(((counts - 200) ** 2 / 200).sum())
    assert chi_square < 9 + 4.5 * 18**0.5


def test_buckets_need_little_padding_and_come_in_random_order():
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(1, 101, (3200,), generator=generator)

    def padding(bucketed):
        batches = epoch_batches(3200, 16, seed=0, epoch=0, length_N=lengths if bucketed else None)
        longest = torch.tensor([int(lengths[b].max()) for b in batches])
        return 1 - float(lengths.sum()) / float(longest.sum() * 16), longest

    share, longest = padding(bucketed=True)
    assert share < 0.05
    assert padding(bucketed=False)[0] > 0.4
    # Not from short to long: neighbours know nothing of each other.
    pair = torch.stack([longest[:-1], longest[1:]]).double()
    assert abs(float(torch.corrcoef(pair)[0, 1])) < 0.3


@given(size=sizes, bucketed=st.booleans())
def test_evaluation_sees_every_example_once(size, bucketed):
    examples, batch_size = size
    lengths = _lengths(examples, bucketed)
    batches = [b.tolist() for b in evaluation_order(examples, batch_size, length_N=lengths)]
    seen = [i for batch in batches for i in batch]
    assert sorted(seen) == list(range(examples))
    assert max(map(len, batches)) <= batch_size
    if lengths is not None:
        assert lengths[seen].tolist() == sorted(lengths.tolist())
