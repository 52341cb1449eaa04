import numpy as np
import pytest

from suite import DataError, Examples, Split, StreamedExamples
from suite.compose import compose
from suite.run import build_task
from tasks.image_recognition.data import ImageNet
from tasks.image_recognition.data_config import Channels

WNIDS = ("n01440764", "n01443537", "n02110341")


@pytest.fixture
def tree(tmp_path, encode):
    """Write JPEGs of several sizes, one of them grey, in the tree that torchvision unpacks."""
    noise = np.random.default_rng(0)
    for split, count in (("train", 20), ("val", 5)):
        for wnid in WNIDS:
            folder = tmp_path / "imagenet" / split / wnid
            folder.mkdir(parents=True)
            for number in range(count):
                grey = number == 3
                size = (20 + number, 40 - number) + (() if grey else (3,))
                pixels = noise.integers(0, 256, size, dtype=np.uint8)
                name = f"{wnid}_{number}.JPEG"
                (folder / name).write_bytes(encode(pixels, kind="JPEG"))
    return tmp_path / "imagenet"


def load(path, tmp_path, **options):
    defaults = {
        "path": path and str(path), "size": 16, "channels": Channels.rgb, "validation": 0.2,
        "max_pixels": 10_000, "stream": True,
    }  # fmt: skip
    return ImageNet(**{**defaults, **options}).load(tmp_path / "cache")


@pytest.mark.parametrize("stream", [True, False])
def test_val_is_the_test_and_validation_is_held_out(tree, tmp_path, stream):
    data = load(tree, tmp_path, stream=stream)
    assert data.card.sizes == {"train": 48, "validation": 12, "test": 15}
    assert data.classes == WNIDS
    assert data.card.published_test
    assert data.card.notes.startswith("tested on val; train has 60 images, published are 1281167")
    train = data.splits[Split.TRAIN]
    assert isinstance(train, StreamedExamples if stream else Examples)
    batch = next(train.training(8, seed=0))
    assert batch["pixels_BCHW"].shape == (8, 3, 16, 16)


def test_the_standard_options(tree):
    config = compose(["task=image_recognition", "data=imagenet", f"data.path={tree}"])
    source = build_task(config, None).setup.data
    assert (source.size, source.channels, source.stream) == (224, Channels.rgb, "auto")


def test_missing_folders_say_where_they_come_from(tree, tmp_path):
    told = r"/data/imagenet/train has no folder for each class .* image-net\.org, let torchvision"
    with pytest.raises(DataError, match=told):
        load(None, tmp_path)
    for file in (tree / "val").rglob("*.JPEG"):
        file.rename(tree / "val" / file.name)
    for wnid in WNIDS:
        (tree / "val" / wnid).rmdir()
    with pytest.raises(DataError, match=r"imagenet/val has no folder for each class"):
        load(tree, tmp_path)
