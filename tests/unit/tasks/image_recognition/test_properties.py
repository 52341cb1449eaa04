import pytest
import torch

from tasks.image_recognition.properties import properties


def _stripes(degrees):
    """Return an image of stripes whose gradient points so many degrees from the right."""
    at = torch.arange(64).double()
    angle = torch.tensor(degrees).double().deg2rad()
    wave = torch.sin((at * angle.cos() + at[:, None] * angle.sin()) / 2)
    return ((wave + 1) * 127).to(torch.uint8)[None]


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120])
def test_orientation_is_that_of_stripes(degrees):
    found = properties(_stripes(degrees)[None])
    twice = torch.tensor(2.0 * degrees).deg2rad()
    assert float(found["edge_orientation_cos"]) == pytest.approx(float(twice.cos()), abs=0.05)
    assert float(found["edge_orientation_sin"]) == pytest.approx(float(twice.sin()), abs=0.05)


def test_by_hand_and_what_a_flat_image_has_none_of():
    flat = torch.full((3, 4, 4), 51, dtype=torch.uint8)
    step = torch.zeros(3, 4, 4, dtype=torch.uint8)
    step[:, :, 2:] = 255
    found = properties(torch.stack([flat, step]))
    assert found["brightness"].tolist() == pytest.approx([0.2, 0.5])
    assert found["contrast"].tolist() == pytest.approx([0, 0.5])
    # Half of the pixels have a neighbour on either side that differs by 1: half a step across.
    assert found["edge_energy"].tolist() == pytest.approx([0, 0.125])
    assert found["edge_orientation_cos"][0].isnan()
    assert found["edge_orientation_cos"][1] == 1
