import math

import numpy as np
import pytest
import torch

from suite import Batch, HandMadeConfig, Split
from tasks.image_recognition.hand_made import hand_made, hog


def ramp(degrees, side=8):
    """A grey image that gets lighter evenly in one direction, by 10 levels a pixel."""
    row, column = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    angle = math.radians(degrees)
    level = 128 + 10 * (column * math.cos(angle) + row * math.sin(angle))
    return level[None, None]


def inner(image, **options):
    """Return the histogram of the middle cell of three by three, which no border touches."""
    blocks = hog(image, block=1, **options).reshape(3, 3, -1)
    return blocks[1, 1]


@pytest.mark.parametrize(
    ("degrees", "bins"),
    [
        (10, {0: 1.0}),  # the middle of the first bin of 20 degrees
        (90, {4: 1.0}),
        (190, {0: 1.0}),  # unsigned
        (100, {4: 0.5, 5: 0.5}),  # between two bins
        (95, {4: 0.75, 5: 0.25}),
        (0, {0: 0.5, 8: 0.5}),  # 180 is 0
    ],
)
def test_direction_is_shared_between_neighbouring_bins(degrees, bins):
    histogram = inner(ramp(degrees, side=12), cell=4, orientations=9)
    expected = torch.zeros(9)
    for number, share in bins.items():
        expected[number] = share
    # Of one bin only clipping leaves 0.2, which is brought to 1 again; of two, both are clipped.
    clipped = (expected / expected.norm()).clamp(max=0.2)
    assert torch.allclose(histogram, clipped / clipped.norm(), atol=2e-3)


def test_clipping_limits_what_one_direction_can_be_of_a_block():
    """A block of votes (3, 1, 0, …): 0.9487 and 0.3162, both clipped to 0.2, then of length 1."""
    three_to_one = inner(ramp(95, side=12), cell=4, orientations=9)
    assert three_to_one[4:6].tolist() == pytest.approx([2**-0.5] * 2, abs=1e-3)


def test_a_pixel_votes_for_cells_by_its_distance_from_their_middle():
    """A step of light in eight columns; cells have their middles at 2 and at 6."""
    image = torch.zeros(1, 1, 8, 8)
    image[..., 4:] = 255.0
    # Gradients are in the columns of middles 3.5 and 4.5, of which both cells get 0.625 and 0.375,
    # and between the last bin and the first.
    values = hog(image, cell=4, block=2, orientations=9).reshape(2, 2, 9)
    assert values[..., [0, 8]].flatten().tolist() == pytest.approx([8**-0.5] * 8, abs=1e-4)
    assert values[..., 1:8].abs().max() == 0
    # Moved by a column they are at 4.5 and 5.5: 0.375 + 0.125 to the left, 0.625 + 0.875 right.
    moved = torch.zeros(1, 1, 8, 8)
    moved[..., 5:] = 255.0
    shares = torch.tensor([0.5, 0.5, 1.5, 1.5]).repeat(2)
    clipped = (shares / shares.norm()).clamp(max=0.2)
    expected = clipped / clipped.norm()
    values = hog(moved, cell=4, block=2, orientations=9).reshape(2, 2, 9)
    assert values[..., [0, 8]].flatten().tolist() == pytest.approx(expected.tolist(), abs=1e-4)


def by_loops(pixels_CHW, cell, orientations):
    """Return cell histograms as the paper tells it, one pixel at a time."""
    height, width = pixels_CHW.shape[1:]
    histogram = np.zeros((height // cell, width // cell, orientations))
    for y in range(height):
        for x in range(width):
            gradients = [
                (
                    plane[y, min(x + 1, width - 1)] - plane[y, max(x - 1, 0)],
                    plane[min(y + 1, height - 1), x] - plane[max(y - 1, 0), x],
                )
                for plane in pixels_CHW / 255
            ]
            dx, dy = max(gradients, key=lambda g: g[0] ** 2 + g[1] ** 2)
            angle = math.degrees(math.atan2(dy, dx)) % 180
            for number in range(orientations):
                middle = (number + 0.5) * 180 / orientations
                apart = min(abs(angle - middle), 180 - abs(angle - middle))
                share = max(0.0, 1 - apart * orientations / 180)
                for row in range(height // cell):
                    for column in range(width // cell):
                        down = abs(y + 0.5 - (row + 0.5) * cell) / cell
                        across = abs(x + 0.5 - (column + 0.5) * cell) / cell
                        near = max(0.0, 1 - down) * max(0.0, 1 - across)
                        histogram[row, column, number] += math.hypot(dx, dy) * share * near
    return histogram


def test_vectorised_is_what_loops_give():
    noise = np.random.default_rng(0)
    pixels = noise.integers(0, 256, (3, 12, 8)).astype(np.uint8)
    histogram = by_loops(pixels.astype(float), 4, 6)
    blocks = []
    for row in range(2):
        block = histogram[row : row + 2, 0:2].reshape(-1)
        block = (block / math.sqrt((block**2).sum() + 1e-4)).clip(max=0.2)
        blocks.append(block / math.sqrt((block**2).sum() + 1e-4))
    values = hog(torch.from_numpy(pixels)[None], cell=4, block=2, orientations=6)
    assert np.allclose(values.numpy().reshape(2, -1), np.array(blocks), atol=1e-5)


def test_images_of_a_batch_do_not_touch_each_other():
    pixels = torch.randint(0, 256, (5, 1, 16, 16), dtype=torch.uint8)
    options = {"cell": 4, "block": 2, "orientations": 9}
    whole = hog(pixels, **options)
    assert torch.allclose(whole, torch.cat([hog(one[None], **options) for one in pixels]))
    assert whole.shape == (5, 3 * 3 * 2 * 2 * 9)


def test_light_that_is_twice_as_strong_changes_little():
    pixels = torch.randint(60, 120, (3, 1, 16, 16), dtype=torch.uint8)
    options = {"cell": 4, "block": 2, "orientations": 9}
    assert torch.allclose(hog(pixels, **options), hog(pixels * 2, **options), atol=0.01)


def batches(side):
    """Return what serves two batches of the same four images in every split."""
    pixels = torch.randint(0, 256, (4, 1, side, side), dtype=torch.uint8)
    label_B = torch.tensor([0, 1, 0, 1])

    def serve(split):
        for part in (slice(0, 3), slice(3, 4)):
            yield Batch({"pixels_BCHW": pixels[part], "label_B": label_B[part]}, 1, 1.0)

    return serve, pixels


def test_pixels_are_shares_of_white_less_the_mean_image():
    serve, pixels = batches(8)
    made = hand_made(HandMadeConfig(), serve, 8)
    assert made.kind == "pixels"
    shares = pixels.flatten(1).numpy() / 255
    assert np.allclose(made.values[Split.TRAIN], shares - shares.mean(0), atol=1e-6)
    assert made.labels[Split.TEST].tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("side", "features"), [(16, 7 * 7 * 36), (32, 7 * 7 * 36), (28, 6 * 6 * 36)]
)
def test_automatic_cells_are_an_eighth_of_the_side(side, features):
    serve, _ = batches(side)
    made = hand_made(HandMadeConfig(), serve, side)
    assert made.kind == "hog"
    assert made.values[Split.TRAIN].shape == (4, features)
    assert np.abs(made.values[Split.TRAIN].mean(0)).max() < 1e-6


def test_a_cell_larger_than_the_image_is_the_image():
    serve, _ = batches(8)
    made = hand_made(HandMadeConfig(features="hog", cell=20), serve, 8)
    assert made.values[Split.TRAIN].shape == (4, 9)
