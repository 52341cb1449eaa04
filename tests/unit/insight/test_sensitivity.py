import json
import math

import numpy as np
import pytest

from suite.errors import DataError
from suite.insight.sensitivity import Trial, sensitivities, tables, trials_of, wider_by
from suite.insight.sensitivity_report import sensitivity_finding
from suite.task import Direction

RATES = np.logspace(-5, 1, 25)
MAXIMIZE = {"direction": Direction.MAXIMIZE, "within": 0.02}


def _trials(choice, width, *, best=1e-2, noise=0.0, seeds=3, rates=RATES, seed=0):
    """Return runs whose value falls by 0.02 at `width` / 2 decades from the best rate."""
    rng = np.random.default_rng(seed)
    offsets = rng.normal(scale=noise, size=seeds)
    return [
        Trial(
            choice=choice,
            lr=lr,
            seed=s,
            value=0.9 - 0.02 * (2 * math.log10(lr / best) / width) ** 2 + offsets[s],
            reached=100 * (1 + abs(math.log10(lr / best))) if lr < 1 else None,
        )
        for lr in rates
        for s in range(seeds)
    ]


@pytest.mark.parametrize("width", [1.0, 2.0, 3.0])
def test_planted_width_best_and_time_are_found(width):
    (found,) = sensitivities(_trials("sgd", width), criterion=0.85, **MAXIMIZE).values()
    assert found.decades.value == pytest.approx(width, abs=0.06)
    assert found.best.value == pytest.approx(0.9)
    assert found.best_lr == pytest.approx(1e-2)
    assert found.reached.value == pytest.approx(100)
    assert not found.at_least
    good = np.abs(np.log10(RATES / 1e-2)) * 2 / width <= 2.5**0.5
    assert found.converged.value == pytest.approx(good.mean())


def test_range_that_ends_with_the_rates_may_be_wider():
    (found,) = sensitivities(_trials("adam", 20.0), criterion=0.5, **MAXIMIZE).values()
    assert found.at_least
    assert found.decades.value == pytest.approx(6)


def test_of_a_loss_less_is_better():
    trials = [
        Trial(choice="x", lr=lr, seed=seed, value=(math.log10(lr) + 2) ** 2)
        for lr in RATES
        for seed in (0, 1)
    ]
    (found,) = sensitivities(
        trials, direction=Direction.MINIMIZE, criterion=1.0, within=0.25
    ).values()
    assert found.decades.value == pytest.approx(1.0, abs=0.02)
    assert found.converged.value == pytest.approx(9 / 25)
    assert found.reached.value == math.inf


def test_failed_runs_are_the_worst_and_end_the_range():
    trials = [
        Trial(**{**vars(t), "value": math.nan, "reached": None})
        if t.lr > 0.05 and t.seed == 1
        else t
        for t in _trials("sgd", 3.0)
    ]
    (found,) = sensitivities(trials, criterion=0.5, **MAXIMIZE).values()
    last = max(lr for lr in RATES if lr <= 0.05)
    expected = math.log10(last / 1e-2) + 1.5
    assert found.decades.value == pytest.approx(expected, abs=0.05)
    # In a resample without the seed that failed the range is as wide as it was.
    assert found.decades.high == pytest.approx(3.0, abs=0.05)


def test_difference_of_widths_and_none_where_there_is_none():
    wide, narrow = _trials("adam", 3.0, noise=0.01), _trials("sgd", 1.5, noise=0.01, seed=1)
    found = wider_by([*wide, *narrow], "adam", "sgd", **MAXIMIZE)
    assert found.value == pytest.approx(1.5, abs=0.1)
    assert found.low > 1
    rng = np.random.default_rng(3)
    noisy = [
        Trial(**{**vars(t), "value": t.value + rng.normal(scale=0.01)})
        for t in [*_trials("adam", 2.0, seeds=8), *_trials("sgd", 2.0, seeds=8)]
    ]
    nothing = wider_by(noisy, "adam", "sgd", **MAXIMIZE)
    assert nothing.low <= 0 <= nothing.high
    assert nothing.low < nothing.high


def test_rates_that_lack_a_seed_are_refused():
    trials = _trials("sgd", 2.0)[:-1]
    with pytest.raises(DataError, match=r"sgd: no run of lr=10 seed=2"):
        tables(trials, Direction.MAXIMIZE)


def test_trials_of_records():
    record = {
        "optimizer": "muon", "seed": 2, "status": "finished", "primary": "accuracy",
        "config": {"optimizer": {"lr": 0.02}}, "metrics": {"validation/accuracy": 0.9},
        "reached": {"step": 40, "training_seconds": 2.0},
    }  # fmt: skip
    failed = {**record, "status": "failed", "metrics": {}, "reached": None, "seed": 3}
    good, bad = trials_of([record, failed])
    assert good == Trial(choice="muon", lr=0.02, seed=2, value=0.9, reached=40)
    assert math.isnan(bad.value)
    assert bad.reached is None


def test_finding_tells_choices_with_intervals_and_a_picture():
    trials = [*_trials("adam", 2.0, noise=0.01), *_trials("sgd", 20.0)]
    found = sensitivity_finding(
        trials, what="optimizer", metric="accuracy", criterion=0.8, **MAXIMIZE
    )
    assert found.lines[0].startswith("adam: nearly as good over 2 (")
    assert "at least 6 (" in found.lines[1]
    assert json.dumps(found.numbers, allow_nan=False)
    assert found.figures[0].content.startswith(b"\x89PNG")
    nothing = [Trial(choice="x", lr=lr, seed=0, value=math.nan) for lr in (0.1, 1.0)]
    failed = sensitivity_finding(nothing, what="loss", metric="accuracy", criterion=0.8, **MAXIMIZE)
    assert failed.numbers["choices"]["x"]["decades"]["value"] == 0
    assert failed.numbers["choices"]["x"]["reached"]["value"] is None
