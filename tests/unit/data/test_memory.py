from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.overrides import TorchFunctionMode

from suite import DataCard, DataSet, Examples, Ragged, Split
from suite.data.counter import example_keys

rows = st.lists(st.lists(st.integers(1, 9), max_size=6), min_size=1, max_size=8)


@given(rows=rows, data=st.data())
def test_ragged_rows_come_back_padded_with_zeros(rows, data):
    ragged = Ragged.from_rows([torch.tensor(row, dtype=torch.int64) for row in rows])
    index = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=5))
    values_BT, length_B = ragged.take(torch.tensor(index))
    chosen = [rows[i] for i in index]
    longest = max(1, *map(len, chosen)) if len(chosen) > 1 else max(1, len(chosen[0]))
    assert values_BT.tolist() == [row + [0] * (longest - len(row)) for row in chosen]
    assert length_B.tolist() == [len(row) for row in chosen]
    assert len(ragged) == len(rows)
    assert [ragged.row(i).tolist() for i in range(len(rows))] == rows


def test_ragged_keeps_its_type_and_moves():
    ragged = Ragged.from_rows([torch.tensor([1, 2], dtype=torch.int16)], "symbol_length_B")
    assert ragged.take(torch.tensor([0]))[0].dtype == torch.int16
    moved = ragged.to(torch.device("meta"))
    assert (moved.flat.device.type, moved.offset_N.device.type) == ("meta", "meta")
    assert (moved.length_N.device.type, moved.length_name) == ("cpu", "symbol_length_B")
    assert len(Ragged.from_rows([])) == 0


def _examples(lengths=(3, 1, 2, 5)):
    rows = [torch.arange(1, n + 1) for n in lengths]
    tokens = Ragged.from_rows(rows)
    return Examples(
        {"tokens_BT": tokens, "label_B": torch.arange(len(lengths))},
        unit_N=tokens.length_N.double(),
        length_N=tokens.length_N,
    )


def test_batch_holds_columns_lengths_and_counts():
    batch = _examples().take(torch.tensor([2, 0]))
    assert batch["tokens_BT"].tolist() == [[1, 2, 0], [1, 2, 3]]
    assert batch["length_B"].tolist() == [2, 3]
    assert batch["label_B"].tolist() == [2, 0]
    assert (batch.examples, batch.units) == (2, 5.0)


def test_training_batches_carry_the_keys_of_their_examples():
    examples = _examples()
    for number, batch in enumerate(islice(examples.training(2, seed=7), 6)):
        # Two batches to an epoch.
        assert batch["key_B"].tolist() == example_keys(7, number // 2, batch["label_B"]).tolist()
    assert examples.batches_per_epoch(2) == 2
    assert examples.batches_per_epoch(3) == 1
    assert examples.batches_per_epoch(100) == 1


@pytest.mark.parametrize("skip", [0, 1, 2, 5])
def test_skipped_training_equals_training_gone_on(skip):
    examples = _examples()
    on = list(islice(examples.training(2, seed=1), skip, skip + 3))
    skipped = list(islice(examples.training(2, seed=1, skip=skip), 3))
    for a, b in zip(on, skipped, strict=True):
        assert {k: v.tolist() for k, v in a.items()} == {k: v.tolist() for k, v in b.items()}


def test_without_buckets_batches_are_of_any_length():
    lengths = torch.arange(1, 101).tolist()
    spreads = {}
    for buckets in (True, False):
        batches = islice(_examples(lengths).training(10, seed=0, buckets=buckets), 10)
        spreads[buckets] = [int(b["length_B"].max() - b["length_B"].min()) for b in batches]
    assert max(spreads[True]) < 15
    assert min(spreads[False]) > 40


def test_evaluation_sees_every_example_once_without_keys():
    batches = list(_examples().evaluation(3))
    assert [batch.examples for batch in batches] == [3, 1]
    assert sorted(label for batch in batches for label in batch["label_B"].tolist()) == [0, 1, 2, 3]
    assert all("key_B" not in batch for batch in batches)
    assert sum(batch.units for batch in batches) == 11


def test_data_set_moves_with_all_its_splits():
    card = DataCard(name="n", version="", licence="", source="", fingerprint="", sizes={})
    data = DataSet({split: _examples() for split in Split}, card, ("a",)).to(torch.device("meta"))
    for split in Split:
        assert data.splits[split].columns["label_B"].device.type == "meta"
        assert data.splits[split].unit_N.device.type == "cpu"
    assert data.classes == ("a",)


def test_nothing_on_the_way_to_the_device_waits_for_it():
    waits = []

    class Copies(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            given = kwargs or {}
            if function is torch.Tensor.to and torch.device("meta") in args:
                waits.append(not given.get("non_blocking", False))
            return function(*args, **given)

    moved = _examples().to(torch.device("meta"))
    with Copies():
        next(moved.training(2, seed=0))
    assert waits == [False] * 4  # lengths and indices of the tokens, indices of the labels, keys


def test_some_rows_are_those_rows():
    rows = Ragged.from_rows([torch.arange(n) + 10 * n for n in (2, 0, 3, 1)], "words_B")
    some = rows.only(torch.tensor([3, 1, 2]))
    assert [some.row(i).tolist() for i in range(3)] == [[10], [], [30, 31, 32]]
    assert some.length_name == "words_B"
