from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from suite.errors import ConfigError
from suite.record import RunRecord
from suite.report.gate import Finding, findings, known_metrics, metric_of, verdict
from suite.report.groups import Group, groups_of


def group(name: str, values: list[float], speeds: list[float], **changes: Any) -> Group:
    runs = [
        RunRecord(
            run_id=f"{name}{seed}",
            name=name,
            status="finished",
            task="image_recognition",
            data="digits",
            backbone="mlp",
            optimizer="adamw",
            seed=seed,
            group_hash=name,
            config_hash=f"{name}-{seed}",
            data_card={"name": "digits", "fingerprint": "f"},
            primary="accuracy",
            direction="maximize",
            directions={"accuracy": "maximize", "error": "minimize"},
            metrics={"test/accuracy": value, "test/error": 1 - value, "test/loss": 1.0},
            machine={"fingerprint": "m"},
            throughput={"examples_per_second": speed, "step_seconds_p50": 1 / speed},
            memory={"host_peak_bytes": 1e9},
            training_seconds=1000 / speed,
            target={"metric": "accuracy", "threshold": 0.9, "direction": "maximize"},
            reached={"step": 10, "examples": 640, "training_seconds": 1.0, "wall_seconds": 2.0},
            **changes,
        )
        for seed, (value, speed) in enumerate(zip(values, speeds, strict=True))
    ]
    (made,) = groups_of(runs)
    return made


A = group("a", [0.90, 0.92, 0.91, 0.93], [100.0, 101.0, 99.0, 100.5])
WORSE = group("b", [0.88, 0.90, 0.892, 0.909], [60.0, 61.0, 60.5, 59.0])


def found(first: Group, second: Group, *metrics: str, **options: Any) -> dict[str, Finding]:
    got = findings([(first, second)], metrics=metrics, **options)
    return {one.metric.name: one for one in got}


def test_quality_is_compared_by_seed_and_speed_is_not() -> None:
    got = found(A, WORSE)
    assert list(got) == ["accuracy", "examples_per_second"]
    quality, speed = got.values()
    assert quality.difference is not None
    assert speed.difference is not None
    assert (quality.difference.paired, speed.difference.paired) == (True, False)
    assert quality.worse
    assert speed.worse
    assert [verdict(one) for one in got.values()] == ["worse", "worse"]
    assert quality.difference.mean == pytest.approx(-0.01975)
    assert speed.difference.mean == pytest.approx(-40, abs=0.1)


def test_the_p_value_is_one_sided_and_beyond_the_margin_as_in_scipy() -> None:
    accuracies = [[run.metrics["test/accuracy"] for run in one.runs] for one in (A, WORSE)]
    got = found(A, WORSE, "accuracy", margins={"accuracy": 0.015})["accuracy"]
    expected = stats.ttest_rel(np.array(accuracies[1]) + 0.015, accuracies[0], alternative="less")
    assert got.p_worse == pytest.approx(expected.pvalue)
    error = found(A, WORSE, "error", margins={"error": 0.015})["error"]
    assert error.p_worse == pytest.approx(expected.pvalue)
    # A tenth of the speed may go before it matters.
    speeds = [[run.throughput["examples_per_second"] for run in one.runs] for one in (A, WORSE)]
    got = found(A, WORSE, "examples_per_second")["examples_per_second"]
    expected = stats.ttest_ind(
        np.array(speeds[1]) + 0.1 * np.mean(speeds[0]), speeds[0], equal_var=False,
        alternative="less",
    )  # fmt: skip
    assert got.p_worse == pytest.approx(expected.pvalue)
    assert got.margin == pytest.approx(0.1 * np.mean(speeds[0]))


def test_better_passes() -> None:
    for one in found(WORSE, A).values():
        assert not one.worse
        assert one.p_worse is not None
        assert one.p_worse > 0.9
        assert verdict(one) == "better"


def test_all_that_is_compared_is_corrected_together() -> None:
    alone = found(A, WORSE, "accuracy")["accuracy"].p_worse
    among = found(A, WORSE, "accuracy", "loss", "error", "host_peak_bytes")["accuracy"].p_worse
    assert alone is not None
    assert among == pytest.approx(4 * alone)


def test_a_share_of_a_is_a_margin_too() -> None:
    got = found(A, WORSE, margins={"": "3%", "examples_per_second": "50%"})
    assert got["accuracy"].margin == pytest.approx(0.03 * 0.915)
    assert not got["accuracy"].worse
    assert verdict(got["accuracy"]) == "within the margin"
    assert not got["examples_per_second"].worse


def test_unlike_machines_are_not_compared_by_speed() -> None:
    runs = tuple(replace(run, machine={"fingerprint": "n"}) for run in WORSE.runs)
    got = found(A, replace(WORSE, runs=runs))
    assert got["accuracy"].worse
    speed = got["examples_per_second"]
    assert (speed.difference, speed.worse, verdict(speed)) == (None, False, "")
    assert speed.note == "not compared: machines m and n are not alike"
    unknown = tuple(replace(run, machine={}) for run in WORSE.runs)
    speed = found(replace(A, runs=unknown), replace(WORSE, runs=unknown))["examples_per_second"]
    assert speed.note == "not compared: machines unknown and unknown are not alike"


def test_of_several_machines_the_shared_one_counts() -> None:
    other = [replace(run, seed=run.seed + 10, machine={"fingerprint": "n"}) for run in WORSE.runs]
    got = found(replace(A, runs=(*A.runs, *other)), WORSE)["examples_per_second"]
    assert got.ours is not None
    assert (got.ours.n, round(got.ours.mean, 3)) == (4, 100.125)


def test_few_runs_are_not_judged() -> None:
    few = replace(WORSE, runs=WORSE.runs[:2])
    got = found(A, few)["accuracy"]
    assert (got.p_worse, got.worse, verdict(got)) == (None, False, "too few runs")


def test_a_missed_target_is_told_and_not_averaged() -> None:
    missed = replace(WORSE, runs=(replace(WORSE.runs[0], reached=None), *WORSE.runs[1:]))
    got = found(A, missed, "examples_to_target")["examples_to_target"]
    assert got.note == "not compared: target missed by 0 of 4 and 1 of 4"
    assert not got.metric.of_machine
    assert found(A, WORSE, "training_seconds_to_target").popitem()[1].metric.of_machine


def test_what_is_no_number_is_told() -> None:
    broken = replace(WORSE.runs[0], metrics={"test/accuracy": float("nan")})
    got = found(A, replace(WORSE, runs=(broken, *WORSE.runs[1:])), "accuracy")["accuracy"]
    assert got.note == "not compared: 1 of 8 values are no number"


@pytest.mark.parametrize(
    ("name", "direction", "of_machine"),
    [
        ("accuracy", "maximize", False),
        ("test/accuracy", "maximize", False),
        ("error", "minimize", False),
        ("loss", "minimize", False),
        ("examples_per_second", "maximize", True),
        ("step_seconds_p50", "minimize", True),
        ("training_seconds", "minimize", True),
        ("host_peak_bytes", "minimize", True),
        ("steps_to_target", "minimize", False),
        ("wall_seconds_to_target", "minimize", True),
    ],
)
def test_what_names_mean(name: str, direction: str, of_machine: bool) -> None:
    metric = metric_of(A.runs[0], name)
    assert metric is not None
    assert (metric.direction, metric.of_machine) == (direction, of_machine)
    assert metric.name in known_metrics(A.runs[0])


def test_what_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match=r"--metric acuracy: digits .* did you mean 'accuracy'"):
        found(A, WORSE, "acuracy")
    with pytest.raises(ConfigError, match=r"--margin error=0\.1: is not compared"):
        found(A, WORSE, margins={"error": 0.1})
    # A model that tells no speed is judged by what it has.
    slow = [
        replace(one, runs=tuple(replace(run, throughput={}) for run in one.runs))
        for one in (A, WORSE)
    ]
    assert list(found(*slow)) == ["accuracy"]


@pytest.mark.parametrize(("n", "noise", "runs"), [(3, "normal", 2000), (5, "discrete", 2000)])
def test_false_alarms_are_at_their_nominal_level(n: int, noise: str, runs: int) -> None:
    """A group against its own repeats, with other seeds: two metrics, one gate."""
    rng = np.random.default_rng(n)
    alarms = 0
    for _ in range(runs):
        accuracy = (
            rng.normal(0.95, 0.01, (2, n))
            if noise == "normal"
            else rng.binomial(1000, 0.95, (2, n)) / 1000
        )
        seconds = rng.normal(10.0, 0.3, (2, n))
        pair = [
            group(name, accuracy[at].tolist(), seconds[at].tolist())
            for at, name in enumerate(("a", "b"))
        ]
        got = findings([(pair[0], pair[1])], margins={"examples_per_second": 0.0})
        alarms += any(one.worse for one in got)
    # 5%, within three standard errors of so many gates.
    assert alarms / runs == pytest.approx(0.05, abs=0.016)
