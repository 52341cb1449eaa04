import math

import pytest
import torch

from suite.inference.difference import difference


def test_is_a_share_of_the_largest_expected_value() -> None:
    expected = [torch.tensor([1.0, -4.0]), torch.tensor([10.0])]
    outputs = [torch.tensor([1.5, -4.0]), torch.tensor([10.0])]
    assert difference(outputs, expected) == pytest.approx(0.5 / 4)
    assert difference(expected, expected) == 0


def test_equal_infinities_do_not_differ() -> None:
    masked = torch.tensor([2.0, -math.inf])
    assert difference([masked], [masked.clone()]) == 0
    assert difference([masked + 1], [masked]) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (torch.zeros(2), torch.zeros(3)),
        (torch.tensor([math.nan]), torch.tensor([1.0])),
        (torch.tensor([1.0]), torch.tensor([math.inf])),
        (torch.tensor([1.0]), torch.tensor([0.0])),
        (torch.tensor([True]), torch.tensor([False])),
        (torch.tensor([1]), torch.tensor([1.0])),
    ],
)
def test_what_cannot_be_compared_differs_without_end(
    output: torch.Tensor, expected: torch.Tensor
) -> None:
    assert difference([output], [expected]) == math.inf


def test_another_number_of_tensors() -> None:
    assert difference([], [torch.zeros(1)]) == math.inf
    assert difference([], []) == 0
