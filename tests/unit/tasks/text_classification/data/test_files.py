import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suite import DataError, OnError, Split
from tasks.text_classification.data import TextFiles

ROWS = [(f"good film {i}", "good") for i in range(20)] + [
    (f"bad film {i}", "bad") for i in range(20)
]


def _files(path, **options):
    return TextFiles(
        **{
            "path": str(path),
            "name": None,
            "text_column": "text",
            "label_column": "label",
            "validation": 0.1,
            "test": 0.2,
            "on_error": OnError.stop,
            **options,
        }
    )


def _csv(path, rows, header=("text", "label"), separator=","):
    lines = [separator.join(header), *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def _write(path, rows=ROWS):
    texts, labels = map(list, zip(*rows, strict=True))
    if path.suffix in (".csv", ".tsv"):
        _csv(path, rows, separator="," if path.suffix == ".csv" else "\t")
    elif path.suffix == ".parquet":
        pq.write_table(pa.table({"text": texts, "label": labels}), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps({"text": t, "label": k}) + "\n" for t, k in rows))
    else:
        path.write_text(json.dumps([{"text": t, "label": k} for t, k in rows]))
    return path


def _pairs(loaded):
    return sorted(
        (text, loaded.classes[label])
        for split in Split
        for text, label in zip(loaded.splits[split].texts, loaded.splits[split].labels, strict=True)
    )


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".json", ".jsonl"])
def test_one_file_of_each_format_is_split_by_text(tmp_path, suffix):
    loaded = _files(_write(tmp_path / f"films{suffix}")).load(tmp_path / "cache")
    assert loaded.classes == ("bad", "good")
    assert _pairs(loaded) == sorted(ROWS)
    # A fifth of 40, then a tenth of the remaining 32, of each class.
    assert loaded.card.sizes == {"train": 28, "validation": 4, "test": 8}
    assert loaded.card.name == "films"
    assert sorted(loaded.splits[Split.TEST].labels) == [0] * 4 + [1] * 4


def test_formats_of_the_same_rows_have_the_same_fingerprint(tmp_path):
    prints = {
        _files(_write(tmp_path / f"films{suffix}")).load(tmp_path / "cache").card.fingerprint
        for suffix in (".csv", ".parquet", ".jsonl")
    }
    assert len(prints) == 1
    changed = _write(tmp_path / "other.csv", [*ROWS[:-1], ("bad film 19!", "bad")])
    assert _files(changed).load(tmp_path / "cache").card.fingerprint not in prints


def test_equal_texts_stay_together(tmp_path):
    rows = [(f"film {i % 10}", "good") for i in range(60)]
    rows += [(f"book {i % 10}", "bad") for i in range(60)]
    loaded = _files(_write(tmp_path / "films.csv", rows)).load(tmp_path / "cache")
    texts = [set(loaded.splits[split].texts) for split in Split]
    assert not texts[0] & texts[1] | texts[0] & texts[2] | texts[1] & texts[2]
    assert len(loaded.splits[Split.TEST].texts) == 24


@pytest.mark.parametrize("validation", ["validation", "valid", "val", "dev"])
def test_folder_of_splits_is_taken_as_it_is(tmp_path, validation):
    for name, part in (("train", ROWS[5:35]), (validation, ROWS[:5]), ("test", ROWS[35:])):
        _write(tmp_path / f"{name}.csv", part)
    loaded = _files(tmp_path, name="films").load(tmp_path / "cache")
    assert loaded.card.sizes == {"train": 30, "validation": 5, "test": 5}
    assert loaded.card.name == "films"
    assert list(loaded.splits[Split.VALIDATION].texts) == [t for t, _ in ROWS[:5]]
    assert loaded.card.notes == ""


def test_names_of_the_hub_are_known(tmp_path):
    _write(tmp_path / "train-00000-of-00001.parquet", ROWS)
    _write(tmp_path / "test-00000-of-00001.parquet", ROWS[:3])
    loaded = _files(tmp_path).load(tmp_path / "cache")
    assert loaded.card.sizes == {"train": 36, "validation": 4, "test": 3}
    assert loaded.card.notes == "3 texts are in train and in test, as found"


def test_numbers_and_named_classes_are_classes(tmp_path):
    rows = [(f"text {i}", i % 12) for i in range(240)]
    loaded = _files(_write(tmp_path / "n.csv", rows)).load(tmp_path / "cache")
    assert loaded.classes == tuple(str(i) for i in range(12))  # by value: 2 before 10

    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    table = datasets.Dataset.from_dict(
        {"text": [f"t{i}" for i in range(30)], "label": [i % 2 for i in range(30)]}, features
    )
    table.to_parquet(tmp_path / "named.parquet")
    named = _files(tmp_path / "named.parquet").load(tmp_path / "cache")
    assert named.classes == ("no", "yes")


def test_words_for_nothing_are_text(tmp_path):
    rows = [*ROWS, ("NA", "good"), ("null", "bad"), ("None", "good"), ("nan", "bad")]
    loaded = _files(_write(tmp_path / "films.csv", rows)).load(tmp_path / "cache")
    assert {("NA", "good"), ("null", "bad"), ("nan", "bad")} <= set(_pairs(loaded))


def test_missing_column_is_named_with_the_nearest(tmp_path):
    _csv(tmp_path / "f.csv", ROWS, header=("texts", "label"))
    with pytest.raises(
        DataError,
        match=r"f\.csv: has no column 'text'; did you mean 'texts'\?; its columns are texts, "
        r"label: set data\.text_column=…",
    ):
        _files(tmp_path / "f.csv").load(tmp_path / "cache")
    loaded = _files(tmp_path / "f.csv", text_column="texts").load(tmp_path / "cache")
    assert len(_pairs(loaded)) == 40
    with pytest.raises(DataError, match=r"no column 'klass'.*data\.label_column=…"):
        _files(tmp_path / "f.csv", text_column="texts", label_column="klass").load(tmp_path / "c")


@pytest.mark.parametrize("split", ["validation", "test"])
def test_label_unseen_in_training_is_named(tmp_path, split):
    _write(tmp_path / "train.csv")
    _write(tmp_path / f"{split}.csv", [("so so", "middling"), ("good", "good")])
    with pytest.raises(
        DataError, match=rf"{split}\.csv row 1: label 'middling' in column 'label' does not occur"
    ):
        _files(tmp_path).load(tmp_path / "cache")


@pytest.mark.parametrize("row", [("", "good"), ("   ", "good"), ("text", "")])
def test_empty_text_or_label_stops_or_is_skipped_and_named(tmp_path, row):
    _write(tmp_path / "films.csv", [ROWS[0], row, *ROWS[1:]])
    with pytest.raises(
        DataError, match=r"films\.csv row 2: has no text or no label.*on_error=skip"
    ):
        _files(tmp_path / "films.csv").load(tmp_path / "cache")
    loaded = _files(tmp_path / "films.csv", on_error=OnError.skip).load(tmp_path / "cache")
    assert _pairs(loaded) == sorted(ROWS)
    (skipped,) = loaded.card.skipped
    assert skipped.name == f"{tmp_path / 'films.csv'} row 2"
    assert (skipped.split, skipped.label) == (Split.TRAIN, row[1] or None)


def test_missing_values_of_parquet_are_missing(tmp_path):
    table = pa.table({"text": ["a", None, "c"] * 10, "label": [0, 1, None] * 10})
    pq.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(DataError, match="row 2: has no text or no label"):
        _files(tmp_path / "x.parquet").load(tmp_path / "cache")


def test_path_that_is_not_there_and_other_wrong_places(tmp_path):
    with pytest.raises(DataError, match=r"data\.path=.*nowhere: does not exist; give a folder"):
        _files(tmp_path / "nowhere").load(tmp_path / "cache")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"notes\.txt: is none of \.csv, \.tsv"):
        _files(tmp_path / "notes.txt").load(tmp_path / "cache")
    with pytest.raises(DataError, match=r"has no train file \(train\.csv"):
        _files(tmp_path).load(tmp_path / "cache")
    _write(tmp_path / "train.csv")
    _write(tmp_path / "train.json")
    with pytest.raises(DataError, match=r"has both train\.csv and train\.json; keep one"):
        _files(tmp_path).load(tmp_path / "cache")


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".json"])
def test_damaged_file_is_named(tmp_path, suffix):
    path = tmp_path / f"films{suffix}"
    path.write_bytes(b'\xff\xfe{"text": "a\x00')
    with pytest.raises(DataError, match=rf"films\{suffix}( row 1)?: "):
        _files(path).load(tmp_path / "cache")


def test_file_without_rows_is_named(tmp_path):
    _csv(tmp_path / "films.csv", [])
    with pytest.raises(DataError, match=r"films\.csv: "):
        _files(tmp_path / "films.csv").load(tmp_path / "cache")


def test_file_too_small_to_split_is_named(tmp_path):
    _csv(tmp_path / "films.csv", ROWS[18:22])
    with pytest.raises(DataError, match=r"films.csv.*no text is left for"):
        _files(tmp_path / "films.csv").load(tmp_path / "cache")


def test_changed_file_is_read_anew(tmp_path):
    path = _write(tmp_path / "films.csv")
    _files(path).load(tmp_path / "cache")
    _write(path, [*ROWS, ("new film", "good")])
    assert ("new film", "good") in _pairs(_files(path).load(tmp_path / "cache"))
