import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from suite import DataError, Split
from tasks.image_recognition.data import Idx
from tasks.image_recognition.data.idx import read_idx


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte": random.integers(0, 256, (40, 5, 4), dtype=np.uint8),
        "train-labels-idx1-ubyte": np.arange(40, dtype=np.uint8) % 2,
        "t10k-images-idx3-ubyte": random.integers(0, 256, (6, 5, 4), dtype=np.uint8),
        "t10k-labels-idx1-ubyte": np.arange(6, dtype=np.uint8) % 2,
    }
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(idx(array))
    return tmp_path, arrays


def load(path, **options):
    return Idx(path=str(path), name=options.pop("name", None), validation=0.2).load(Path())


def test_official_splits_and_validation_from_training(files):
    path, arrays = files
    data = load(path, name="tiny")
    assert data.card.name == "tiny"
    assert data.card.sizes == {"train": 32, "validation": 8, "test": 6}
    test = data.splits[Split.TEST].columns["pixels_BCHW"]
    assert np.array_equal(test[:, 0].numpy(), arrays["t10k-images-idx3-ubyte"])


def test_gzipped_and_dotted_names_are_the_same_data(files):
    path, _ = files
    plain = load(path)
    for file in list(path.iterdir()):
        new = file.with_name(file.name.replace("-idx", ".idx") + ".gz")
        new.write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert load(path).card.fingerprint == plain.card.fingerprint


def spoil(path, name, change):
    (path / name).write_bytes(change((path / name).read_bytes()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c[:-3], r"train-images-idx3-ubyte: holds 797 bytes .* \(40, 5, 4\) needs 800"),
        (lambda c: c + b"\0", "holds more than 800 bytes"),
        (lambda c: c[:9], "not with the header of an idx file"),
        (lambda c: b"", "starts with nothing"),
        (lambda c: b"\x89PNG" + c[4:], "starts with 89 50 4e 47"),
        (lambda c: c[:3] + b"\1" + c[4:], r"of bytes with 3 axes \(00 00 08 03\)"),
        (lambda c: c[:4] + b"\xff" * 12, "needs 79228162458"),
        (lambda c: c[:4] + bytes(12), "holds 0 bytes"),
    ],
)
def test_damaged_file_is_named(files, change, message):
    path, _ = files
    spoil(path, "train-images-idx3-ubyte", change)
    with pytest.raises(DataError, match=message):
        load(path)


def test_truncated_gzip(tmp_path):
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(idx(np.zeros((40, 5, 4), np.uint8)))[:-12])
    with pytest.raises(DataError, match=r"idx3-ubyte\.gz: cannot be read .* fetch it again"):
        read_idx(file, axes=3)


def test_missing_file_and_folder(files):
    path, _ = files
    (path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="has no t10k-labels-idx1-ubyte"):
        load(path)
    with pytest.raises(DataError, match=r"data\.path=.*nowhere: does not exist"):
        load(path / "nowhere")
    with pytest.raises(DataError, match="is a file"):
        load(path / "train-images-idx3-ubyte")


def test_labels_of_another_set(files):
    path, _ = files
    spoil(path, "t10k-labels-idx1-ubyte", lambda c: idx(np.zeros(7, np.uint8)))
    with pytest.raises(DataError, match="7 labels for the 6 images of t10k-images-idx3-ubyte"):
        load(path)


def test_sizes_that_differ(files):
    path, _ = files
    spoil(path, "t10k-images-idx3-ubyte", lambda c: idx(np.zeros((6, 4, 4), np.uint8)))
    with pytest.raises(DataError, match="differ in size"):
        load(path)
