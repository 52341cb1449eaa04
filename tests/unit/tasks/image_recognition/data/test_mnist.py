import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from suite import DataError, Split
from tasks.image_recognition.data import FashionMnist, Idx, Mnist

KINDS = {"train": 40, "t10k": 6}


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write(folder, *, end=""):
    """Write the four files, as published with `.gz`, as unpacked without."""
    noise = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, count in KINDS.items():
        arrays = {
            f"{prefix}-images-idx3-ubyte": noise.integers(0, 256, (count, 28, 28), dtype=np.uint8),
            f"{prefix}-labels-idx1-ubyte": np.arange(count, dtype=np.uint8) % 10,
        }
        for name, array in arrays.items():
            content = idx(array)
            (folder / f"{name}{end}").write_bytes(gzip.compress(content) if end else content)
    return folder


def load(kind, path=None, *, cache=Path(), download=False):
    path = None if path is None else str(path)
    return kind(path=path, download=download, validation=0.25).load(cache)


@pytest.mark.parametrize("end", [".gz", ""])
@pytest.mark.parametrize(("kind", "name"), [(Mnist, "mnist"), (FashionMnist, "fashion_mnist")])
def test_files_as_published(tmp_path, kind, name, end):
    data = load(kind, write(tmp_path / "files", end=end))
    assert data.card.name == name
    assert data.card.sizes == {"train": 30, "validation": 10, "test": 6}
    assert data.card.published_test
    assert len(data.classes) == 10
    assert data.splits[Split.TEST].columns["label_B"].tolist() == list(range(6))
    assert "train has 40 images, published are 60000" in data.card.notes


def test_the_default_folder_and_the_layout_of_torchvision(tmp_path):
    plain = load(Mnist, write(tmp_path / "plain"))
    write(tmp_path / "data" / "mnist" / "MNIST" / "raw", end=".gz")
    assert load(Mnist, cache=tmp_path).card == plain.card
    write(tmp_path / "data" / "fashion_mnist" / "FashionMNIST" / "raw")
    assert load(FashionMnist, cache=tmp_path).card.fingerprint == plain.card.fingerprint


def test_a_standard_set_is_the_files_that_it_has(tmp_path):
    folder = write(tmp_path / "files")
    generic = Idx(path=str(folder), name=None, validation=0.25).load(tmp_path)
    assert load(Mnist, folder).card.fingerprint == generic.card.fingerprint


def test_missing_files_are_named_at_once(tmp_path):
    with pytest.raises(DataError) as told:
        load(Mnist, cache=tmp_path)
    assert str(told.value) == (
        f"data=mnist: {tmp_path}/data/mnist has no train-images-idx3-ubyte (or .gz); put it there, "
        "give data.path=…, or set data.download=true"
    )
    folder = write(tmp_path / "files")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"data=fashion_mnist: .*files has no t10k-labels-idx1"):
        load(FashionMnist, folder)


def test_labels_of_a_larger_set(tmp_path):
    folder = write(tmp_path)
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(np.full(40, 46, np.uint8)))
    with pytest.raises(DataError, match=r"train image 0: its label 46 is none of 10 classes"):
        load(Mnist, folder)


def test_download_asks_for_what_is_lacking_only(tmp_path):
    source = Mnist(path=None, download=True, validation=0.1)
    assert [file.name for file in source.lacks(tmp_path)] == [
        "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz",
    ]  # fmt: skip
    folder = write(tmp_path)
    assert source.lacks(folder) == []
    (folder / "t10k-labels-idx1-ubyte").unlink()
    assert [file.name for file in source.lacks(folder)] == ["t10k-labels-idx1-ubyte.gz"]
    assert load(Mnist, write(tmp_path), download=True).card.name == "mnist"
