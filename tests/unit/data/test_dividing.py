from types import SimpleNamespace

import pytest
import torch

from suite import DataError, Ragged, Split, labelled_data_set, labelled_part


def columns(count=100, classes=4):
    generator = torch.Generator().manual_seed(0)
    return {
        "x_BT": torch.rand(count, 3, generator=generator),
        "label_B": torch.arange(count) % classes,
    }


def made(parts, **options):
    return labelled_data_set(parts, ["a", "b", "c", "d"], name="set", **options)


def test_every_example_is_in_one_split_and_each_class_is_divided_alike():
    parts = columns()
    data = made(parts, validation=0.2, test=0.2)
    taken = {split: part.columns["x_BT"] for split, part in data.splits.items()}
    together = torch.cat(list(taken.values()))
    assert sorted(together.tolist()) == sorted(parts["x_BT"].tolist())
    for split, expected in ((Split.TRAIN, 15), (Split.VALIDATION, 5), (Split.TEST, 5)):
        counts = torch.bincount(data.splits[split].columns["label_B"])
        assert counts.tolist() == [expected] * 4
    assert data.card.sizes == {"train": 60, "validation": 20, "test": 20}
    assert made(columns()).card.fingerprint == made(columns()).card.fingerprint


def test_equal_examples_stay_together():
    parts = columns(40)
    parts = {name: torch.cat([column, column]) for name, column in parts.items()}
    data = made(parts)
    rows = [set(map(tuple, part.columns["x_BT"].tolist())) for part in data.splits.values()]
    assert not rows[0] & rows[1]
    assert not rows[0] & rows[2]
    assert not rows[1] & rows[2]


def test_groups_stay_together():
    groups = [f"speaker {i // 10}" for i in range(100)]
    parts = {**columns(), "group_B": torch.arange(100) // 10}
    data = made(parts, groups=groups, validation=0.2, test=0.2)
    seen = [set(part.columns["group_B"].tolist()) for part in data.splits.values()]
    assert sum(map(len, seen)) == 10
    for split, part in data.splits.items():
        told = [f"speaker {number}" for number in part.columns["group_B"].tolist()]
        assert data.groups[split] == told
    assert made(columns()).groups == {}


def test_rows_of_different_length_count_what_they_hold():
    rows = [torch.full((1 + i % 5,), i + 1) for i in range(60)]
    parts = {"tokens_BT": Ragged.from_rows(rows), "label_B": torch.arange(60) % 4}
    data = made(parts)
    train = data.splits[Split.TRAIN]
    batch = train.take(torch.tensor([0, 1, 2]))
    assert batch.units == float(batch["length_B"].sum())
    assert batch["tokens_BT"].shape[1] == int(batch["length_B"].max())
    seconds = made(parts, unit_N=torch.arange(60) / 10)
    assert float(seconds.splits[Split.TRAIN].unit_N.max()) < 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label_B": torch.arange(100) % 5}, r"label_B\[4\]=4 is none of 4 classes"),
        ({"label_B": torch.arange(100) / 50}, "no column label_B of torch.int64"),
        ({"x_BT": torch.zeros(99, 3)}, "x_BT has 99 rows and label_B 100"),
    ],
)
def test_what_cannot_be_used_is_named(change, message):
    with pytest.raises(DataError, match=message):
        made({**columns(), **change})


def test_too_few_examples_and_groups_are_told():
    with pytest.raises(DataError, match="leave none for validation; give more"):
        made(columns(4))
    with pytest.raises(DataError, match="has 1 groups for 100 examples"):
        made(columns(), groups=["one"])


def test_a_part_of_it_keeps_what_is_known_of_each_example():
    groups = [f"speaker {i // 10}" for i in range(100)]
    parts = {**columns(), "group_B": torch.arange(100) // 10}
    whole = made(parts, groups=groups)
    setup = SimpleNamespace(train_examples=20, classes=2)
    part = labelled_part(whole, setup)
    for split, served in part.splits.items():
        batch = served.take(torch.arange(len(served)))
        assert set(batch["label_B"].tolist()) == {0, 1}
        assert part.groups[split] == [f"speaker {n}" for n in batch["group_B"].tolist()]
    assert (len(part.splits[Split.TRAIN]), part.card.whole) == (20, "set")
    assert labelled_part(whole, SimpleNamespace(train_examples=None, classes=None)) is whole
