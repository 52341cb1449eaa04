import pytest

from suite import DataError, Split

from .conftest import learned, named, snapshot, write_csv, write_numbers

CLASSES = ("negative", "positive")
TRAIN = [(f"film {i} is {'good' if i % 2 else 'bad'} .", i % 2) for i in range(40)]
DEV = [("\" quoted \" , and `` dull '' .", 0), ("a joy ", 1), ("fine , fine .", 1)]
TEST = [("so so", 0), ("a marvel .", 1)]


def by_name(rows):
    return [(text, CLASSES[label]) for text, label in rows]


@pytest.fixture
def sentences(tmp_path):
    for name, rows in (("train", TRAIN), ("validation", DEV), ("test", TEST)):
        write_csv(tmp_path / "sst2" / f"{name}.csv", ("text", "label"), rows)
    return tmp_path / "sst2"


@pytest.fixture
def glue(tmp_path):
    """SST-2.zip of GLUE: tabs, quotes that quote nothing, and a test without labels."""
    root = tmp_path / "SST-2"
    root.mkdir()
    for name, rows in (("train", TRAIN), ("dev", DEV)):
        lines = "".join(f"{text}\t{label}\n" for text, label in rows)
        (root / f"{name}.tsv").write_text("sentence\tlabel\n" + lines)
    (root / "test.tsv").write_text("index\tsentence\n0\tuneasy mishmash .\n")
    return root


def test_sentences_have_three_splits(open_set, sentences):
    task = open_set("data=sst2", f"data.path={sentences}")
    assert task.texts.classes == CLASSES
    assert named(task) == {
        Split.TRAIN: by_name(TRAIN),
        Split.VALIDATION: by_name(DEV),
        Split.TEST: by_name(TEST),
    }


def test_sentences_need_their_validation(open_set, sentences):
    (sentences / "validation.csv").unlink()
    with pytest.raises(DataError, match=r"data=sst2: .* has no train, validation and test as csv"):
        open_set("data=sst2", f"data.path={sentences}").card()


def test_glue_tests_on_dev_and_holds_validation_out(open_set, glue):
    task = open_set("data=sst2_glue", f"data.path={glue}")
    assert task.texts.classes == CLASSES
    assert named(task)[Split.TEST] == by_name(DEV)
    assert learned(task) == sorted(by_name(TRAIN))
    assert task.card().sizes == {"train": 36, "validation": 4, "test": 3}


def test_glue_of_the_hub_is_the_same_set(open_set, glue, hub_cache):
    published = open_set("data=sst2_glue", f"data.path={glue}")
    folder = snapshot(hub_cache, "nyu-mll/glue", "refs/convert/parquet")
    for name, rows in (("train", TRAIN), ("validation", DEV), ("test", [("hidden", -1)])):
        write_numbers(folder / "sst2" / name / "0000.parquet", rows, text="sentence")
    write_numbers(folder / "cola" / "train" / "0000.parquet", [("another task", 1)])
    assert open_set("data=sst2_glue").card() == published.card()


def test_glues_line_that_is_no_sentence_is_named(open_set, glue):
    with (glue / "dev.tsv").open("a") as file:
        file.write("no label\n")
    with pytest.raises(DataError, match=r"dev\.tsv row 4: is not a sentence and a label"):
        open_set("data=sst2_glue", f"data.path={glue}").card()


def test_half_of_glue_is_not_enough(open_set, glue):
    (glue / "dev.tsv").unlink()
    with pytest.raises(DataError, match=r"data=sst2_glue: .* has no dev\.tsv; put it beside"):
        open_set("data=sst2_glue", f"data.path={glue}").card()
