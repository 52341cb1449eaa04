import pytest

from suite import Direction
from suite.training.convergence import Convergence


def _reached(direction, values, patience=2, gain=0.01):
    convergence = Convergence(direction=direction, patience=patience, minimum_gain=gain)
    return [convergence.reached(value) for value in values]


def test_patience_counts_evaluations_without_a_gain():
    values = [0.5, 0.6, 0.605, 0.609, 0.7, 0.7, 0.7]
    # 0.605 and 0.609 gain less than 0.01 on the best of 0.6.
    assert _reached(Direction.MAXIMIZE, values) == [False, False, False, True, False, False, True]


def test_small_gains_add_up_against_the_best():
    # Each step gains 0.006, two of them more than 0.01.
    values = [0.5 + 0.006 * i for i in range(9)]
    assert not any(_reached(Direction.MAXIMIZE, values))


def test_minimised_metrics_gain_downwards():
    assert _reached(Direction.MINIMIZE, [0.5, 0.4, 0.395, 0.3, 0.31, 0.32]) == [
        *(False, False, False, False, False, True)
    ]


@pytest.mark.parametrize("direction", list(Direction))
def test_not_a_number_is_no_gain(direction):
    assert _reached(direction, [0.5, float("nan"), float("nan")]) == [False, False, True]
