import pytest
import torch

from suite import ConfigError, Split
from suite.compose import compose
from suite.run import build_model, build_task
from tasks.image_recognition.data import ImageFolder
from tasks.image_recognition.resolution import at_resolution, reduce

CPU = torch.device("cpu")


def test_a_pixel_is_the_mean_of_its_area():
    pixels = torch.tensor([[0, 4, 10, 20], [8, 12, 30, 40]], dtype=torch.uint8)[None, None]
    assert reduce(pixels, 1).tolist() == [[[[6, 25]]]]
    assert torch.equal(reduce(pixels, 2), pixels)


def test_a_stream_is_reduced_as_memory_is(folder, tmp_path):
    options = {
        "path": str(folder()), "name": None, "size": None, "channels": None, "validation": 0.2,
        "test": 0.2, "max_pixels": 10_000,
    }  # fmt: skip
    held, streamed = (
        at_resolution(ImageFolder(**options, stream=stream).load(tmp_path), 3)
        for stream in (False, True)
    )
    index_N = torch.arange(4)
    one, other = (data.splits[Split.TRAIN].take(index_N) for data in (held, streamed))
    assert one["pixels_BCHW"].shape == (4, 1, 3, 3)
    assert torch.equal(one["pixels_BCHW"], other["pixels_BCHW"])
    assert streamed.splits[Split.TRAIN].fetch.name(0).endswith(".png")
    assert streamed.splits[Split.TRAIN].fetch.files()


@pytest.mark.parametrize("backbone", ["mlp", "resnet", "convnet", "transformer", "svm"])
def test_everything_sees_the_reduced_images(small, backbone):
    chosen = small.get(backbone, ["backbone=svm"])
    config = compose(["task=image_recognition", "task.resolution=4", *chosen])
    task = build_task(config, CPU)
    if backbone == "svm":
        assert task.hand_made(config.backbone).values[Split.TRAIN].shape[1] == 16
        return
    model = build_model(config, task, CPU)
    assert model(task.example_batch()).shape[1] == 10


def test_more_pixels_than_there_are_are_refused():
    task = build_task(compose(["task=image_recognition", "task.resolution=9"]), CPU)
    with pytest.raises(
        ConfigError, match=r"task.resolution=9: above the images' shorter side of 8"
    ):
        _ = task.data


def test_null_leaves_no_trace_in_the_hash():
    assert "resolution" not in compose(["task=image_recognition"]).identity()["task"]
