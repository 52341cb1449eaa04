"""Data sets of the hub, from caches laid out as its libraries lay them."""

import json
import shutil
import time

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from suite import DataError, OnError, Split, StreamedExamples
from suite.testing import COSTLY, check_task
from tasks.image_recognition.data import HubImages

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def caches(tmp_path, monkeypatch):
    """Give the two libraries caches of the test's own."""
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    datasets.disable_progress_bars()
    yield tmp_path
    datasets.enable_progress_bars()


def rows(encode, levels):
    noise = np.random.default_rng(levels[0] if levels else 0)
    return [
        {"bytes": encode(noise.integers(0, 256, (6, 5, 3), dtype=np.uint8)), "path": None}
        for _ in levels
    ]


def table(encode, count, *, image="image", label="label", labels=None, first=0):
    columns = {
        image: pa.array(rows(encode, range(first, first + count)), IMAGE),
        label: labels or [i % 2 for i in range(count)],
    }
    features = {
        image: {"_type": "Image"},
        label: {"_type": "ClassLabel", "names": ["cat", "dog"]},
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.table(columns).replace_schema_metadata(metadata)


@pytest.fixture
def snapshot(tmp_path, encode):
    """Write files as the hub's cache has them after a download; give the folder."""

    def written(**tables):
        repository = tmp_path / "hub" / "datasets--me--pets"
        folder = repository / "snapshots" / SHA
        (folder / "data").mkdir(parents=True)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(SHA)
        for split, held in tables.items():
            pq.write_table(held, folder / "data" / f"{split}-00000-of-00001.parquet")
        return folder

    return written


def load(tmp_path, **options):
    defaults = {
        "id": "me/pets", "config": None, "revision": None, "download": False,
        "train_split": "train", "validation_split": None, "test_split": None,
        "image_column": None, "label_column": None, "name": None, "size": None, "channels": None,
        "validation": 0.25, "test": 0.25, "max_pixels": 10_000, "on_error": OnError.stop,
    }  # fmt: skip
    return HubImages(**{**defaults, **options}).load(tmp_path / "cache")


def contents(data, split):
    return [
        (pixels.tolist(), int(label))
        for batch in data.splits[split].evaluation(7)
        for pixels, label in zip(batch["pixels_BCHW"], batch["label_B"], strict=True)
    ]


def test_files_in_the_cache_of_the_hub(snapshot, encode, tmp_path):
    snapshot(train=table(encode, 24), test=table(encode, 6, first=50))
    data = load(tmp_path)
    assert data.card.name == "me/pets"
    assert data.card.source == "huggingface.co/datasets/me/pets"
    assert data.card.version
    assert data.card.sizes == {"train": 18, "validation": 6, "test": 6}
    assert data.card.published_test
    assert data.classes == ("cat", "dog")
    assert [label for _, label in contents(data, Split.TEST)] == [0, 1] * 3


def test_streamed_is_the_same(snapshot, encode, tmp_path):
    snapshot(train=table(encode, 24), validation=table(encode, 6, first=40))
    held, streamed = (load(tmp_path, stream=stream) for stream in (False, True))
    assert isinstance(streamed.splits[Split.TRAIN], StreamedExamples)
    assert streamed.card == held.card
    assert not held.card.published_test
    for split in Split:
        assert contents(streamed, split) == contents(held, split)
    workers = streamed.to(torch.device("cpu"), workers=1)
    assert contents(workers, Split.TEST) == contents(held, Split.TEST)


def test_what_the_library_prepared_before(snapshot, encode, tmp_path):
    from datasets import load_dataset

    folder = snapshot(train=table(encode, 24), test=table(encode, 6, first=50))
    expected = load(tmp_path)
    # Prepare them under the name of the repository, as loading them from the hub does.
    shutil.rmtree(tmp_path / "datasets")
    load_dataset(str(folder), cache_dir=str(tmp_path / "made"))
    (made,) = (path.parent for path in (tmp_path / "made").rglob("dataset_info.json"))
    place = tmp_path / "datasets" / "me___pets" / "default" / "0.0.0" / SHA
    shutil.copytree(made, place)
    for file in place.glob("*.arrow"):
        file.rename(place / f"pets-{file.name.rpartition('-')[2]}")
    shutil.rmtree(tmp_path / "hub")
    data = load(tmp_path)
    assert data.card.version == SHA
    assert contents(data, Split.TRAIN) == contents(expected, Split.TRAIN)
    with pytest.raises(DataError, match=r"not in the local cache of the hub at revision v2; set"):
        load(tmp_path, revision="v2")


def test_what_is_not_there_is_told_at_once(tmp_path):
    start = time.monotonic()
    with pytest.raises(DataError) as told:
        load(tmp_path, id="me/gone")
    assert str(told.value) == (
        "data.id=me/gone: is not in the local cache of the hub; set data.download=true, "
        "or mend data.id"
    )
    with pytest.raises(DataError, match=r"data\.id=me/gone: cannot be downloaded \(.*Offline") as o:
        load(tmp_path, id="me/gone", download=True)
    assert "\n" not in str(o.value)
    assert time.monotonic() - start < 10


def test_splits_and_columns_by_name(snapshot, encode, tmp_path):
    two = table(encode, 24, image="photo", label="animal")
    two = two.append_column("label", pa.array(["x", "y"] * 12))
    snapshot(train=two, test=two.slice(0, 6))
    with pytest.raises(DataError, match=r"data\.test_split=tst: is not in .* did you mean 'test'"):
        load(tmp_path, test_split="tst")
    with pytest.raises(DataError, match="one split is given twice"):
        load(tmp_path, validation_split="train")
    assert load(tmp_path).classes == ("x", "y")
    assert load(tmp_path, label_column="animal").classes == ("cat", "dog")
    with pytest.raises(DataError, match=r"data\.label_column=animl: .* did you mean 'animal'"):
        load(tmp_path, label_column="animl")
    data = load(tmp_path, validation_split="test", test=0.5)
    assert data.card.sizes == {"train": 12, "validation": 6, "test": 12}
    assert not data.card.published_test


def test_no_column_of_images(snapshot, tmp_path):
    snapshot(train=pa.table({"text": ["a", "b"], "label": [0, 1]}))
    with pytest.raises(DataError, match=r"0 columns of \['text', 'label'\] suit; give data\.image"):
        load(tmp_path)


def test_hidden_labels(snapshot, encode, tmp_path):
    snapshot(train=table(encode, 24), test=table(encode, 4, labels=[-1] * 4))
    with pytest.raises(DataError, match=r"split test has no labels \(all are -1\); give another"):
        load(tmp_path)


def test_a_row_that_is_no_image(snapshot, encode, tmp_path):
    held = table(encode, 24)
    spoiled = [*held["image"].to_pylist()[:-1], {"bytes": b"?", "path": None}]
    column = pa.array(spoiled, held.schema.field("image").type)
    snapshot(train=held.set_column(0, held.schema.field("image"), column))
    with pytest.raises(DataError, match=r"^train row 23: cannot be read as an image"):
        load(tmp_path)
    assert [one.name for one in load(tmp_path, on_error=OnError.skip).card.skipped] == [
        "train row 23"
    ]


def test_the_contract(snapshot, encode, tmp_path):
    snapshot(train=table(encode, 60), test=table(encode, 20, first=100))
    check_task(
        [
            "task=image_recognition", "data=hub_images", "data.id=me/pets",
            "data.stream=true", "data.validation=0.3", "hardware.workers=0",
            "backbone=mlp", "backbone.width=8", "trainer.batch_size=16",
            f"cache={tmp_path / 'cache'}",
        ],
        skip=COSTLY,
    )  # fmt: skip


def test_no_network_is_found_out_before_the_library_does(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "https://hub.invalid")
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    start = time.monotonic()
    with pytest.raises(DataError, match=r"cannot be downloaded \(.*(not known|resolution)"):
        load(tmp_path, download=True)
    assert time.monotonic() - start < 10
