"""Linear probes find what was planted, and nothing where nothing is."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from suite.insight.ridge import STRENGTHS, Target, _Ridge, probe


def _normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def _target(fit, score, name="planted"):
    return Target(name=name, fit_N=fit, score_M=score)


@pytest.mark.parametrize("features", [7, 60])
def test_predictions_are_those_of_the_reference_library(features):
    fit, score, target = _normal(30, features), _normal(10, features, seed=1), _normal(30, 2)
    ours = _Ridge(fit, score)
    largest = np.linalg.eigvalsh((fit - fit.mean(0)).T @ (fit - fit.mean(0))).max()
    for strength in (STRENGTHS[0], 1.0):
        theirs = Ridge(alpha=strength * largest).fit(fit, target).predict(score)
        np.testing.assert_allclose(ours.predict(target, strength), theirs, atol=1e-6)


def test_quantities_and_kinds_are_read_by_how_much_of_them_is_there():
    noise, hidden = _normal(900, 20), _normal(900, 1, seed=1)
    mixed = np.concatenate([noise, hidden + 0.5 * _normal(900, 1, seed=2)], 1)
    kind = np.digitize(hidden[:, 0], [-0.5, 0.5])
    found = probe(
        mixed[:600],
        mixed[600:],
        [
            _target(hidden[:600, 0], hidden[600:, 0], "quantity"),
            _target(kind[:600], kind[600:], "kind"),
        ],
    )
    # Of a quantity with noise of a quarter of its variance, 1 / 1.25 can be explained.
    assert found["quantity"].score == pytest.approx(0.8, abs=0.05)
    assert 0.3 < found["kind"].score < 0.8
    # By hand: (accuracy - chance) / (1 - chance), chance being that of the most frequent kind.
    wrong, chance = found["kind"].error_M.mean(), (kind[600:] == 1).mean()
    assert found["kind"].score == pytest.approx((1 - wrong - chance) / (1 - chance))


def test_noise_says_nothing_however_many_features_it_has():
    features = _normal(400, 800)
    kind, quantity = np.arange(400) % 5, _normal(400, seed=1)
    found = probe(
        features[:200],
        features[200:],
        [
            _target(kind[:200], kind[200:], "kind"),
            _target(quantity[:200], quantity[200:], "quantity"),
        ],
    )
    assert found["kind"].score < 0.1
    assert -0.1 < found["quantity"].score < 0.05


def test_examples_without_a_value_and_kinds_never_fitted_do_not_count():
    features = _normal(200, 5)
    quantity = features[:, 0].copy()
    quantity[::3] = np.nan
    kind = (features[:, 1] > 0).astype(np.int64)
    kind[-20:] = 9  # nobody has heard this speaker before
    found = probe(
        features[:150],
        features[150:],
        [_target(quantity[:150], quantity[150:], "q"), _target(kind[:150], kind[150:], "k")],
    )
    assert found["q"].score > 0.99
    assert not found["q"].baseline_M[np.isnan(quantity[150:])].any()
    assert not found["k"].baseline_M[-20:].any()
    assert found["k"].score > 0.7


def test_what_does_not_vary_is_not_asked():
    features = _normal(100, 3)
    flat, kind = np.full(100, 0.1), np.zeros(100, dtype=np.int64)
    strangers = np.r_[np.zeros(30), np.ones(30), np.full(40, 2)].astype(np.int64)
    targets = [_target(flat[:60], flat[60:], "f"), _target(kind[:60], kind[60:], "k"),
               _target(strangers[:60], strangers[60:], "s")]  # fmt: skip
    assert probe(features[:60], features[60:], targets) == {}


def test_features_that_only_rounding_moves_are_none():
    constant = np.full((100, 4), 1e3) + 1e-9 * _normal(100, 4)
    quantity = constant[:, 0] - 1e3
    found = probe(constant[:60], constant[60:], [_target(quantity[:60], quantity[60:])])
    assert found["planted"].score == pytest.approx(0, abs=1e-6)
