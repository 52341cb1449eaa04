import pytest
import torch
import torch.nn.functional as F

from suite import Batch, ConfigError
from tasks.image_recognition.config import ImageRecognitionConfig
from tasks.image_recognition.whitening import WhiteningStem, whitening


def images(count=400):
    """Return smooth images, whose neighbouring pixels are alike as those of real ones."""
    generator = torch.Generator().manual_seed(0)
    values = F.avg_pool2d(torch.rand(count, 3, 10, 10, generator=generator), 3, stride=1)
    values = (values - values.amin()) / (values.amax() - values.amin())
    return (values * 255).to(torch.uint8)


def test_patches_become_uncorrelated_of_variance_one():
    values = images().float() / 32
    values = values - values.mean((0, 2, 3), keepdim=True)
    filters = whitening(values, 2)
    assert filters.shape == (12, 3, 2, 2)
    columns = F.conv2d(values, filters).transpose(0, 1).flatten(1)
    torch.testing.assert_close(columns.cov(), torch.eye(12), atol=0.02, rtol=0)


def test_the_first_component_is_the_one_of_largest_variance():
    values = images().float() / 255
    filters = whitening(values, 2)
    norms = filters.flatten(1).norm(dim=1)
    assert torch.equal(norms, norms.sort().values)


def test_stem_gives_components_and_their_negatives_at_the_images_size():
    pixels = images()
    stem = WhiteningStem(ImageRecognitionConfig(whiten=2), pixels).eval()
    grid = stem(Batch({"pixels_BCHW": pixels[:5]}, 5, 5.0))
    assert grid.values_BCHW.shape == (5, 24, 8, 8)
    assert (stem.spec.channels, stem.spec.height, stem.spec.width) == (24, 8, 8)
    positive, negative = grid.values_BCHW.chunk(2, 1)
    # gelu(x) - gelu(-x) = x: nothing of the input is lost.
    padded = F.pad(stem.pixels(Batch({"pixels_BCHW": pixels[:5]}, 5, 5.0)), (0, 1, 0, 1))
    expected = F.conv2d(padded, stem.component_PCHW)
    torch.testing.assert_close(positive - negative, expected, atol=1e-5, rtol=1e-4)


def test_the_components_are_not_learned_but_kept_with_the_weights():
    stem = WhiteningStem(ImageRecognitionConfig(whiten=2), images())
    assert [name for name, _ in stem.named_parameters()] == ["bias"]
    assert "component_PCHW" in stem.state_dict()


def test_a_patch_larger_than_the_image_is_refused():
    with pytest.raises(ConfigError, match=r"task\.whiten=9: larger than the image"):
        WhiteningStem(ImageRecognitionConfig(whiten=9), images())


def test_whitening_and_folding_exclude_each_other():
    with pytest.raises(ConfigError, match=r"task\.whiten=2: must be 0 where task\.fold is above 1"):
        ImageRecognitionConfig(whiten=2, fold=2)
