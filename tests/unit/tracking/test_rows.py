from suite.record import RunRecord
from suite.tracking.rows import flatten, legal, tags_of, totals_of


def test_flatten() -> None:
    config = {"seed": 1, "task": {"name": "x", "options": {"crop": None, "sizes": [1, 2]}}, "e": {}}
    assert flatten(config) == {
        "seed": "1",
        "task.name": "x",
        "task.options.crop": "null",
        "task.options.sizes": "[1, 2]",
        "e": "{}",
    }


def test_long_values_are_cut() -> None:
    assert len(flatten({"a": "x" * 10_000})["a"]) < 6000


def test_legal() -> None:
    assert legal("validation/f1@5 (mean)") == "validation/f1_5 _mean_"
    assert legal("test/word_error_rate") == "test/word_error_rate"


def test_hand_made_features_are_numbers_and_a_tag() -> None:
    made = {"features": "hog", "feature_seconds": 2.0, "C": 0.1, "features_per_example": 81}
    record = RunRecord(run_id="a", name="a", hand_made=made).plain()
    totals = totals_of(record)
    assert (totals["time/feature_seconds"], totals["model/C"]) == (2.0, 0.1)
    assert totals["model/features_per_example"] == 81
    assert "model/features" not in totals
    assert tags_of(record)["features"] == "hog"
    without = RunRecord(run_id="a", name="a").plain()
    assert "features" not in tags_of(without)
    del without["hand_made"]  # as in journals of earlier versions
    assert "time/feature_seconds" not in totals_of(without)
