from collections.abc import Callable

from suite.record import RunRecord
from suite.standing import standings
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


def test_gaps_and_verdicts_where_others_are_known(record: Callable[..., RunRecord]) -> None:
    def reference(metric: str, value: float, kind: str) -> dict[str, object]:
        return {"name": "r", "metric": metric, "value": value, "kind": kind, "source": "s"}

    one = record(
        metrics={"test/accuracy": 0.9, "test/macro_f1": 0.8},
        intervals={"test/accuracy": (0.88, 0.92, "Wilson score")},
        directions={"macro_f1": "maximize"},
        references=[
            reference("macro_f1", 0.75, "published"),
            reference("accuracy", 0.91, "published"),
            reference("accuracy", 0.99, "baseline"),
        ],
    )
    one.standings = [standing.plain() for standing in standings(one)]
    totals, tags = totals_of(one.plain()), tags_of(one.plain())
    assert (totals["test/accuracy_low"], totals["test/accuracy_high"]) == (0.88, 0.92)
    assert round(totals["test/gap_to_published"], 6) == -0.01
    assert round(totals["test/macro_f1_gap_to_published"], 6) == 0.05
    assert not [name for name in totals if "people" in name]
    assert tags["verdict.published"] == "reproduces"
    assert "verdict.people" not in tags


def test_a_record_of_before_intervals_can_still_be_sent(record: Callable[..., RunRecord]) -> None:
    old = record().plain()
    for key in ("intervals", "directions", "standings"):
        del old[key]
    assert "time/wall_seconds" in totals_of(old)
    assert "seed" in tags_of(old)


def test_energy_and_what_figures_rest_on(record: Callable[..., RunRecord]) -> None:
    basis = {"energy": "measured_rapl", "peak": "data sheet", "peak_flops_per_second": 1e12}
    one = record(
        energy={"joules": 12.0, "joules_per_example": 0.5},
        basis=basis,
        machine={"fingerprint": "abc"},
        throughput={"mfu": 0.4},
    ).plain()
    totals, tags = totals_of(one), tags_of(one)
    assert (totals["hardware/joules"], totals["hardware/joules_per_example"]) == (12, 0.5)
    assert (totals["throughput/mfu"], totals["hardware/peak_flops_per_second"]) == (0.4, 1e12)
    assert (tags["basis.energy"], tags["basis.peak"]) == ("measured_rapl", "data sheet")
    assert tags["machine"] == "abc"
    for key in ("energy", "basis"):
        del one[key]  # as in journals of earlier versions
    assert "hardware/joules" not in totals_of(one)
    assert "basis.energy" not in tags_of(one)
