import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from suite.record import RunRecord
from suite.report.across import Across, Entrant, across
from suite.report.groups import groups_of
from suite.report.leaderboard import leaderboard
from suite.report.reference import Reference, ReferenceSet
from suite.report.scores import Counting

HERE = {"fingerprint": "here"}


def one(data: str, examples: float, **changes: Any) -> ReferenceSet:
    values: dict[str, Any] = {
        "task": "image_recognition",
        "data": data,
        "fingerprint": data[0],
        "metric": "accuracy",
        "direction": "maximize",
        "target": 0.9,
        "floor": 0.1,
        "quality": 0.9,
        "to_target": {"examples": (examples,) * 3, "training_seconds": (examples / 100,) * 3},
    }
    return ReferenceSet(**(values | changes))


REFERENCE = Reference(
    name="two", machine="here", sets=(one("digits", 1000.0), one("letters", 500.0))
)


def runs(backbone: str, data: str, examples: float | None, **changes: Any) -> list[RunRecord]:
    """Make runs of three seeds whose test accuracies are 0.8, 0.9 and 0.85."""
    made = []
    for seed, value in enumerate((0.8, 0.9, 0.85)):
        reached = None
        if examples is not None:
            clocks = {"training_seconds": examples / 50, "wall_seconds": 1.0}
            reached = {"step": 1.0, "examples": examples, **clocks}
        values: dict[str, Any] = {
            "run_id": f"{backbone}-{data}-{seed}",
            "name": "",
            "status": "finished",
            "task": "image_recognition",
            "data": data,
            "backbone": backbone,
            "optimizer": "adamw",
            "seed": seed,
            "config_hash": f"{backbone}-{data}-{seed}",
            "group_hash": f"{backbone}-{data}",
            "data_card": {"name": data, "fingerprint": data[0]},
            "machine": HERE,
            "primary": "accuracy",
            "direction": "maximize",
            "metrics": {"test/accuracy": value},
            "target": {"metric": "accuracy", "threshold": 0.9, "direction": "maximize"},
            "reached": reached,
        }
        made.append(RunRecord(**(values | changes)))
    return made


def scored(records: list[RunRecord], reference: Reference = REFERENCE) -> dict[str, Entrant]:
    return {one.name: one for one in across(groups_of(records), reference).entrants}


RESNET = [*runs("resnet", "digits", 500.0), *runs("resnet", "letters", 1000.0)]


def test_by_hand() -> None:
    got = scored(RESNET)["resnet + adamw"]
    assert got.sets == ["digits", "letters"]
    # Twice as fast and half as fast; on the clock, at half the reference's rate, 1 and 4.
    assert got.ratios["examples"] == {"digits": 0.5, "letters": 2.0}
    assert got.scores["examples"] == pytest.approx((3.5 + 2) / 2 / 3)
    assert got.scores["training_seconds"] == pytest.approx((3 + 0) / 2 / 3)
    assert "wall_seconds" not in got.scores  # which the reference lacks
    # Of 0.875, 0.9375 and 1, twice: the middle half.
    assert got.quality is not None
    assert got.quality.mean == pytest.approx((0.5 * 0.875 + 2 * 0.9375 + 0.5 * 1) / 3)
    assert got.quality.low is not None


def test_another_entrant_changes_nobodys_numbers() -> None:
    alone = scored(RESNET)["resnet + adamw"]
    fast = [*runs("mlp", "digits", 10.0), *runs("mlp", "letters", 10.0)]
    tuned = [
        replace(run, overrides=["optimizer.lr=1"], group_hash="t", config_hash=f"t{run.run_id}")
        for run in RESNET
    ]
    among = scored([*RESNET, *fast, *tuned])
    assert among["resnet + adamw"] == alone
    assert set(among) == {"resnet + adamw", "mlp + adamw", "resnet + adamw (optimizer.lr=1)"}
    assert among["mlp + adamw"].scores["examples"] > 1


def test_misses_and_sets_not_tried_take_infinitely_long() -> None:
    three = Reference(name="three", machine="here", sets=(*REFERENCE.sets, one("phrases", 1.0)))
    missed = [*runs("resnet", "digits", 500.0), *runs("resnet", "letters", None)]
    got = scored(missed, three)["resnet + adamw"]
    assert got.ratios["examples"] == {"digits": 0.5, "letters": math.inf, "phrases": math.inf}
    assert got.scores["examples"] == pytest.approx(3.5 / 3 / 3)
    assert got.quality is None


def test_seconds_of_another_machine_are_not_compared() -> None:
    elsewhere = {"machine": {"fingerprint": "there"}}
    records = [*runs("resnet", "digits", 500.0, **elsewhere), *runs("resnet", "letters", 500.0)]
    assert list(scored(records)["resnet + adamw"].scores) == ["examples"]


@pytest.mark.parametrize(
    "changes",
    [
        {"target": {"metric": "accuracy", "threshold": 0.5, "direction": "maximize"}},
        {"target": {}},
    ],
)
def test_another_target_is_another_race(changes: dict[str, Any]) -> None:
    records = [*runs("resnet", "digits", 1.0, **changes), *runs("resnet", "letters", 500.0)]
    got = scored(records)["resnet + adamw"]
    assert got.ratios["examples"] == {"digits": math.inf, "letters": 1.0}


def test_other_data_and_metrics_do_not_count() -> None:
    other = {"data_card": {"name": "letters", "fingerprint": "other"}}
    assert scored([*runs("resnet", "digits", 1.0), *runs("resnet", "letters", 1.0, **other)]) == {}
    assert leaderboard(runs("resnet", "digits", 1.0), REFERENCE).across is None


def test_of_several_groups_of_one_entrant_the_newest_counts() -> None:
    again = runs("resnet", "digits", 100.0, group_hash="new", started="2026-02-02")
    for run in again:
        run.config_hash = f"new{run.seed}"
    got = scored([*again, *RESNET])["resnet + adamw"]
    assert got.ratios["examples"]["digits"] == 0.1


def test_files_and_terminal(tmp_path: Path) -> None:
    board = leaderboard(
        [*RESNET, *runs("mlp", "digits", None), *runs("mlp", "letters", None)], REFERENCE
    )
    assert isinstance(board.across, Across)
    board.write(tmp_path)
    text = (tmp_path / "leaderboard.md").read_text()
    section = text.partition("## Across data sets")[2]
    assert "| resnet + adamw | 2/2 | 0.9375 | ±" in section
    assert "| 0.500 | 0.917 |" in section
    assert "Sets: digits, letters; reference: two" in section
    written = json.loads((tmp_path / "leaderboard.json").read_text())["across"]
    mlp = next(one for one in written["entrants"] if one["name"] == "mlp + adamw")
    assert mlp["ratios"]["examples"] == {"digits": "Infinity", "letters": "Infinity"}
    for width in (60, 80, 200):
        console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
        board.print(console)
        assert isinstance(console.file, io.StringIO)
        shown = console.file.getvalue()
        assert max(map(len, shown.splitlines())) <= width
        for word in ("across data sets", "interquartile", "0.9375"):
            assert word in shown
        # By examples it is kept longest; by the clock it goes first.
        assert ("0.917" in shown, "training" in shown.partition("across")[2]) == (True, width > 60)


def mixed(examples: tuple[float, ...], data: str, **changes: Any) -> list[RunRecord]:
    """Make runs whose seeds take so many examples; infinite is a miss."""
    made = []
    for run, count in zip(runs("resnet", data, 1.0, **changes), examples, strict=True):
        reached = None if count == math.inf else {"step": 1.0, "examples": count}
        made.append(replace(run, reached=reached, run_id=f"{run.run_id}{changes}"))
    return made


def test_repeats_count_in_three_ways() -> None:
    slow = [
        *mixed((1000.0, 3000.0, math.inf), "digits"),
        *mixed((500.0, 1000.0, 1500.0), "letters"),
    ]
    # Another learning rate, which is faster on two seeds of digits and validates better there.
    tuned: dict[str, Any] = {"overrides": ["optimizer.lr=1"], "group_hash": "t"}
    tuned |= {"metrics": {"test/accuracy": 0.9, "validation/accuracy": 0.99}}
    fast = mixed((500.0, math.inf, 700.0), "digits", **tuned)
    for run in fast:
        run.config_hash = f"t{run.seed}"
    groups = groups_of([*slow, *fast])
    ratios = {}
    for counting in Counting:
        (one,) = across(groups, REFERENCE, counting).entrants
        assert one.name == "resnet + adamw"
        ratios[counting.value] = one.ratios["examples"]
        if counting is Counting.best:
            # 0.9 three times on digits, where it validated best.
            assert one.quality is not None
            assert one.quality.mean == pytest.approx((0.5 * 0.9375 + 2.5 * 1) / 3)
    assert ratios == {
        "median": {"digits": 3.0, "letters": 2.0},
        "olympic": {"digits": 3.0, "letters": 2.0},
        # By seed 500, 3000 and 700.
        "best": {"digits": 0.7, "letters": 2.0},
    }


def test_olympic_drops_both_ends() -> None:
    more = [
        replace(run, seed=run.seed + 3, config_hash=f"m{run.seed}", run_id=f"m{run.seed}")
        for run in mixed((1000.0, 1200.0, 9000.0), "digits")
    ]
    records = [*mixed((1000.0, 1100.0, math.inf), "digits"), *more]
    records += mixed((500.0, 500.0, 500.0), "letters")
    (one,) = across(groups_of(records), REFERENCE, Counting.olympic).entrants
    assert one.ratios["examples"]["digits"] == pytest.approx((1 + 1.1 + 1.2 + 9) / 4)
