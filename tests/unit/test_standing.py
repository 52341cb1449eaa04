from typing import Any

import pytest

from suite.record import RunRecord
from suite.standing import compared_metrics, stand, standings


def reference(value: float, kind: str = "published", **changes: Any) -> dict[str, Any]:
    known = {"name": f"{kind} {value}", "metric": "accuracy", "value": value, "kind": kind}
    return {**known, "source": "s", **changes}


def against(value: float, *references: dict[str, Any], direction: str = "maximize") -> Any:
    """Stand with an interval of 0.02 to both sides."""
    interval = (value - 0.02, value + 0.02, "by hand")
    return stand("accuracy", value, interval, direction=direction, references=references)


@pytest.mark.parametrize(
    ("other", "direction", "gap", "verdict"),
    [
        (0.95, "maximize", -0.05, "below"),
        (0.91, "maximize", -0.01, "reproduces"),
        (0.89, "maximize", 0.01, "reproduces"),
        (0.85, "maximize", 0.05, "above"),
        # An error rate: less is better, and a gap above 0 is still the better side.
        (0.95, "minimize", 0.05, "above"),
        (0.91, "minimize", 0.01, "reproduces"),
        (0.85, "minimize", -0.05, "below"),
    ],
)
def test_gap_and_verdict(other: float, direction: str, gap: float, verdict: str) -> None:
    published = against(0.9, reference(other), direction=direction).published
    assert published.gap == pytest.approx(gap)
    assert published.verdict == verdict


@pytest.mark.parametrize(
    ("other", "direction", "verdict"),
    [
        (0.85, "maximize", "beyond people"),
        (0.91, "maximize", "like people"),
        (0.95, "maximize", "below people"),
        (0.95, "minimize", "beyond people"),
        (0.85, "minimize", "below people"),
    ],
)
def test_people(other: float, direction: str, verdict: str) -> None:
    standing = against(0.9, reference(other, "human"), direction=direction)
    assert standing.people.verdict == verdict
    assert standing.published is None


def test_the_best_of_each_kind_counts_and_baselines_do_not() -> None:
    references = (
        reference(0.91, name="plain"),
        reference(0.96, name="tuned", uses="pretraining"),
        reference(0.94, "human"),
        reference(0.99, "baseline"),
        reference(0.99, None, name="of an old record"),
    )
    standing = against(0.9, *references)
    assert (standing.published.name, standing.published.uses) == ("tuned", "pretraining")
    assert standing.published.verdict == "below"
    assert standing.people.value == 0.94
    assert standing.reproduces == ("plain",)
    down = against(0.9, *references, direction="minimize")
    assert down.published.name == "plain"


def test_without_an_interval_there_is_a_gap_but_no_verdict() -> None:
    standing = stand("accuracy", 0.9, None, direction="maximize", references=[reference(0.9)])
    assert standing.published.gap == 0
    assert standing.published.verdict is None
    assert standing.reproduces == ()


def test_without_references_there_is_nothing_rather_than_zero() -> None:
    standing = against(0.9)
    assert standing.published is None
    assert standing.people is None


def test_the_headline_is_the_primary_metric_unless_only_others_are_known() -> None:
    wer, f1 = reference(0.1, metric="wer"), reference(0.9, metric="f1")
    baseline = reference(0.9, "baseline")
    assert compared_metrics("accuracy", [wer, reference(0.9)]) == ["accuracy", "wer"]
    assert compared_metrics("accuracy", [wer, f1]) == ["wer", "f1", "accuracy"]
    assert compared_metrics("accuracy", [baseline]) == ["accuracy"]


def test_a_record_is_compared_by_every_metric_that_tells_its_direction() -> None:
    record = RunRecord(
        run_id="a",
        name="a",
        primary="cer",
        direction="minimize",
        metrics={"test/cer": 0.1, "test/wer": 0.2, "test/odd": 0.3, "validation/lost": 0.1},
        intervals={"test/wer": (0.15, 0.25, "bootstrap")},
        directions={"wer": "minimize"},
        references=[reference(0.074, metric=metric) for metric in ("odd", "wer", "lost")],
    )
    first, second = standings(record)
    assert (first.metric, first.published.verdict) == ("wer", "below")
    assert first.published.gap == pytest.approx(-0.126)
    assert first.interval == (0.15, 0.25, "bootstrap")
    assert (second.metric, second.direction, second.published) == ("cer", "minimize", None)
