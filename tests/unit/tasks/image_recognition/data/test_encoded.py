"""Streamed or in memory, from files or from tables: the same data set."""

import os
import pickle
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from suite import DataError, Examples, OnError, Split, StreamedExamples
from suite.testing import COSTLY, check_task
from tasks.image_recognition.data import ImageFolder, ImageParquet
from tasks.image_recognition.data.images import FileImages, content_key
from tasks.image_recognition.data_config import Channels
from tasks.image_recognition.sample import training_pixels

CPU = torch.device("cpu")


@pytest.fixture
def images(tmp_path):
    """Forty noisy colour images of each of two classes, a few of them twice."""
    noise = np.random.default_rng(0)
    for name in ("cat", "dog"):
        folder = tmp_path / "pets" / name
        folder.mkdir(parents=True)
        for number in range(40):
            pixels = noise.integers(0, 256, (6, 5, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number:02}.png")
        for number in range(4):
            shutil.copy(folder / f"{number:02}.png", folder / f"copy-{number}.png")
    return tmp_path / "pets"


@pytest.fixture
def tables(images, tmp_path):
    """The same images in two parquet files with small row groups."""
    files = sorted(images.rglob("*.png"), key=lambda file: file.parts)
    folder = tmp_path / "table"
    folder.mkdir()
    for number, some in enumerate((files[:50], files[50:])):
        contents = [{"bytes": file.read_bytes(), "path": file.name} for file in some]
        labels = [int(file.parent.name == "dog") for file in some]
        table = pa.table({"image": contents, "label": labels})
        pq.write_table(table, folder / f"train-{number}.parquet", row_group_size=8)
    return folder


@pytest.fixture
def load(tmp_path):
    def loaded(path, **options):
        kind = ImageFolder if options.pop("kind", "") != "parquet" else ImageParquet
        defaults = {
            "name": "pets", "size": None, "channels": None, "validation": 0.25, "test": 0.25,
            "max_pixels": 10_000, "on_error": OnError.stop, "memory_gib": 1.0,
        }  # fmt: skip
        if kind is ImageParquet:
            defaults |= {"image_column": None, "label_column": None}
        return kind(path=str(path), **{**defaults, **options}).load(tmp_path / "cache")

    return loaded


def contents(data):
    """Return everything that a data set serves."""
    found = {"card": data.card, "classes": data.classes}
    for split in Split:
        for batch in data.splits[split].evaluation(16):
            for name, tensor in batch.items():
                found.setdefault(f"{split.value} {name}", []).extend(tensor.tolist())
    training = islice(data.splits[Split.TRAIN].training(8, seed=3), 12)
    found["training"] = [{name: t.tolist() for name, t in batch.items()} for batch in training]
    return found


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_stream_is_the_same_data_set(images, load, workers):
    streamed = load(images, stream=True).to(CPU, workers=workers)
    assert isinstance(streamed.splits[Split.TRAIN], StreamedExamples)
    held = load(images, stream=False)
    assert isinstance(held.splits[Split.TRAIN], Examples)
    assert contents(streamed) == contents(held)


def test_tables_are_the_same_data_set_as_their_images(images, tables, load):
    streamed = load(tables, kind="parquet", stream=True)
    held = load(tables, kind="parquet", stream=False)
    assert contents(streamed) == contents(held)
    # Classes are numbered in tables: all else is that of the folder.
    assert streamed.card.fingerprint == load(images).card.fingerprint
    assert streamed.card.sizes == load(images).card.sizes


def test_equal_images_are_in_one_split(images, load):
    data = load(images, stream=True)
    assert data.card.notes == "test held out from train; validation held out from train"
    assert sum(data.card.sizes.values()) == 88
    seen = [
        {
            pixels.numpy().tobytes()
            for batch in part.evaluation(9)
            for pixels in batch["pixels_BCHW"]
        }
        for part in data.splits.values()
    ]
    assert min(map(len, seen)) >= 15
    assert sum(map(len, seen)) == len(set.union(*seen)) == 80


def test_auto_streams_what_does_not_fit(images, load):
    pixel_bytes = 88 * 6 * 5 * 3
    fits, larger = (load(images, memory_gib=b / 2**30) for b in (pixel_bytes, pixel_bytes - 1))
    assert isinstance(fits.splits[Split.TRAIN], Examples)
    assert isinstance(larger.splits[Split.TRAIN], StreamedExamples)


@pytest.mark.parametrize("stream", [True, False])
def test_resizing_and_colour_are_the_same(images, load, encode, stream):
    for number in range(8):
        (images / "dog" / f"grey-{number}.png").write_bytes(encode(number, size=(9, 12)))
    data = load(images, stream=stream, size=4)
    expected = load(images, stream=False, size=4)
    assert contents(data) == contents(expected)
    assert data.splits[Split.TEST].take(torch.tensor([0]))["pixels_BCHW"].shape == (1, 3, 4, 4)
    grey = load(images, stream=stream, size=4, channels=Channels.grey)
    assert grey.splits[Split.TEST].take(torch.tensor([0]))["pixels_BCHW"].shape == (1, 1, 4, 4)


def test_the_fingerprint_knows_content_and_decoding(images, load):
    prints = [
        load(images, stream=s, size=n).card.fingerprint for s in (True, False) for n in (4, 5)
    ]
    assert prints[:2] == prints[2:]
    assert prints[0] != prints[1]
    file = images / "cat" / "07.png"
    shutil.copy(images / "cat" / "08.png", file)
    assert load(images, stream=True, size=4).card.fingerprint not in prints


def test_sizes_that_differ_are_told_before_training_or_with_the_batch(
    images, load, encode, monkeypatch
):
    (images / "dog" / "copy-3.png").write_bytes(encode(9, size=(8, 16)))
    with pytest.raises(
        DataError, match=r"png is 5 x 6, dog/copy-3\.png is 16 x 8: .* data\.size=6"
    ):
        load(images, stream=True)
    monkeypatch.setattr("tasks.image_recognition.data.decoding._LOOKS", 1)
    data = load(images, stream=True)
    with pytest.raises(DataError, match=r"dog/copy-3\.png is 16 x 8: images differ in size"):
        contents(data)


def test_an_image_that_cannot_be_read_is_named(images, load):
    (images / "cat" / "07.png").write_bytes(b"?")
    data = load(images, stream=True)
    with pytest.raises(DataError, match=r"^cat/07\.png: cannot be read as an image .*on_error"):
        contents(data)


def test_skipping_in_a_stream_is_skipping_in_memory(images, load, tmp_path):
    (images / "cat" / "07.png").write_bytes(b"?")
    (images / "dog" / "09.png").write_bytes((images / "dog" / "09.png").read_bytes()[:-30])
    streamed = load(images, stream=True, on_error=OnError.skip)
    assert [one.name for one in streamed.card.skipped] == ["cat/07.png", "dog/09.png"]
    assert [one.label for one in streamed.card.skipped] == ["cat", "dog"]
    assert contents(streamed) == contents(load(images, stream=False, on_error=OnError.skip))
    assert len(list((tmp_path / "cache" / "faults").glob("*.json"))) == 1
    # What was found is kept until a file changes.
    again = load(images, stream=True, on_error=OnError.skip)
    assert again.card == streamed.card


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_batches_without_the_skipped_are_resumed_by_counting(images, load, workers):
    for name in ("cat/07.png", "cat/31.png", "dog/09.png"):
        (images / name).write_bytes(b"?")
    held = load(images, stream=False, on_error=OnError.skip).splits[Split.TRAIN]
    data = load(images, stream=True, on_error=OnError.skip)
    train = data.to(CPU, workers=workers).splits[Split.TRAIN]
    gone_on = islice(held.training(8, seed=3), 7, 14)  # into the second epoch of five batches
    resumed = islice(train.training(8, seed=3, skip=7), 7)
    for one, other in zip(gone_on, resumed, strict=True):
        assert {k: v.tolist() for k, v in one.items()} == {k: v.tolist() for k, v in other.items()}


def test_colour_where_none_was_seen(folder, load, encode, monkeypatch):
    path = folder()
    red = np.zeros((6, 6, 3), np.uint8)
    red[..., 0] = 255
    (path / "dog" / "05.png").write_bytes(encode(red))
    take = torch.tensor([0])
    assert load(path, stream=True).splits[Split.TEST].take(take)["pixels_BCHW"].shape[1] == 3
    monkeypatch.setattr("tasks.image_recognition.data.decoding._LOOKS", 2)
    data = load(path, stream=True)
    with pytest.raises(DataError, match=r"dog/05\.png: has colour.* give data\.channels=rgb"):
        contents(data)
    rgb = load(path, stream=True, channels=Channels.rgb)
    assert contents(rgb) == contents(load(path, stream=False))


def test_keys_tell_images_apart_and_know_copies(tmp_path):
    noise = np.random.default_rng(0)
    long = noise.bytes(200_000)
    middle = bytearray(long)
    middle[len(long) // 2] ^= 1
    names = ["a", "b", "c", "d"]
    for name, content in zip(names, (long, bytes(long), bytes(middle), long[:-1]), strict=True):
        (tmp_path / name).write_bytes(content)
    images = FileImages(tmp_path, names)
    keys = [images.key(index) for index in range(4)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert keys[0] == content_key(len(long), lambda start, size: long[start : start + size])


def test_the_card_tells_of_images_that_are_not_hashed_whole(images, load):
    file = images / "cat" / "07.png"
    file.write_bytes(file.read_bytes() + bytes(50_000))  # nobody reads what follows the image
    card = load(images, stream=True).card
    assert card.notes.startswith(
        "fingerprint over size and 48 KiB of 1 images, all of the others; test"
    )
    assert card == load(images, stream=False).card


def test_a_stamp_changes_with_a_file(images):
    files = FileImages(images, ["cat/00.png", "dog/00.png"])
    before = files.stamp()
    assert FileImages(images, ["cat/00.png", "dog/00.png"]).stamp() == before
    os.utime(images / "dog" / "00.png", ns=(1, 1))
    assert files.stamp() != before
    assert FileImages(images, ["cat/00.png", "gone.png"]).stamp() is None


def test_fetch_travels_to_a_worker(tables, load):
    train = load(tables, kind="parquet", stream=True).splits[Split.TRAIN]
    index_B = torch.tensor([3, 0])
    expected = train.take(index_B)["pixels_BCHW"]
    there = pickle.loads(pickle.dumps(train.fetch))
    assert torch.equal(there(index_B)["pixels_BCHW"], expected)


def test_packed_rows_are_read_again_only_after_a_change(tables, load, tmp_path):
    load(tables, kind="parquet", stream=True)
    packed = list((tmp_path / "cache" / "images").glob("*.packed"))
    load(tables, kind="parquet", stream=True)
    assert list((tmp_path / "cache" / "images").glob("*.packed")) == packed
    assert packed[0].stat().st_size == sum(
        len(row["bytes"])
        for file in tables.iterdir()
        for row in pq.read_table(file)["image"].to_pylist()
    )
    os.utime(tables / "train-0.parquet", ns=(1, 1))
    load(tables, kind="parquet", stream=True)
    assert len(list((tmp_path / "cache" / "images").glob("*.packed"))) == 2


def test_packing_holds_a_few_rows_at_a_time(tmp_path, monkeypatch):
    """Also where one row group is the whole file."""
    from tasks.image_recognition.data import packing

    file = tmp_path / "train.parquet"
    rows = [os.urandom(1000) for _ in range(2000)]
    pq.write_table(pa.table({"image": rows, "label": [0] * 2000}), file, row_group_size=2000)
    sizes = []
    real = pq.ParquetFile.iter_batches

    def watched(self, *arguments, **options):
        for batch in real(self, *arguments, **options):
            sizes.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    table = packing.Table(file, file.name, "image", "label", 2000)
    packed = packing.pack([table], tmp_path / "cache")
    assert max(sizes) == 256
    assert [packed.read(index) for index in (0, 999, 1999)] == [rows[0], rows[999], rows[1999]]
    assert packed.name(999) == "train.parquet row 999"


def test_statistics_of_a_stream_come_from_some_of_it(images, load, monkeypatch):
    held, streamed = (load(images, stream=stream).splits[Split.TRAIN] for stream in (False, True))
    assert torch.equal(training_pixels(streamed, 7), training_pixels(held, 7))
    monkeypatch.setattr("tasks.image_recognition.sample._IMAGES", 5)
    index_N = torch.arange(5) * len(held) // 5
    assert torch.equal(training_pixels(streamed, 2), held.take(index_N)["pixels_BCHW"])
    monkeypatch.setattr("tasks.image_recognition.sample._BYTES", 2 * 6 * 5 * 3)
    assert len(training_pixels(streamed, 2)) == 2


def test_a_streamed_task_keeps_the_contract(images: Path, tmp_path):
    check_task(
        [
            "task=image_recognition", "data=imagefolder", f"data.path={images}",
            "data.stream=true", "data.validation=0.25", "data.test=0.25", "hardware.workers=0",
            "backbone=resnet", "backbone.width=8", "backbone.stages=2", "trainer.batch_size=16",
            f"cache={tmp_path / 'cache'}",
        ],
        skip=COSTLY,
    )  # fmt: skip
