import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.training.schedules import Constant, Cosine, OneCycle, Trapezoid

fractions = st.floats(0, 0.9)
SCHEDULES = {
    "constant": lambda warmup, final, decay: Constant(warmup=warmup),
    "cosine": lambda warmup, final, decay: Cosine(warmup=warmup, final=final),
    "one_cycle": lambda warmup, final, decay: OneCycle(warmup=warmup, final=final),
    "trapezoid": lambda warmup, final, decay: Trapezoid(
        warmup=warmup, final=final, decay=decay * (1 - warmup)
    ),
}


@pytest.mark.parametrize(
    ("schedule", "points"),
    [
        (Constant(), {0.0: 1.0, 0.5: 1.0, 1.0: 1.0}),
        (Constant(warmup=0.2), {0.0: 0.0, 0.1: 0.5, 0.2: 1.0, 1.0: 1.0}),
        (
            Cosine(warmup=0.2, final=0.0),
            {0.0: 0.0, 0.1: 0.5, 0.2: 1.0, 0.6: 0.5, 0.4: (1 + math.sqrt(0.5)) / 2, 1.0: 0.0},
        ),
        (Cosine(warmup=0.0, final=0.2), {0.0: 1.0, 0.5: 0.6, 1.0: 0.2}),
        (
            OneCycle(warmup=0.5, final=0.0),
            {0.0: 0.04, 0.25: 0.52, 0.5: 1.0, 0.75: 0.5, 1.0: 0.0},
        ),
        (
            Trapezoid(warmup=0.1, decay=0.4, final=0.2),
            {0.0: 0.0, 0.05: 0.5, 0.1: 1.0, 0.6: 1.0, 0.8: 0.6, 1.0: 0.2},
        ),
        (Trapezoid(warmup=0.0, decay=0.0, final=0.0), {0.0: 1.0, 1.0: 1.0}),
        (Trapezoid(warmup=0.0, decay=1.0, final=0.0), {0.0: 1.0, 0.25: 0.75, 1.0: 0.0}),
    ],
)
def test_factor_at_points_computed_by_hand(schedule, points):
    assert {p: schedule(p) for p in points} == pytest.approx(points)


@pytest.mark.parametrize("name", SCHEDULES)
@given(warmup=fractions, final=st.floats(0, 1), decay=st.floats(0, 1), progress=st.floats(0, 1))
def test_factor_is_a_share(name, warmup, final, decay, progress):
    factor = SCHEDULES[name](warmup, final, decay)(progress)
    assert -1e-9 <= factor <= 1 + 1e-9


@pytest.mark.parametrize("name", SCHEDULES)
@given(
    warmup=st.floats(0.05, 0.9),
    final=st.floats(0, 1),
    decay=st.floats(0.5, 1),
    progress=st.floats(0, 1 - 1e-6),
)
def test_factor_is_continuous(name, warmup, final, decay, progress):
    # No part is steeper than pi / 2 over its length, which is at least 0.05.
    schedule = SCHEDULES[name](warmup, final, decay)
    assert abs(schedule(progress + 1e-6) - schedule(progress)) <= 1e-6 * math.pi / 2 / 0.05 + 1e-12


@pytest.mark.parametrize("name", SCHEDULES)
@given(warmup=fractions, final=st.floats(0, 1), decay=st.floats(0, 1))
def test_factor_rises_to_the_peak_and_never_again(name, warmup, final, decay):
    schedule = SCHEDULES[name](warmup, final, decay)
    factors = [schedule(i / 200) for i in range(201)]
    peak = factors.index(max(factors))
    assert all(a <= b + 1e-9 for a, b in pairwise(factors[: peak + 1]))
    assert all(a >= b - 1e-9 for a, b in pairwise(factors[peak:]))
