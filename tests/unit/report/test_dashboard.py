import math
from typing import Any

import pytest

from suite.record import RunRecord
from suite.report.dashboard import slug
from suite.report.leaderboard import Leaderboard, leaderboard

PLACE = "summary/image_recognition.digits"


def run(backbone: str, seed: int, value: float, **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "run_id": f"{backbone}{seed}",
        "name": "a",
        "status": "finished",
        "task": "image_recognition",
        "data": "digits",
        "backbone": backbone,
        "optimizer": "muon",
        "seed": seed,
        "group_hash": backbone,
        "config_hash": f"{backbone}{seed}",
        "primary": "accuracy",
        "direction": "maximize",
        "metrics": {"test/accuracy": value, "test/loss": 1 - value},
        "target": {"metric": "accuracy", "threshold": 0.9, "direction": "maximize"},
        "training_seconds": 10.0 + seed,
        "throughput": {"examples_per_second": 100.0 + seed},
    }
    return RunRecord(**(values | changes))


def reached(seconds: float) -> dict[str, float]:
    return {"step": 5, "training_seconds": seconds, "wall_seconds": seconds}


@pytest.fixture
def board() -> Leaderboard:
    runs = [run("convnet", seed, 0.9 + seed / 100, reached=reached(2 + seed)) for seed in range(3)]
    return leaderboard([*runs, run("mlp", 0, 0.5), run("mlp", 1, 0.7, reached=reached(9))])


def test_numbers_of_a_group_by_hand(board: Leaderboard) -> None:
    numbers = board.aggregates()
    # Student's t of 2 degrees at 97.5% is 4.302653; the deviation is 0.01.
    half = 4.302653 * 0.01 / math.sqrt(3)
    of_convnet = {k.split("/")[2]: v for k, v in numbers.items() if k.endswith("/convnet-muon")}
    assert of_convnet == pytest.approx(
        {
            "accuracy_mean": 0.91,
            "accuracy_low": 0.91 - half,
            "accuracy_high": 0.91 + half,
            "n": 3,
            "reached": 3,
            "seconds_to_target": 3,
            "training_seconds": 11,
            "examples_per_second": 101,
        },
        rel=1e-6,
    )


def test_a_miss_and_too_few_runs_have_no_number(board: Leaderboard) -> None:
    numbers = board.aggregates()
    assert numbers[f"{PLACE}/accuracy_mean/mlp-muon"] == pytest.approx(0.6)
    assert numbers[f"{PLACE}/reached/mlp-muon"] == 1
    # Of two runs one missed, so that the median is infinite.
    assert f"{PLACE}/seconds_to_target/mlp-muon" not in numbers
    assert f"{PLACE}/accuracy_low/mlp-muon" not in numbers
    assert all(map(math.isfinite, numbers.values()))


def test_the_best_row_of_each_backbone(board: Leaderboard) -> None:
    numbers = board.aggregates()
    found = {k: v for k, v in numbers.items() if "accuracy_of_best" in k}
    assert found == pytest.approx(
        {f"{PLACE}/accuracy_of_best/convnet": 0.91, f"{PLACE}/accuracy_of_best/mlp": 0.6}
    )


def test_names_do_not_depend_on_who_else_takes_part() -> None:
    slow = {"group_hash": "slow", "config_hash": "slow", "overrides": ["optimizer.lr=0.1"]}
    alone = leaderboard([run("mlp", 0, 0.5, **slow)]).aggregates()
    beside = leaderboard([run("mlp", 0, 0.5, **slow), run("mlp", 1, 0.6)]).aggregates()
    assert set(alone) <= set(beside)
    assert f"{PLACE}/n/mlp-muon-optimizer.lr-0.1" in alone


def test_two_groups_of_one_name_are_two_numbers() -> None:
    twins = [run("mlp", 0, value, group_hash=key, config_hash=key) for key, value in
             (("aaaaaaaa", 0.5), ("bbbbbbbb", 0.6))]  # fmt: skip
    numbers = leaderboard(twins).aggregates()
    assert numbers[f"{PLACE}/accuracy_mean/mlp-muon-aaaaaa"] == 0.5
    assert numbers[f"{PLACE}/accuracy_mean/mlp-muon-bbbbbb"] == 0.6


def test_across_data_sets() -> None:
    from suite.report.reference import Reference

    sets = Reference.read().sets
    runs = [
        run("mlp", seed, 0.5 + seed / 100, task=one.task, data=one.data, primary=one.metric,
            direction=one.direction, run_id=f"{one.data}{seed}", config_hash=f"{one.data}{seed}",
            group_hash=one.data, metrics={f"test/{one.metric}": 0.5 + seed / 100},
            data_card={"name": one.data, "fingerprint": one.fingerprint},
            target={"metric": one.metric, "threshold": one.target, "direction": one.direction})
        for one in sets for seed in range(3)
    ]  # fmt: skip
    found = leaderboard(runs)
    assert found.across is not None
    (entrant,) = found.across.entrants
    assert entrant.quality is not None
    numbers = found.aggregates()
    assert numbers["across/interquartile_mean/mlp-muon"] == entrant.quality.mean
    assert numbers["across/interquartile_mean_low/mlp-muon"] == entrant.quality.low
    assert numbers["across/score_steps/mlp-muon"] == entrant.scores["steps"]


def test_a_slug_is_part_of_a_name_that_mlflow_takes() -> None:
    assert slug("lstm + muon (trainer.batch_size=64)") == "lstm-muon-trainer.batch_size-64"
    assert slug("digits, version ab12") == "digits-version-ab12"
    assert len(slug("x" * 500)) == 100


def test_a_note_answers_and_has_the_table(board: Leaderboard) -> None:
    first, table, under = board.note().split("\n\n")
    assert first.startswith(
        "convnet + muon is best on image_recognition / digits: test accuracy 0.910 (0.885–0.935, "
        "n=3); second mlp + muon, 0.600 (n=2): too few runs."
    )
    heading, _, best, second = table.splitlines()
    assert heading.startswith("| backbone + optimizer | test accuracy | n | 95% over seeds |")
    assert best.startswith("| convnet + muon | 0.9100 | n=3 | ±0.0248 |")
    assert "| 1/2 |" in second
    assert "target: validation accuracy ≥ 0.9" in under


def test_a_note_of_many_is_short() -> None:
    wide = [run(f"backbone{i:03}", 0, i / 200) for i in range(150)]
    text = leaderboard(wide).note()
    assert len(text) < 6000
    assert "more in leaderboard.md" in text
    assert "backbone149 + muon" in text
    sets = [run("mlp", 0, 0.5, data=f"set{i:03}", config_hash=f"{i}", group_hash=f"{i}")
            for i in range(150)]  # fmt: skip
    text = leaderboard(sets).note()
    assert len(text) <= 6100
    assert "- image_recognition / set000: mlp + muon, test accuracy 0.5000" in text
    assert "more in leaderboard.md" in text.splitlines()[-1]
    assert leaderboard([]).note() == ""
