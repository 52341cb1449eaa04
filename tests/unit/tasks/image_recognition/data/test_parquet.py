import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suite import DataError, OnError, Split
from tasks.image_recognition.data import ImageParquet

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture
def write(tmp_path, encode):
    def written(name, levels, labels, *, image="img", label="label", names=None, struct=True):
        contents = [encode(level) for level in levels]
        column = (
            pa.array([{"bytes": content, "path": None} for content in contents], IMAGE)
            if struct
            else pa.array(contents, pa.binary())
        )
        table = pa.table({image: column, label: labels})
        if names:
            features = {image: {"_type": "Image"}, label: {"_type": "ClassLabel", "names": names}}
            metadata = {"huggingface": json.dumps({"info": {"features": features}})}
            table = table.replace_schema_metadata(metadata)
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file)
        return tmp_path / "set"

    return written


@pytest.fixture
def load(tmp_path):
    def loaded(path, **options):
        defaults = {
            "name": None, "size": None, "channels": None, "validation": 0.25, "test": 0.25,
            "max_pixels": 10_000, "image_column": None, "label_column": None,
            "on_error": OnError.stop,
        }  # fmt: skip
        return ImageParquet(path=str(path), **{**defaults, **options}).load(tmp_path / "cache")

    return loaded


LABELS = [0, 1] * 10


def test_hub_files_with_splits_shards_and_class_names(write, load):
    write("data/train-00000-of-00002.parquet", range(20), LABELS, names=["cat", "dog"])
    write("data/train-00001-of-00002.parquet", range(20, 40), LABELS, names=["cat", "dog"])
    path = write("data/test-00000-of-00001.parquet", [90, 91], [1, 0], names=["cat", "dog"])
    data = load(path)
    assert data.classes == ("cat", "dog")
    assert data.card.sizes == {"train": 30, "validation": 10, "test": 2}
    assert data.splits[Split.TEST].columns["pixels_BCHW"][:, 0, 0, 0].tolist() == [90, 91]
    assert data.splits[Split.TEST].columns["label_B"].tolist() == [1, 0]


def test_converted_layout_with_text_labels_and_plain_bytes(write, load):
    write("train/0000.parquet", range(20), ["no", "yes"] * 10, struct=False, image="photo")
    path = write("test/0000.parquet", [50], ["yes"], struct=False, image="photo")
    data = load(path)
    assert data.classes == ("no", "yes")
    assert data.splits[Split.TEST].columns["label_B"].tolist() == [1]


def test_file_without_a_split_is_divided(write, load):
    data = load(write("all.parquet", range(40), LABELS * 2))
    assert data.card.sizes == {"train": 20, "validation": 10, "test": 10}


def test_columns_by_name(write, load):
    path = write("train.parquet", range(40), LABELS * 2, image="a", label="kind")
    with pytest.raises(DataError, match=r"has no column label or labels .* data\.label_column="):
        load(path)
    with pytest.raises(DataError, match=r"data\.label_column=kin: .* did you mean 'kind'"):
        load(path, label_column="kin")
    assert load(path, label_column="kind", image_column="a").classes == ("0", "1")


def test_no_column_of_images(tmp_path, load):
    (tmp_path / "set").mkdir()
    pq.write_table(pa.table({"label": [1]}), tmp_path / "set" / "train.parquet")
    with pytest.raises(DataError, match=r"0 columns hold images of \['label'\]"):
        load(tmp_path / "set")


def test_row_that_is_no_image(tmp_path, write, load):
    path = write("train.parquet", range(40), LABELS * 2)
    table = pq.read_table(path / "train.parquet")
    rows = table["img"].to_pylist()
    rows[7] = {"bytes": b"?", "path": None}
    rows[9] = None
    pq.write_table(table.set_column(0, "img", pa.array(rows, IMAGE)), path / "train.parquet")
    with pytest.raises(DataError, match=r"train\.parquet row 7: cannot be read as an image"):
        load(path)
    skipped = load(path, on_error=OnError.skip).card.skipped
    assert [one.name for one in skipped] == ["train.parquet row 7", "train.parquet row 9"]


def test_rows_without_a_label(write, load):
    path = write("train.parquet", range(20), [None, *LABELS[1:]])
    with pytest.raises(DataError, match=r"train\.parquet row 0: has no label; .*on_error=skip"):
        load(path)
    card = load(path, on_error=OnError.skip).card
    assert [(one.name, one.label) for one in card.skipped] == [("train.parquet row 0", None)]


@pytest.mark.parametrize("label", [2, -1, 7.5, math.nan])
def test_labels_that_name_no_class_do_not_become_one(write, load, label):
    labels = [label, *LABELS[1:]] if isinstance(label, int) else [label, *map(float, LABELS[1:])]
    path = write("train.parquet", range(20), labels, names=["cat", "dog"])
    with pytest.raises(DataError, match=r"train\.parquet row 0: .*label"):
        load(path)
    data = load(path, on_error=OnError.skip)
    assert data.classes == ("cat", "dog")
    assert sum(data.card.sizes.values()) == 19


def test_damaged_or_missing_files(tmp_path, write, load):
    path = write("train.parquet", range(20), LABELS)
    content = (path / "train.parquet").read_bytes()
    (path / "train.parquet").write_bytes(content[:-20])
    with pytest.raises(DataError, match=r"train\.parquet: is not a parquet file"):
        load(path)
    (path / "train.parquet").rename(path / "train.txt")
    with pytest.raises(DataError, match=r"has no \.parquet files"):
        load(path)


def test_names_are_those_of_the_label_column(tmp_path, write, load):
    path = write("train.parquet", range(40), LABELS * 2, label="fine", names=["oak", "elm"])
    assert load(path, label_column="fine").classes == ("oak", "elm")


def test_labels_that_are_lists(write, load):
    with pytest.raises(DataError, match=r"a label is \[1, 2\]; give a column with one number"):
        load(write("train.parquet", range(20), [[1, 2]] * 20))


def test_damage_inside_a_file(write, load):
    path = write("train.parquet", range(20), LABELS)
    content = bytearray((path / "train.parquet").read_bytes())
    content[4:200] = bytes(196)
    (path / "train.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"train\.parquet: cannot be read"):
        load(path)
