"""Bad samples stop, or are left out by name; more than a share stops after all."""

import json
from types import SimpleNamespace

import pytest

from suite import DataCard, DataError, OnError, Sieve, Skipped, Split, kept_faults, require_classes
from suite.data.skipped import keep_skipped, plain_card


class Kept:
    """A journal that only remembers."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = []

    def metrics(self, step, values):
        self.seen.append((step, values))

    def artifact(self, path):
        self.seen.append(path.name)


def card(*splits, train=98):
    skipped = [
        Skipped(split=split, name=f"row {i}", reason="is torn; mend it", label="cat")
        for i, split in enumerate(splits)
    ]
    sizes = {"train": train, "validation": 10, "test": 10}
    return DataCard(name="pets", version="1", licence="", source="", fingerprint="f",
                    sizes=sizes, skipped=skipped)  # fmt: skip


def options(most, on_error=OnError.skip):
    return SimpleNamespace(on_error=on_error, max_skipped=most)


def test_the_first_stops_or_all_are_kept_in_order():
    with pytest.raises(DataError, match=r"^a\.png: is torn; mend it, or set data\.on_error=skip$"):
        Sieve(OnError.stop).leave_out(Split.TEST, "a.png", "is torn; mend it")
    sieve = Sieve(OnError.skip)
    for name in ("b", "a"):
        sieve.leave_out(Split.TEST, name, "is torn", label="x")
    assert [(one.split, one.name, one.label) for one in sieve.skipped] == [
        (Split.TEST, "b", "x"), (Split.TEST, "a", "x"),
    ]  # fmt: skip


def test_the_list_the_counts_and_the_line(tmp_path):
    journal, two = Kept(tmp_path), card(Split.TRAIN, Split.TRAIN)
    told = keep_skipped(two, options(0.02), journal)  # 2 of 100: not above
    assert told == f"skipped 2 of train: see {tmp_path / 'skipped.jsonl'}"
    assert journal.seen == [
        "skipped.jsonl",
        (0, {"data/skipped_train": 2.0, "data/skipped_validation": 0.0, "data/skipped_test": 0.0}),
    ]
    lines = [json.loads(line) for line in (tmp_path / "skipped.jsonl").read_text().splitlines()]
    assert lines[1] == {
        "split": "train", "name": "row 1", "reason": "is torn; mend it", "label": "cat"
    }  # fmt: skip
    assert json.loads(json.dumps(plain_card(two)))["skipped"] == {
        "train": 2, "validation": 0, "test": 0
    }  # fmt: skip


def test_more_than_a_share_of_any_split_stops_once_the_list_is_kept(tmp_path):
    both = card(Split.TRAIN, *[Split.TEST] * 5)
    with pytest.raises(
        DataError,
        match=r"^pets: 5 of 15 samples of test cannot be used \(33\.33%\), above "
        r"data\.max_skipped=0\.02; mend them or raise it: row 1: is torn; mend it; row 2: .*"
        r"; row 3: .* and 2 more in skipped\.jsonl$",
    ):
        keep_skipped(both, options(0.02), Kept(tmp_path))
    assert len((tmp_path / "skipped.jsonl").read_text().splitlines()) == 6


def test_nothing_skipped_is_counted_only_where_it_could_be(tmp_path):
    for on_error, expected in ((OnError.stop, 0), (OnError.skip, 1)):
        journal = Kept(tmp_path)
        assert keep_skipped(card(), options(0.0, on_error), journal) == ""
        assert len(journal.seen) == expected
    assert not list(tmp_path.iterdir())
    assert keep_skipped(card(), None, Kept(tmp_path)) == ""  # a task without data


def test_a_class_is_not_lost_silently():
    require_classes(card(Split.TEST).skipped, ["dog"])  # not one of training
    require_classes(card(Split.TRAIN).skipped, ["dog", "cat"])
    with pytest.raises(
        DataError, match="row 0: is torn; mend it; no training sample of label 'cat"
    ):
        require_classes(card(Split.TRAIN).skipped, ["dog"])


def test_faults_are_found_once_for_a_stamp(tmp_path):
    found = []

    def find():
        found.append(1)
        return {3: "is torn", 1: "is empty"}

    for _ in range(2):
        assert kept_faults(tmp_path, "stamp", find) == {1: "is empty", 3: "is torn"}
    assert len(found) == 1
    assert kept_faults(tmp_path, None, find) == {1: "is empty", 3: "is torn"}
    (file,) = (tmp_path / "faults").iterdir()
    file.write_text('{"1": ')  # not whole
    kept_faults(tmp_path, "stamp", find)
    kept_faults(tmp_path, "other", find)
    assert len(found) == 4
