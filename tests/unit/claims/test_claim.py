import math

import pytest

from suite.claims.claim import Claim, Effect, Measured, Verdict


def claim(margin=0.05):
    return Claim(
        name="one", text="One", experiment="a", quantity="b", margin=margin, reason="c",
        change="d", cells=lambda one: (), measure=lambda one, ran: (),
    )  # fmt: skip


def measured(*values):
    return Measured(set="a", effect=Effect.over_seeds(values))


def test_interval_over_seeds_is_students():
    effect = Effect.over_seeds([1.0, 2.0, 3.0])
    assert effect.mean == 2
    assert effect.high - 2 == pytest.approx(4.302653 / math.sqrt(3))
    assert effect.low - 2 == pytest.approx(-4.302653 / math.sqrt(3))


def test_nothing_is_shown_by_two_seeds():
    assert Effect.over_seeds([1.0, 1.0]).low == -math.inf
    assert claim().verdict([measured(9.0, 9.1)]) is Verdict.NOT_SUPPORTED


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ([(0.2, 0.21, 0.22), (0.3, 0.3, 0.31)], Verdict.SUPPORTED),
        ([(0.2, 0.21, 0.22), (0.01, 0.0, 0.02)], Verdict.MIXED),
        ([(0.01, 0.0, 0.02), (-0.3, -0.3, -0.31)], Verdict.NOT_SUPPORTED),
        # The mean is above the margin, the interval is not.
        ([(0.01, 0.1, 0.2)], Verdict.NOT_SUPPORTED),
        ([], Verdict.NOT_SUPPORTED),
    ],
)
def test_verdict_follows_from_the_rule(found, verdict):
    assert claim().verdict([measured(*values) for values in found]) is verdict


def test_what_has_no_effect_holds_nowhere():
    none = Measured(set="a", effect=None)
    assert not none.holds(-1.0)
    assert claim().verdict([none]) is Verdict.NOT_SUPPORTED


def test_rule_names_the_margin():
    assert "above 0.25, not supported where on none" in claim(0.25).rule
