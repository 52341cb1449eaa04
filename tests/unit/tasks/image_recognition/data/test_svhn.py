import numpy as np
import pytest
from scipy.io import loadmat, savemat

from suite import DataError, OnError, Split
from tasks.image_recognition.data import Svhn

SIZES = {"train": 60, "test": 20, "extra": 30}


@pytest.fixture
def files(tmp_path):
    """Write the three files with labels from 1 to 10, as MATLAB v5."""
    noise = np.random.default_rng(0)
    for part, count in SIZES.items():
        pixels = noise.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
        label_N1 = (np.arange(count, dtype=np.uint8) % 10 + 1)[:, None]
        savemat(tmp_path / f"{part}_32x32.mat", {"X": pixels, "y": label_N1})
    return tmp_path


def load(folder, tmp_path, **options):
    defaults = {"path": str(folder), "download": False, "validation": 0.2}
    return Svhn(**{**defaults, **options}).load(tmp_path)


def test_files_as_published(files, tmp_path):
    data = load(files, tmp_path)
    assert data.card.sizes == {"train": 50, "validation": 10, "test": 20}
    test = data.splits[Split.TEST].columns
    # Ten stands for the digit zero.
    assert test["label_B"].tolist() == [*range(1, 10), 0] * 2
    held = loadmat(files / "test_32x32.mat")["X"]
    assert np.array_equal(test["pixels_BCHW"][7].numpy(), held[..., 7].transpose(2, 0, 1))
    assert "test has 20 images, published are 26032" in data.card.notes


def test_the_extra_split_is_trained_on_where_it_is_asked_for(files, tmp_path):
    data = load(files, tmp_path, extra=True)
    assert data.card.sizes["train"] + data.card.sizes["validation"] == 90
    assert "trained on extra too; train has 90 images, published are 604388" in data.card.notes
    (files / "extra_32x32.mat").unlink()
    assert load(files, tmp_path).card.sizes["test"] == 20
    with pytest.raises(DataError, match=r"data=svhn: .* has no extra_32x32\.mat; put it there"):
        load(files, tmp_path, extra=True)


def test_missing_files_are_named_at_once(tmp_path):
    with pytest.raises(DataError, match=r"data=svhn: .*/data/svhn has no train_32x32\.mat"):
        load(tmp_path, tmp_path, path=None)


@pytest.mark.parametrize(
    "held",
    [
        {"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.ones((5, 1), np.uint8)},
        {"X": np.zeros((32, 32, 3, 4)), "y": np.ones((4, 1), np.uint8)},
        {"X": np.zeros((32, 32), np.uint8), "y": np.ones((4, 1), np.uint8)},
    ],
    ids=["lengths", "floats", "axes"],
)
def test_other_contents_are_refused(files, tmp_path, held):
    savemat(files / "test_32x32.mat", held)
    with pytest.raises(DataError, match=r"test_32x32\.mat: does not hold X and y of cropped digit"):
        load(files, tmp_path)


def test_labels_out_of_range(files, tmp_path):
    held = loadmat(files / "train_32x32.mat")
    held["y"][[3, 5]] = [[0], [11]]
    savemat(files / "train_32x32.mat", {"X": held["X"], "y": held["y"]})
    with pytest.raises(
        DataError, match=r"train_32x32\.mat image 3: its label is none .*on_error=skip"
    ):
        load(files, tmp_path)
    card = load(files, tmp_path, on_error=OnError.skip).card
    assert [one.name.rpartition("/")[2] for one in card.skipped] == [
        "train_32x32.mat image 3", "train_32x32.mat image 5",
    ]  # fmt: skip
    assert card.sizes == {"train": 48, "validation": 10, "test": 20}


@pytest.mark.parametrize("spoil", [lambda c: c[:1000], lambda c: b"", lambda c: b"?" * 500])
def test_damage_is_one_line(files, tmp_path, spoil):
    file = files / "train_32x32.mat"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(DataError, match=r"train_32x32\.mat: cannot be read") as told:
        load(files, tmp_path)
    assert "\n" not in str(told.value)


def test_a_file_without_labels(files, tmp_path):
    savemat(files / "train_32x32.mat", {"X": np.zeros((32, 32, 3, 4), np.uint8)})
    with pytest.raises(DataError, match=r"train_32x32\.mat: cannot be read \('y'\)"):
        load(files, tmp_path)
