import pytest
import torch
import torch.nn.functional as F

from suite.features import Grid, GridSpec, length_mask
from suite.library.pixels import Fitting, fit_channels, own_size, stretching


@pytest.mark.parametrize(("positions", "size"), [(5, 9), (9, 5), (7, 7), (13, 4), (1, 3), (100, 7)])
def test_stretching_is_torchs_antialiased_resize(positions, size):
    values = torch.randn(2, 3, 1, positions)
    expected = F.interpolate(values, size=(1, size), mode="bilinear", antialias=True)
    matrix_VW = stretching(torch.tensor([positions]), positions, size)[0]
    torch.testing.assert_close(values @ matrix_VW.T, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("filling", [0.0, 50.0])
def test_padding_changes_nothing(filling):
    fitting = Fitting(GridSpec(channels=2, height=3), (6, 4))
    length_B = torch.tensor([9, 4, 1])
    mask_BW = length_mask(length_B, 12)
    values = torch.randn(3, 2, 3, 12).where(mask_BW[:, None, None], filling)
    together = fitting(Grid(values, mask_BW))
    for b, length in enumerate(length_B.tolist()):
        alone = fitting(Grid(values[b : b + 1, :, :, :length]))
        torch.testing.assert_close(together[b : b + 1], alone)


def test_size_of_its_own_is_kept_bit_for_bit_and_varying_width_becomes_a_square():
    spec = GridSpec(channels=1, height=5, width=7)
    assert own_size(spec) == (5, 7)
    values = torch.randn(2, 1, 5, 7)
    assert torch.equal(Fitting(spec, (5, 7))(Grid(values)), values)
    assert own_size(GridSpec(channels=4, height=16)) == (32, 32)
    assert own_size(GridSpec(channels=4, height=40)) == (40, 40)


def test_pixels_are_normalised_as_imagenet_is_and_grey_gets_three_colours():
    from torchvision.transforms.functional import normalize

    grey = torch.rand(2, 1, 4, 4)
    expected = normalize(grey.expand(-1, 3, -1, -1), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    fitting = Fitting(GridSpec(channels=1, height=4, width=4, pixels=True), (4, 4))
    assert fitting.channels == 3
    torch.testing.assert_close(fitting(Grid(grey)), expected)


def test_kernel_for_one_channel_answers_a_grey_image_as_that_for_three():
    weight = torch.randn(5, 3, 3, 3)
    grey = torch.randn(2, 1, 8, 8)
    expected = F.conv2d(grey.expand(-1, 3, -1, -1), weight)
    torch.testing.assert_close(F.conv2d(grey, fit_channels(weight, 1)), expected)


@pytest.mark.parametrize("channels", [3, 6, 9])
def test_kernel_for_more_channels_keeps_the_answer_to_equal_colours(channels):
    weight = torch.randn(5, 3, 3, 3)
    same = torch.randn(2, 1, 8, 8)
    expected = F.conv2d(same.expand(-1, 3, -1, -1), weight)
    fitted = fit_channels(weight, channels)
    got = F.conv2d(same.expand(-1, channels, -1, -1), fitted)
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    assert fit_channels(weight, 4).shape == (5, 4, 3, 3)
