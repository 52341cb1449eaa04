from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from suite.record import RunRecord
from suite.sweeps.plan import Plan
from suite.tracking.describe import LONGEST_NOTE, note_of, run_name
from suite.tracking.sweep_run import folder_of

NAMED = {
    "data": "digits", "backbone": "convnet", "optimizer": "muon", "seed": 2, "config": {},
}  # fmt: skip


@pytest.fixture
def name(tmp_path: Path, record: Callable[..., RunRecord]) -> Callable[..., str]:
    """The name of a run with these overrides, in a sweep of this command if there is one."""

    def named(overrides: list[str], command: tuple[str, ...] = (), **changes: Any) -> str:
        if command:
            Plan(command=command, cells=()).write(folder_of(tmp_path, "s1"))
            changes["sweep"] = "s1"
        one = record(**(NAMED | {"overrides": overrides} | changes))
        return run_name(one.plain(), tmp_path)

    return named


def test_in_a_sweep_it_says_what_varies(name: Callable[..., str]) -> None:
    command = (
        "backbone=mlp,convnet",
        "hardware=cpu_single",
        "optimizer.lr=0.1,0.2",
        "seed=range(3)",
    )
    overrides = ["seed=2", "backbone=convnet", "hardware=cpu_single", "optimizer.lr=0.1",
                 "tracking.experiment=mine"]  # fmt: skip
    assert name(overrides, command) == "convnet · lr=0.1 · seed 2"


def test_a_choice_is_named_by_the_end_of_its_path(name: Callable[..., str]) -> None:
    command = ("experiment=demo/digits,demo/names", "+data.leave_out=a,b")
    overrides = ["experiment=demo/digits", "+data.leave_out=a"]
    assert name(overrides, command) == "digits · leave_out=a"


def test_alone_it_says_what_it_is(name: Callable[..., str]) -> None:
    overrides = [
        "backbone=convnet",
        "results=/somewhere",
        "tracking.uri=x",
        "trainer.batch_size=64",
    ]
    assert name(overrides) == "digits · convnet · muon · batch_size=64 · seed 2"


def test_a_name_of_the_users_stays(name: Callable[..., str]) -> None:
    assert name(["name=mine", "seed=2"], config={"name": "mine"}) == "mine"


def test_of_a_run_that_never_was_the_record_tells(name: Callable[..., str]) -> None:
    assert name([], name="broken", task="", data="", backbone="", optimizer="") == "broken"


def test_a_long_name_is_cut(name: Callable[..., str]) -> None:
    assert len(name([f"task.option{i}={i}" for i in range(100)])) == 160


def test_a_sweep_whose_plan_was_lost(name: Callable[..., str]) -> None:
    assert name(["seed=2"], sweep="gone") == "digits · convnet · muon · seed 2"


def test_a_description_tells_what_came_of_it(record: Callable[..., RunRecord]) -> None:
    one = record(
        status="finished",
        metrics={"test/accuracy": 0.98123},
        intervals={"test/accuracy": (0.97, 0.99, "Wilson")},
        target={"metric": "accuracy", "threshold": 0.95, "direction": "maximize"},
        reached={"step": 1200.0, "training_seconds": 3.25, "wall_seconds": 4.0},
        standings=[
            {"metric": "accuracy", "people": None,
             "published": {"value": 0.97, "name": "Known", "verdict": "above"}}
        ],
        overrides=["backbone=mlp", "seed=1"],
        seed=1, steps=2000, epochs=5.0, training_seconds=5.5,
        model={"parameters": 12345.0}, throughput={"examples_per_second": 4321.5},
    )  # fmt: skip
    one.data_card["sizes"]["test"] = 1359
    assert note_of(one.plain(), "curves?a=b").split("\n\n") == [
        "test accuracy 0.9812, 95% 0.9700 to 0.9900 over 1,359 test items",
        "target, validation accuracy ≥ 0.95: reached after 1,200 steps and 3.2 s of training",
        "best published 0.9700 (Known): above",
        "mlp + adamw on image_recognition / digits, seed 1, 12,345 parameters, "
        "2,000 steps in 5.0 epochs, 5.5 s of training, 4,322 examples/s",
        "`triathlon backbone=mlp seed=1`",
        "![Learning curves](curves?a=b)",
    ]


def test_a_description_of_a_run_that_failed(record: Callable[..., RunRecord]) -> None:
    note = note_of(record(status="failed", error="loss is not finite").plain())
    assert note.startswith("failed: loss is not finite\n\nmlp + adamw on")


def test_a_miss_and_a_run_given_up(record: Callable[..., RunRecord]) -> None:
    target = {"metric": "error_rate", "threshold": 0.1, "direction": "minimize"}
    missed = note_of(record(status="finished", target=target).plain())
    assert "target, validation error rate ≤ 0.1: missed" in missed
    assert note_of(record(status="pruned", target=target).plain()).startswith("given up early")


def test_a_description_fits_what_mlflow_takes(record: Callable[..., RunRecord]) -> None:
    long = record(status="failed", error="x" * 20_000).plain()
    assert len(note_of(long, "picture")) <= LONGEST_NOTE
