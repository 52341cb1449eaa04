from collections.abc import Callable
from random import Random

import pytest

from suite.errors import DataError
from suite.record import RunRecord
from suite.standing import standings
from suite.tracking.rows import flatten, legal, packed, tags_of, totals_of, unpacked


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


def test_a_record_comes_back_from_its_tags(record: Callable[..., RunRecord]) -> None:
    # Of letters that do not shrink, so that it takes several tags.
    noise = "".join(Random(0).choices("abcdefghijklmnopqrstuvwxyzäöü", k=20_000))
    one = record(metrics={"test/accuracy": 0.1 + 0.2}, overrides=[noise]).plain()
    tags = packed(one)
    assert len(tags) > 2
    assert max(map(len, tags.values())) <= 5000
    assert unpacked(tags | {"task": "other"}) == one
    # MLflow hides what begins like tags of its own.
    assert all(name.startswith("mlflow.") for name in tags)
    shorter = record(overrides=["a"]).plain()
    assert unpacked(tags | packed(shorter)) == shorter
    assert unpacked({"task": "other"}) is None


def test_a_broken_record_says_so(record: Callable[..., RunRecord]) -> None:
    tags = packed(record().plain())
    last = max(tags)
    with pytest.raises(DataError, match="MLflow run r1: its record is broken"):
        unpacked({k: v for k, v in tags.items() if k != last} | {"triathlon.run_id": "r1"})
    with pytest.raises(DataError, match="broken"):
        unpacked(tags | {last: "!" + tags[last][5:]})
