import hashlib
import io
import os
import pickle
import struct
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from suite import DataError, Split
from tasks.image_recognition.data import Cifar10, Cifar100

NAMES = {Cifar10: "cifar-10-batches-py", Cifar100: "cifar-100-python"}


def text(value):
    """Return a byte string as Python 2 pickles it."""
    value = value.encode("latin1") if isinstance(value, str) else value
    if len(value) < 256:
        return b"U" + bytes([len(value)]) + value
    return b"T" + struct.pack("<i", len(value)) + value


def number(value):
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def array(values_NP):
    """Return an array as the numpy of Python 2 pickles it, opcode by opcode."""
    rows, columns = values_NP.shape
    empty = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text("b") + b"\x87R"
    )
    kind = b"cnumpy\ndtype\n" + text("u1") + b"K\x00K\x01\x87R(K\x03" + text("|")
    kind += b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    state = b"(K\x01" + number(rows) + number(columns) + b"\x86" + kind + b"\x89"
    return empty + state + text(values_NP.tobytes()) + b"tb"


def numbers(values):
    return b"](" + b"".join(map(number, values)) + b"e"


def texts(values):
    return b"](" + b"".join(map(text, values)) + b"e"


def dictionary(**items):
    return b"\x80\x02}(" + b"".join(text(key) + value for key, value in items.items()) + b"u."


def batch(kind, pixels_NP, labels):
    if kind is Cifar10:
        return dictionary(batch_label=text("one"), labels=numbers(labels), data=array(pixels_NP))
    coarse = numbers([label // 5 for label in labels])
    return dictionary(data=array(pixels_NP), coarse_labels=coarse, fine_labels=numbers(labels))


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Write a small set in the published format, and take its checksums for the published ones."""

    def written(kind, **changed):
        noise = np.random.default_rng(0)
        folder = tmp_path / "set" / NAMES[kind]
        folder.mkdir(parents=True, exist_ok=True)
        classes = 10 if kind is Cifar10 else 100
        names = [f"class {label}" for label in range(classes)]
        batches = kind.batches
        contents = {}
        for name in (*batches.train, *batches.test):
            pixels = noise.integers(0, 256, (5 * classes, 3072), dtype=np.uint8)
            contents[name] = batch(kind, pixels, list(range(classes)) * 5)
        ((meta, _),) = batches.meta.items()
        contents[meta] = dictionary(**{batches.names: texts(names)})
        contents |= changed
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        md5 = {name: hashlib.md5(content).hexdigest() for name, content in contents.items()}
        ours = {
            part: {name: md5[name] for name in getattr(batches, part)}
            for part in ("train", "test", "meta")
        }
        monkeypatch.setattr(kind, "batches", replace(batches, **ours))
        return tmp_path / "set"

    return written


def load(kind, path=None, cache=Path(), *, download=False):
    path = None if path is None else str(path)
    return kind(path=path, download=download, validation=0.2).load(cache)


@pytest.mark.parametrize("kind", [Cifar10, Cifar100])
def test_pickles_as_published(published, kind):
    data = load(kind, published(kind))
    classes = 10 if kind is Cifar10 else 100
    batches = len(kind.batches.train)
    train = 5 * classes * batches
    held = data.card.sizes["validation"]
    assert data.card.sizes == {"train": train - held, "validation": held, "test": 5 * classes}
    assert data.classes == tuple(f"class {label}" for label in range(classes))
    test = data.splits[Split.TEST]
    assert test.columns["label_B"].tolist() == list(range(classes)) * 5
    assert data.card.notes.startswith("read from pickles; train has")


def test_pixels_are_channel_by_channel_row_by_row(published):
    rows = np.zeros((10, 3072), np.uint8)
    rows[4, 2 * 1024 + 5 * 32 + 7] = 200
    path = published(Cifar10, test_batch=batch(Cifar10, rows, list(range(10))))
    pixels = load(Cifar10, path).splits[Split.TEST].columns["pixels_BCHW"]
    assert pixels[4, 2, 5, 7] == 200
    assert int(pixels.sum()) == 200


def test_the_archive_is_read_as_it_is(published, tmp_path):
    unpacked = load(Cifar10, published(Cifar10))
    archive = tmp_path / "packed" / "cifar-10-python.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(tmp_path / "set" / "cifar-10-batches-py", "cifar-10-batches-py")
    assert load(Cifar10, archive.parent).card == unpacked.card
    # The folder itself may be given too.
    assert load(Cifar10, tmp_path / "set" / "cifar-10-batches-py").card == unpacked.card
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(DataError, match=r"cifar-10-python\.tar\.gz/.*: cannot be read"):
        load(Cifar10, archive.parent)


def test_a_file_with_another_checksum_is_not_unpickled(tmp_path, published):
    path = published(Cifar10)
    file = path / "cifar-10-batches-py" / "data_batch_3"
    mark = tmp_path / "run"

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {mark}",)

    file.write_bytes(pickle.dumps({"data": Evil()}, 2))
    with pytest.raises(DataError, match=r"data_batch_3: has the MD5 \w{32}, but \w{32} is publish"):
        load(Cifar10, path)
    assert not mark.exists()


def test_malice_with_the_right_checksum_is_refused_too(tmp_path, published):
    mark = tmp_path / "run"

    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {mark}",)

    path = published(Cifar10, data_batch_3=pickle.dumps({"data": Evil()}, 2))
    with pytest.raises(DataError, match=r"data_batch_3: asks for posix\.system"):
        load(Cifar10, path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content",
    [
        texts(["no dictionary"]) + b".",
        dictionary(data=array(np.zeros((2, 3072), np.uint8)), labels=numbers([1])),
        dictionary(data=array(np.zeros((2, 30), np.uint8)), labels=numbers([1, 2])),
        dictionary(data=text("x"), labels=numbers([1])),
    ],
    ids=["list", "lengths", "width", "text"],
)
def test_what_is_no_batch_of_images_is_refused(published, content):
    content = content if content.startswith(b"\x80\x02") else b"\x80\x02" + content
    with pytest.raises(DataError, match="data_batch_2: is not a batch of images with labels"):
        load(Cifar10, published(Cifar10, data_batch_2=content))


def parquet(folder, encode, kind, *, image="PNG"):
    noise = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    label = "label" if kind is Cifar10 else "fine_label"
    for name, count in (("train", 40), ("test", 10)):
        pixels = [noise.integers(0, 256, (32, 32, 3), dtype=np.uint8) for _ in range(count)]
        rows = [{"bytes": encode(pixel, kind=image), "path": None} for pixel in pixels]
        columns = {"img": rows, label: [i % 10 for i in range(count)]}
        if kind is Cifar100:
            columns["coarse_label"] = [0] * count
        pq.write_table(pa.table(columns), folder / f"{name}-00000-of-00001.parquet")
    return folder


@pytest.mark.parametrize("kind", [Cifar10, Cifar100])
def test_parquet_as_on_the_hub(tmp_path, encode, kind):
    data = load(kind, parquet(tmp_path / "hub", encode, kind), tmp_path / "cache")
    assert data.card.sizes == {"train": 30, "validation": 10, "test": 10}
    assert data.card.name == kind.name
    assert data.card.notes.startswith("read from parquet (PNG); train has 40 images")
    assert data.splits[Split.TEST].columns["label_B"].tolist() == list(range(10))
    if kind is Cifar10:
        assert data.classes[:3] == ("airplane", "automobile", "bird")


def test_lossy_parquet_says_so(tmp_path, encode):
    data = load(Cifar10, parquet(tmp_path / "hub", encode, Cifar10, image="JPEG"), tmp_path)
    assert "read from parquet (JPEG, so not the published pixels)" in data.card.notes


def test_missing_files_are_named_at_once(tmp_path, encode):
    with pytest.raises(DataError, match=r"data=cifar100: .*/data/cifar100 has no cifar-100-python"):
        load(Cifar100, cache=tmp_path)
    folder = parquet(tmp_path / "hub", encode, Cifar10)
    (folder / "test-00000-of-00001.parquet").unlink()
    with pytest.raises(DataError, match=r"has no cifar-10-batches-py, cifar-10-python\.tar\.gz or"):
        load(Cifar10, folder)


def test_download_asks_for_the_archive_where_nothing_is(tmp_path, published, encode):
    source = Cifar10(path=None, download=True, validation=0.2)
    assert [file.name for file in source.lacks(tmp_path)] == ["cifar-10-python.tar.gz"]
    assert source.lacks(published(Cifar10)) == []
    assert source.lacks(parquet(tmp_path / "hub", encode, Cifar10)) == []


def test_a_real_pickle_of_this_python_is_read_too(published):
    held = {"labels": [0, 1], "data": np.zeros((2, 3072), np.uint8)}
    content = pickle.dumps(held, 4)
    assert io.BytesIO(content).read(1) == b"\x80"
    data = load(Cifar10, published(Cifar10, test_batch=content))
    assert data.card.sizes["test"] == 2
