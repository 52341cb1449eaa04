import pytest

from suite import DataError, Split

from .conftest import learned, named, snapshot, write_numbers, write_parquet

ID = "someone/films"
ROWS = [(f"film {i}", ("bad", "good")[i % 2]) for i in range(40)]
HUB = ("data=hub_texts", f"data.id={ID}")


@pytest.fixture
def films(hub_cache):
    """The data set as the hub converts it, in two configs."""
    folder = snapshot(hub_cache, ID, "refs/convert/parquet", commit="beef")
    for split, rows in (("train", ROWS), ("test", ROWS[:6])):
        write_parquet(folder / "short" / split / "0000.parquet", rows)
    write_parquet(folder / "long" / "train" / "0000.parquet", ROWS, text="body", label="verdict")
    return folder


def test_splits_and_names_of_classes(open_set, films):
    task = open_set(*HUB, "data.config=short")
    assert task.texts.classes == ("bad", "good")
    assert learned(task) == sorted(ROWS)
    assert named(task)[Split.TEST] == ROWS[:6]
    card = task.card()
    assert (card.name, card.version, card.source) == (
        "someone/films/short", "beef", "huggingface.co/datasets/someone/films",
    )  # fmt: skip
    assert card.published_test


def test_columns_by_name_and_a_test_that_is_held_out(open_set, films):
    columns = ("data.text_column=body", "data.label_column=verdict")
    card = open_set(*HUB, "data.config=long", *columns, "data.name=films").card()
    assert card.sizes == {"train": 28, "validation": 4, "test": 8}
    assert card.name == "films"
    assert not card.published_test
    with pytest.raises(DataError, match=r"no column 'text'.*set data\.text_column=…"):
        open_set(*HUB, "data.config=long").card()


def test_splits_by_name(open_set, films):
    write_parquet(films / "short" / "validation" / "0000.parquet", ROWS[:4])
    write_parquet(films / "short" / "extra" / "0000.parquet", ROWS[:10])
    by_name = ("data.train_split=extra", "data.test_split=validation")
    sizes = open_set(*HUB, "data.config=short", *by_name).card().sizes
    assert (sizes["train"] + sizes["validation"], sizes["test"]) == (10, 4)
    with pytest.raises(
        DataError,
        match=r"data\.test_split=tset: .* no such split; did you mean 'test'\?; it has extra, test",
    ):
        open_set(*HUB, "data.config=short", "data.test_split=tset").card()
    with pytest.raises(DataError, match=r"one split is given twice"):
        open_set(*HUB, "data.config=short", "data.test_split=train").card()


def test_several_configs_need_a_choice(open_set, films):
    with pytest.raises(DataError, match=r"several configs; give data\.config=… of \['long', 'sho"):
        open_set(*HUB).card()


def test_hidden_labels_are_told(open_set, films):
    write_numbers(films / "short" / "hidden" / "0000.parquet", [("a", -1), ("b", -1)])
    with pytest.raises(DataError, match=r"its labels are hidden \(all are -1\); give another spl"):
        open_set(*HUB, "data.config=short", "data.test_split=hidden").card()


def test_what_the_cache_lacks_is_told(open_set, films, hub_cache):
    fix = r"the local cache .* has no parquet files.*; set data\.download=true, or mend data\.id"
    with pytest.raises(DataError, match=r"data\.id=no/where: " + fix):
        open_set("data=hub_texts", "data.id=no/where").card()
    with pytest.raises(DataError, match=r"of config odd; set"):
        open_set(*HUB, "data.config=odd").card()
    # Another revision than the one that was asked for will not do.
    with pytest.raises(DataError, match=fix):
        open_set(*HUB, "data.config=short", "data.revision=main").card()
    with pytest.raises(DataError, match=r"data\.id=a/b/c: is not <owner>/<name>"):
        open_set("data=hub_texts", "data.id=a/b/c").card()
