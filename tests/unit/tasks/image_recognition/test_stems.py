import pytest
import torch

from suite import Batch, ConfigError, GridSpec, SequenceSpec, uniform
from tasks.image_recognition.config import ImageRecognitionConfig
from tasks.image_recognition.stems import (
    GridStem,
    PatchStem,
    Pixels,
    PixelStem,
    automatic_patch,
    channel_statistics,
)

PIXELS = torch.randint(
    0, 256, (20, 3, 8, 10), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)


def batch(*, keys: bool = False) -> Batch:
    tensors = {"pixels_BCHW": PIXELS[:4]}
    if keys:
        tensors["key_B"] = torch.arange(4)
    return Batch(tensors, 4, 4.0)


def test_statistics_are_those_of_each_channel():
    mean_C, deviation_C = channel_statistics(PIXELS)
    expected = PIXELS.double().transpose(0, 1).flatten(1)
    torch.testing.assert_close(mean_C, expected.mean(1).float())
    torch.testing.assert_close(deviation_C, expected.std(1, correction=0).float())


def test_a_constant_channel_is_not_divided_by_zero():
    mean_C, deviation_C = channel_statistics(torch.full((3, 1, 2, 2), 7, dtype=torch.uint8))
    assert (float(mean_C), float(deviation_C)) == (7.0, 1.0)


def test_normalised_training_split_has_mean_zero_and_deviation_one():
    values = Pixels(ImageRecognitionConfig(), PIXELS)(Batch({"pixels_BCHW": PIXELS}, 20, 20.0))
    columns = values.transpose(0, 1).flatten(1)
    torch.testing.assert_close(columns.mean(1), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(columns.std(1, correction=0), torch.ones(3))


def test_statistics_travel_with_the_weights():
    names = Pixels(ImageRecognitionConfig(), PIXELS).state_dict().keys()
    assert set(names) == {"mean_C", "deviation_C"}


def test_augmentation_is_for_training_with_keys_only():
    pixels = Pixels(ImageRecognitionConfig(shift=2, flip=True, cutout=3), PIXELS)
    plain = pixels.eval()(batch(keys=True))
    assert torch.equal(pixels.train()(batch()), plain)
    assert not torch.equal(pixels(batch(keys=True)), plain)
    assert torch.equal(pixels(batch(keys=True)), pixels(batch(keys=True)))


def test_shift_defaults_to_an_eighth_of_the_shorter_side():
    pixels = Pixels(ImageRecognitionConfig(), PIXELS)
    assert pixels.shift == 1
    largest = (uniform(torch.arange(100), 0, 2) * 3).long() - 1
    assert set(largest.unique().tolist()) == {-1, 0, 1}


def test_grid_stem_offers_pixels_as_they_lie():
    stem = GridStem(ImageRecognitionConfig(), PIXELS).eval()
    assert stem.spec == GridSpec(channels=3, height=8, width=10)
    grid = stem(batch())
    assert grid.mask_BW is None
    assert torch.equal(grid.values_BCHW, stem.pixels(batch()))


def test_fold_moves_blocks_into_channels():
    stem = GridStem(ImageRecognitionConfig(fold=2), PIXELS).eval()
    assert stem.spec == GridSpec(channels=12, height=4, width=5)
    values, plain = stem(batch()).values_BCHW, stem.pixels(batch())
    assert values.shape == (4, 12, 4, 5)
    assert torch.equal(values[:, 1], plain[:, 0, ::2, 1::2])


def test_fold_must_divide_the_image():
    with pytest.raises(ConfigError, match=r"task\.fold=4: does not divide the image \(8 x 10\)"):
        GridStem(ImageRecognitionConfig(fold=4), PIXELS)


def test_patches_are_squares_row_by_row_with_their_position():
    stem = PatchStem(ImageRecognitionConfig(patch=2), PIXELS, features=12).eval()
    assert stem.spec == SequenceSpec(features=12, length=20)
    with torch.no_grad():
        stem.projection.weight.copy_(torch.eye(12))
        stem.projection.bias.zero_()
    sequence, plain = stem(batch()), stem.pixels(batch())
    assert sequence.mask_BT is None
    second_row_third_column = plain[:, :, 2:4, 4:6].flatten(1)
    position = stem.row_RD[1] + stem.column_QD[2]
    torch.testing.assert_close(sequence.values_BTD[:, 7], second_row_third_column + position)


def test_patches_that_do_not_fit_are_padded_with_the_mean():
    stem = PatchStem(ImageRecognitionConfig(patch=3), PIXELS, features=5)
    assert stem.spec.length == 3 * 4
    assert stem(batch()).values_BTD.shape == (4, 12, 5)


def test_patch_larger_than_the_image():
    with pytest.raises(ConfigError, match=r"task\.patch=9: larger than the image \(8 x 10\)"):
        PatchStem(ImageRecognitionConfig(patch=9), PIXELS, features=5)


@pytest.mark.parametrize(
    ("height", "width", "patch"),
    [(8, 8, 2), (28, 28, 4), (32, 32, 4), (64, 64, 8), (1, 1, 1), (1, 40, 1), (224, 224, 28)],
)
def test_automatic_patch(height, width, patch):
    assert automatic_patch(height, width) == patch


@pytest.mark.parametrize("option", ["shift", "cutout"])
def test_augmentation_larger_than_the_image(option):
    with pytest.raises(ConfigError, match=rf"task\.{option}=8: must be below the shorter side"):
        Pixels(ImageRecognitionConfig(**{option: 8}), PIXELS)


def test_pixel_stem_gives_colours_between_0_and_1():
    pixels = torch.randint(0, 256, (6, 3, 5, 4), dtype=torch.uint8)
    stem = PixelStem(ImageRecognitionConfig(shift=0), pixels).eval()
    output = stem(Batch({"pixels_BCHW": pixels}, 6, 6.0))
    torch.testing.assert_close(output.values_BCHW, pixels / 255, rtol=1e-5, atol=1e-6)
    assert (stem.spec.channels, stem.spec.height, stem.spec.width) == (3, 5, 4)
    assert stem.spec.pixels
    with pytest.raises(ConfigError, match=r"task.fold=2: .* set task.fold=1"):
        PixelStem(ImageRecognitionConfig(fold=2), pixels)
