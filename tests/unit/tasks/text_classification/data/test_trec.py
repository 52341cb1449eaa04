import pytest

from suite import DataError, Split
from tasks.text_classification.data.trec import _questions

from .conftest import learned, named, snapshot, write_csv, write_parquet

KINDS = ("ABBR:exp", "DESC:manner", "ENTY:animal", "HUM:ind", "LOC:city", "NUM:count")
TRAIN = [(f"What is {kind[:3]} number {i} ?", kind) for i in range(10) for kind in KINDS]
TEST = [(f"Who knows {kind[:3]} ?", kind) for kind in KINDS]


def coarse(rows):
    return [(text, kind.split(":")[0]) for text, kind in rows]


@pytest.fixture
def trec(tmp_path):
    """The two files of the authors, one question of which has a byte that is not UTF-8."""
    root = tmp_path / "trec"
    root.mkdir()
    for name, rows in (("train_5500.label", TRAIN), ("TREC_10.label", TEST)):
        lines = "".join(f"{kind} {text}\n" for text, kind in rows)
        (root / name).write_bytes(lines.replace("knows HUM", "knows Zo\xeb").encode("latin-1"))
    return root


def test_coarse_classes_of_the_authors_files(open_set, trec):
    task = open_set("data=trec", f"data.path={trec}")
    assert task.texts.classes == ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
    assert learned(task) == sorted(coarse(TRAIN))
    assert named(task)[Split.TEST][3] == ("Who knows Zoë ?", "HUM")
    assert task.card().sizes == {"train": 54, "validation": 6, "test": 6}
    assert sorted(task.texts.splits[Split.VALIDATION].labels) == list(range(6))


def test_the_hubs_parquet_is_the_same_set(open_set, trec, tmp_path, hub_cache):
    published = open_set("data=trec", f"data.path={trec}")
    (trec / "TREC_10.label").write_text("".join(f"{k} {t}\n" for t, k in TEST))
    folder = snapshot(hub_cache, "CogComp/trec", "refs/convert/parquet")
    # The hub's own order of the classes.
    classes = ("ABBR", "ENTY", "DESC", "HUM", "LOC", "NUM")
    for split, rows in (("train", TRAIN), ("test", TEST)):
        file = folder / "default" / split / "0000.parquet"
        write_parquet(file, coarse(rows), label="coarse_label", classes=classes)
    found = open_set("data=trec")
    assert found.card() == published.card()
    assert named(found) == named(published)


def test_tables_keep_their_numbers(open_set, tmp_path):
    rows = [(f"question {i}", i % 3) for i in range(30)]
    write_csv(tmp_path / "train.csv", ("text", "label"), rows)
    write_csv(tmp_path / "test.csv", ("text", "label"), rows[:5])
    task = open_set("data=trec", f"data.path={tmp_path}")
    assert task.texts.classes == ("0", "1", "2")
    # One of the five is held out of training for validation.
    assert task.card().notes == (
        "official test; validation: questions held out of training; train has 30, published are "
        "5452; test has 5, published are 500; 4 texts are in train and in test, as found"
    )
    assert task.card().version == "as found"


def test_line_that_is_no_question_is_named(tmp_path):
    file = tmp_path / "train_5500.label"
    file.write_text("DESC:def What ?\nnonsense\n")
    rows = list(_questions(file))
    assert rows == [("What ?", "DESC"), "is not COARSE:fine and a question; mend it"]


def test_half_of_the_files_is_not_enough(open_set, trec):
    (trec / "TREC_10.label").unlink()
    with pytest.raises(DataError, match=r"data=trec: .* has no TREC_10\.label; put it beside"):
        open_set("data=trec", f"data.path={trec}").card()
