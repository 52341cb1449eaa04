import numpy as np
import pytest

from suite.report.page.learning import Curve, band, bands, read_curve, read_curves, tell_apart
from suite.tracking.journal import read_journal


def _events(count, metric="accuracy"):
    yield {"event": "start", "record": {}}
    for n in range(count):
        yield {"event": "metrics", "step": n, "values": {"train/loss": 1.0}}
        values = {f"validation/{metric}": n / 10, "time/training_seconds": 2.0 * n}
        yield {"event": "metrics", "step": n, "values": values}


def test_a_curve_holds_the_validations():
    curve = read_curve(_events(4), "accuracy")
    assert curve.step_P.tolist() == [0, 1, 2, 3]
    assert curve.training_seconds_P.tolist() == [0, 2, 4, 6]
    assert curve.value_P == pytest.approx([0, 0.1, 0.2, 0.3])


def test_a_long_journal_is_thinned_evenly_and_keeps_its_end():
    curve = read_curve(_events(10_001), "accuracy")
    assert 33 <= len(curve.step_P) <= 66
    assert curve.step_P[0] == 0
    assert curve.step_P[-1] == 10_000
    gaps = np.diff(curve.step_P[:-1])
    assert len(set(gaps.tolist())) == 1


def test_one_point_is_no_curve():
    assert read_curve(_events(1), "accuracy") is None
    assert read_curve(_events(5), "word_error_rate") is None


def test_a_band_is_mean_and_range_at_shared_steps():
    step_P = np.array([10.0, 20.0, 30.0])
    curves = [Curve(step_P, step_P / 10, np.array(v)) for v in ([0, 1, 2], [2, 3, 10], [4, 2, 3])]
    found = band(curves, "step")
    assert list(found.points()) == [(10, 2, 0, 4), (20, 2, 1, 3), (30, 5, 2, 10)]


def test_over_seconds_curves_are_lines_between_validations_where_all_have_them():
    curves = [
        Curve(np.array([1.0, 2.0]), np.array([0.0, 10.0]), np.array([0.0, 1.0])),
        Curve(np.array([1.0, 2.0]), np.array([2.0, 12.0]), np.array([0.0, 1.0])),
    ]
    found = band(curves, "training_seconds")
    assert (found.x_G[0], found.x_G[-1]) == (2, 10)
    assert found.mean_G == pytest.approx((found.x_G - 1) / 10)
    assert found.high_G - found.low_G == pytest.approx(np.full(len(found.x_G), 0.2))


def test_journals_that_are_missing_or_broken_give_no_curve(tmp_path, made, results):
    record = made("digits", "mlp", 0, 0.9)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "journal.jsonl").write_text("{nonsense}\n")
    folders = [results / "runs" / record.run_id, broken, tmp_path / "nothing"]

    def events(path):
        return (event for event, _ in read_journal(path))

    (curve,) = read_curves(folders, events, "accuracy")
    assert curve.step_P.tolist() == [10, 20, 30, 40, 50]


def _of_units(each, values=(0, 1, 2)):
    step_P = np.array([10.0, 20.0, 30.0])
    return Curve(step_P, step_P / 10, np.array(values, dtype=float), step_P * each)


def test_units_are_a_clock_where_all_repeats_tell_them():
    told = bands([_of_units(4), _of_units(4, (2, 3, 4))])
    assert [one.clock for one in told] == ["step", "training_seconds", "units"]
    assert list(told[2].points()) == [(40, 1, 0, 2), (80, 2, 1, 3), (120, 3, 2, 4)]
    untold = Curve(
        *(getattr(_of_units(4), f"{n}_P") for n in ("step", "training_seconds", "value"))
    )
    assert [one.clock for one in bands([_of_units(4), untold])] == ["step", "training_seconds"]


def test_a_journal_of_before_units_were_noted_has_none():
    assert read_curve(_events(4), "accuracy").units_P is None


def test_units_tell_configurations_apart_where_a_step_is_not_as_much():
    few, many = bands([_of_units(4)]), bands([_of_units(12)])
    assert tell_apart([few, many])
    assert not tell_apart([few, few])
    assert not tell_apart([])
