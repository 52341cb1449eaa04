import pytest
import torch

from tasks.image_recognition.augmentation import affine, crop_resized, cutout, shift_and_flip
from tasks.image_recognition.config import Padding

KEY_B = torch.arange(64) * 7919 + 3


def moved(image: torch.Tensor, down: int, right: int, padding: Padding) -> torch.Tensor:
    """Build the expectation pixel by pixel: what is at (y, x) was at (y + down, x + right)."""
    height, width = image.shape
    result = torch.zeros_like(image)
    for y in range(height):
        for x in range(width):
            row, column = y + down, x + right
            if padding is Padding.zero and not (0 <= row < height and 0 <= column < width):
                continue
            result[y, x] = image[inside(row, height, padding), inside(column, width, padding)]
    return result


def inside(index: int, size: int, padding: Padding) -> int:
    if padding is Padding.reflect:
        index = -index if index < 0 else index
        index = 2 * (size - 1) - index if index >= size else index
    return min(max(index, 0), size - 1)


@pytest.mark.parametrize("padding", list(Padding))
def test_every_shift_matches_a_crop_by_hand(padding):
    image = torch.arange(1, 13, dtype=torch.uint8).reshape(3, 4)
    expected = {(y, x): moved(image, y, x, padding) for y in range(-2, 3) for x in range(-2, 3)}
    batch = image.expand(400, 1, 3, 4)
    result = shift_and_flip(batch, torch.arange(400), shift=2, flip=False, padding=padding)
    seen = set()
    for row in result[:, 0]:
        matches = [offset for offset, wanted in expected.items() if torch.equal(row, wanted)]
        assert matches
        seen.update(matches)
    assert seen == set(expected)
    assert result.dtype == torch.uint8


def test_flip_mirrors_half_of_the_images():
    image = torch.arange(6.0).reshape(1, 1, 2, 3)
    result = shift_and_flip(
        image.expand(1000, 2, 2, 3), torch.arange(1000), shift=0, flip=True, padding=Padding.zero
    )
    mirrored = (result == image.flip(3)).flatten(1).all(1)
    untouched = (result == image).flatten(1).all(1)
    assert bool((mirrored ^ untouched).all())
    assert 440 < int(mirrored.sum()) < 560


def test_no_shift_and_no_flip_change_nothing():
    pixels = torch.randint(0, 256, (4, 3, 5, 5), dtype=torch.uint8)
    result = shift_and_flip(pixels, KEY_B[:4], shift=0, flip=False, padding=Padding.reflect)
    assert torch.equal(result, pixels)


def test_cutout_hides_a_square_and_nothing_else():
    result = cutout(torch.ones(500, 2, 6, 5), torch.arange(500), side=3)
    hidden = (result == 0).all(1)
    assert torch.equal(hidden[:, None].expand_as(result), result == 0)
    height, width = hidden.any(2).sum(1), hidden.any(1).sum(1)
    assert torch.equal(hidden.sum((1, 2)), height * width)
    assert int(height.max()) == 3
    assert int(width.max()) == 3
    assert int(height.min()) == 2  # half of it may lie outside
    assert bool(hidden.any(0).all())  # every pixel is hidden in some image


def test_affine_of_nothing_is_the_image():
    values = torch.rand(5, 2, 7, 4)
    torch.testing.assert_close(affine(values, KEY_B[:5], rotate=0, zoom=0), values)


def test_affine_turns_by_less_than_the_limit_and_keeps_shape_when_oblong():
    # A bar through the middle of an oblong image stays as thick as it was, whatever its angle.
    values = torch.zeros(64, 1, 21, 41)
    values[:, :, 9:12] = 1.0
    turned = affine(values, KEY_B, rotate=20, zoom=0)
    middle = turned[:, 0, :, 20].sum(1)
    assert float(middle.min()) > 2.9
    assert float(middle.max()) < 3.0 / 0.93 + 0.2
    assert not torch.allclose(turned[0], turned[1])


def test_zoom_scales_each_axis():
    values = torch.zeros(64, 1, 20, 20)
    values[:, :, 5:15, 5:15] = 1.0
    zoomed = affine(values, KEY_B, rotate=0, zoom=0.2)
    height = zoomed[:, 0, :, 10].sum(1)
    width = zoomed[:, 0, 10, :].sum(1)
    for side in (height, width):
        assert 7.5 < float(side.min()) < 9
        assert 11 < float(side.max()) < 12.5
    assert float((height - width).abs().max()) > 1


def test_crops_have_the_area_aspect_and_place_that_they_should():
    # Ramps along both axes tell which part is shown: its slope is the part's size.
    side = 33
    ramp = torch.linspace(-1, 1, side)
    values = torch.stack([ramp.expand(side, side).T, ramp.expand(side, side)])
    shown = crop_resized(values.expand(2000, -1, -1, -1), torch.arange(2000), smallest=0.25)
    inner = slice(8, 25)  # the edge goes on beyond the outermost centres of pixels
    down = shown[:, 0, inner, 16].diff(dim=1).mean(1) / (2 / (side - 1))
    across = shown[:, 1, 16, inner].diff(dim=1).mean(1) / (2 / (side - 1))
    area, aspect = down * across, across / down
    assert 0.25 - 0.02 < float(area.min()) < 0.3
    assert 0.95 < float(area.max()) < 1.01
    assert 3 / 4 - 0.02 < float(aspect.min()) < 0.78
    assert 1.28 < float(aspect.max()) < 4 / 3 + 0.02
    # No part reaches beyond the image, and they lie everywhere in it.
    middle = shown[:, :, 16, 16]
    room = torch.stack([1 - down, 1 - across], 1)
    assert bool((middle.abs() <= room + 0.05).all())
    assert float((middle / room.clamp(min=0.1)).std(0).min()) > 0.3


@pytest.mark.parametrize(
    "augment",
    [
        lambda x, key: shift_and_flip(x, key, shift=2, flip=True, padding=Padding.reflect),
        lambda x, key: affine(x, key, rotate=15, zoom=0.1),
        lambda x, key: cutout(x, key, side=3),
        lambda x, key: crop_resized(x, key, smallest=0.1),
    ],
    ids=["shift_and_flip", "affine", "cutout", "crop_resized"],
)
def test_an_image_is_changed_alike_in_any_batch(augment):
    pixels = torch.rand(64, 3, 8, 8)
    whole = augment(pixels, KEY_B)
    assert torch.equal(whole, augment(pixels, KEY_B))
    for index in (0, 17, 63):
        alone = augment(pixels[index : index + 1], KEY_B[index : index + 1])
        torch.testing.assert_close(alone[0], whole[index], rtol=0, atol=1e-6)
    assert not torch.equal(whole, augment(pixels, KEY_B + 1))
