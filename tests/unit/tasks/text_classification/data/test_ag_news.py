import pytest

from suite import DataError, Split

from .conftest import learned, named, write_csv, write_parquet

TOPICS = ("World", "Sports", "Business", "Sci/Tech")


def lines(count, word):
    """Rows as published: all quoted, quotes doubled, no header, topics from 1."""
    return "".join(
        f'"{i % 4 + 1}","{word} {i}, the ""title""","Lead {i}; from Reuters."\n'
        for i in range(count)
    )


def rows(count, word):
    return [
        (f'{word} {i}, the "title" Lead {i}; from Reuters.', TOPICS[i % 4]) for i in range(count)
    ]


@pytest.fixture
def ag_news(tmp_path):
    root = tmp_path / "ag_news_csv"
    root.mkdir()
    (root / "train.csv").write_text(lines(40, "Old"))
    (root / "test.csv").write_text(lines(8, "New"))
    (root / "classes.txt").write_text("\n".join(TOPICS))
    return root


def test_text_is_title_and_description(open_set, ag_news):
    task = open_set("data=ag_news", f"data.path={ag_news}")
    assert task.texts.classes == TOPICS
    assert learned(task) == sorted(rows(40, "Old"))
    assert named(task)[Split.TEST] == rows(8, "New")
    assert task.card().sizes == {"train": 36, "validation": 4, "test": 8}
    assert task.card().version == "as found"  # 40 and 8 are not 120,000 and 7,600


def test_the_hubs_parquet_is_the_same_set(open_set, ag_news, tmp_path):
    published = open_set("data=ag_news", f"data.path={ag_news}")
    # Where `hf download` and data.download=true put it.
    for split, part in (("train", rows(40, "Old")), ("test", rows(8, "New"))):
        write_parquet(tmp_path / f"hub/default/{split}/0000.parquet", part, classes=TOPICS)
    found = open_set("data=ag_news", f"data.path={tmp_path / 'hub'}")
    assert found.card() == published.card()


def test_table_with_a_header_counts_from_zero(open_set, tmp_path):
    table = [(f"news {i}", i % 4) for i in range(40)]
    write_csv(tmp_path / "train.csv", ("text", "label"), table)
    write_csv(tmp_path / "test.csv", ("text", "label"), [("late news", 3)])
    task = open_set("data=ag_news", f"data.path={tmp_path}")
    assert named(task)[Split.TEST] == [("late news", "Sci/Tech")]
    write_csv(tmp_path / "test.csv", ("text", "label"), [("late news", 4)])
    with pytest.raises(
        DataError, match=r"label '4' is none of World, Sports, Business, Sci/Tech, nor of their"
    ):
        open_set("data=ag_news", f"data.path={tmp_path}").card()


def test_row_that_is_no_article_is_named(open_set, ag_news):
    with (ag_news / "train.csv").open("a") as file:
        file.write('"5","title","lead"\n')
    with pytest.raises(DataError, match=r"train\.csv row 41: is not a topic \(1 to 4\), title"):
        open_set("data=ag_news", f"data.path={ag_news}").card()
