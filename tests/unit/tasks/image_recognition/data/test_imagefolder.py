import os

import numpy as np
import pytest

from suite import DataError, OnError, Split
from tasks.image_recognition.data import ImageFolder
from tasks.image_recognition.data_config import Channels


@pytest.fixture
def load(tmp_path):
    def loaded(path, **options):
        defaults = {
            "name": None, "size": None, "channels": None, "validation": 0.25, "test": 0.25,
            "max_pixels": 10_000, "on_error": OnError.stop,
        }  # fmt: skip
        return ImageFolder(path=str(path), **{**defaults, **options}).load(tmp_path / "cache")

    return loaded


def test_class_folders_only_are_divided(folder, load):
    data = load(folder())
    assert data.card.name == "pets"
    assert data.classes == ("cat", "dog")
    assert data.card.sizes == {"train": 12, "validation": 6, "test": 6}
    assert data.splits[Split.TRAIN].columns["pixels_BCHW"].shape == (12, 1, 6, 6)


def test_split_folders_are_kept(folder, load):
    data = load(folder("train", "val", "test"), name="mine")
    assert data.card.name == "mine"
    assert data.card.sizes == {"train": 24, "validation": 24, "test": 24}
    assert data.card.notes == ""
    assert sorted(data.splits[Split.TEST].columns["pixels_BCHW"][:, 0, 0, 0].tolist()) == list(
        range(48, 72)
    )


def test_second_load_comes_from_the_cache(folder, load, tmp_path):
    path = folder()
    first = load(path)
    kept = sorted((tmp_path / "cache" / "images").iterdir())
    assert [file.suffixes for file in kept if file.suffix == ".npz"] == [[".npz"]]
    second = load(path)
    assert second.card == first.card
    assert sorted((tmp_path / "cache" / "images").iterdir()) == kept


def test_missing_and_empty_folders(tmp_path, folder, load):
    with pytest.raises(DataError, match=r"data\.path=.*nowhere: does not exist"):
        load(tmp_path / "nowhere")
    (tmp_path / "empty" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="empty: has no images"):
        load(tmp_path / "empty")
    with pytest.raises(DataError, match="no train folder"):
        load(folder("test"))


@pytest.mark.parametrize(
    "spoil",
    [lambda c: c[:-25], lambda c: b"not an image", lambda c: b""],
    ids=["truncated", "other", "empty"],
)
def test_one_corrupt_image_stops_or_is_skipped_by_name(folder, load, encode, spoil):
    path = folder("train", "test")
    noise = np.random.default_rng(0).integers(0, 256, (6, 6), dtype=np.uint8)
    file = path / "train" / "dog" / "07.png"
    file.write_bytes(spoil(encode(noise)))
    with pytest.raises(DataError, match=r"train/dog/07\.png: cannot be read as an image"):
        load(path)
    data = load(path, on_error=OnError.skip)
    (skipped,) = data.card.skipped
    assert (skipped.split, skipped.name, skipped.label) == (Split.TRAIN, "train/dog/07.png", "dog")
    assert "cannot be read as an image" in skipped.reason
    assert sum(data.card.sizes.values()) == 47
    # What was skipped is named on the next load too.
    assert load(path, on_error=OnError.skip).card == data.card


def test_nothing_can_be_read(folder, load):
    path = folder()
    for file in path.rglob("*.png"):
        file.write_bytes(b"?")
    with pytest.raises(DataError, match=r"none of 24 images can be read; first: cat/00\.png"):
        load(path, on_error=OnError.skip)


def test_image_with_more_pixels_than_allowed(folder, load):
    with pytest.raises(DataError, match=r"36 pixels are above data\.max_pixels=35"):
        load(folder(), max_pixels=35)


def test_sizes_that_differ_ask_for_a_size(folder, load, encode):
    path = folder()
    (path / "dog" / "wide.png").write_bytes(encode(200, size=(8, 16)))
    with pytest.raises(DataError, match=r"wide\.png is 16 x 8: .* give data\.size="):
        load(path)
    data = load(path, size=4)
    assert data.splits[Split.TRAIN].columns["pixels_BCHW"].shape[1:] == (1, 4, 4)


def test_colour_as_found_or_as_asked(folder, load, encode):
    path = folder()
    assert load(path, channels=Channels.rgb).splits[Split.TEST].columns["pixels_BCHW"].shape[1] == 3
    red = np.zeros((6, 6, 3), np.uint8)
    red[..., 0] = 255
    (path / "cat" / "red.png").write_bytes(encode(red))
    pixels = load(path).splits[Split.TRAIN].columns["pixels_BCHW"]
    assert pixels.shape[1] == 3
    grey = load(path, channels=Channels.grey).splits[Split.TRAIN].columns["pixels_BCHW"]
    assert grey.shape[1] == 1


def test_label_unseen_in_training(folder, load, encode):
    path = folder("train", "test")
    (path / "test" / "newt").mkdir()
    (path / "test" / "newt" / "1.png").write_bytes(encode(250))
    with pytest.raises(
        DataError, match=r"^test/newt/1\.png: its label 'newt' has no image in training"
    ):
        load(path)
    data = load(path, on_error=OnError.skip)
    assert [one.name for one in data.card.skipped] == ["test/newt/1.png"]
    assert data.card.sizes["test"] == 24


def test_a_class_that_would_be_lost_is_not_skipped(folder, load):
    path = folder("train", "test")
    for file in (path / "train" / "dog").glob("*.png"):
        file.write_bytes(b"?")
    with pytest.raises(DataError, match="no training sample of label 'dog' is left"):
        load(path, on_error=OnError.skip)


def test_two_folders_for_one_split(folder, load):
    path = folder("train", "val", "valid")
    with pytest.raises(DataError, match="a second validation folder"):
        load(path)


def test_a_pipe_is_no_image(folder, load):
    path = folder()
    os.mkfifo(path / "cat" / "pipe.png")
    with pytest.raises(DataError, match=r"cat/pipe\.png: cannot be read .* a pipe"):
        load(path)
    assert [one.name for one in load(path, on_error=OnError.skip).card.skipped] == ["cat/pipe.png"]


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_kept_and_not_whole_is_made_anew(folder, load, tmp_path, stream):
    path = folder()
    card = load(path, stream=stream).card
    kept = [file for file in (tmp_path / "cache" / "images").iterdir() if file.is_file()]
    assert kept
    for file in kept:
        file.write_bytes(file.read_bytes()[:-20])
    assert load(path, stream=stream).card == card
