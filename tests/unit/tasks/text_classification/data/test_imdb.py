import pytest

from suite import DataError, OnError, Split

from .conftest import learned, named


@pytest.fixture
def imdb(tmp_path):
    """The archive of the authors, unpacked: reviews are named <id>_<stars>.txt."""
    for split, count in (("train", 10), ("test", 3)):
        for label, stars in (("pos", 9), ("neg", 2)):
            folder = tmp_path / "aclImdb" / split / label
            folder.mkdir(parents=True)
            for i in range(count):
                text = f"A {label} film, {split} {i}.<br /><br />Café."
                (folder / f"{i}_{stars}.txt").write_text(text, encoding="utf-8")
    unsup = tmp_path / "aclImdb" / "train" / "unsup"
    unsup.mkdir()
    (unsup / "0_0.txt").write_text("Nobody said how they liked it.")
    (tmp_path / "aclImdb" / "README").write_text("Large Movie Review Dataset v1.0")
    return tmp_path


@pytest.mark.parametrize("inside", ["", "aclImdb"])
def test_reviews_by_folder_without_the_unlabelled(open_set, imdb, inside):
    task = open_set("data=imdb", f"data.path={imdb / inside}")
    assert task.texts.classes == ("neg", "pos")
    assert learned(task) == sorted(
        (f"A {label} film, train {i}.<br /><br />Café.", label)
        for label in ("neg", "pos")
        for i in range(10)
    )
    assert named(task)[Split.TEST][0] == ("A neg film, test 0.<br /><br />Café.", "neg")
    assert task.card().sizes == {"train": 18, "validation": 2, "test": 6}


def test_empty_review_stops_or_is_skipped_and_named(open_set, imdb):
    empty = imdb / "aclImdb" / "train" / "pos" / "3_9.txt"
    empty.write_text(" \n")
    with pytest.raises(DataError, match=r"pos/3_9\.txt: has no text or no label; mend it, or set"):
        open_set("data=imdb", f"data.path={imdb}").card()
    skipping = f"data.on_error={OnError.skip.value}"
    task = open_set("data=imdb", f"data.path={imdb}", skipping)
    assert [one.name for one in task.card().skipped] == [str(empty)]
    assert len(learned(task)) == 19


def test_folder_without_reviews_is_named(open_set, imdb):
    for file in (imdb / "aclImdb" / "test" / "pos").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"aclImdb/test has no pos/\*\.txt; put it beside"):
        open_set("data=imdb", f"data.path={imdb}").card()
