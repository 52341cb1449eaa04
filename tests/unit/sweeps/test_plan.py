from pathlib import Path

import pytest

from suite.compose import compose
from suite.errors import DataError
from suite.sweeps.plan import Cell, Plan, difference, distinct


def cell(*overrides: str) -> Cell:
    return Cell.of(compose(["backbone=mlp", *overrides]), overrides)


def plan(*jobs: str) -> Plan:
    return Plan(command=("x",), cells=tuple(cell(*job.split()) for job in jobs))


def test_a_cell_is_known_by_the_hash_that_records_have() -> None:
    assert cell("seed=3").key == compose(["backbone=mlp", "seed=3"]).hash()


def test_identity_is_of_the_set_of_cells() -> None:
    one = plan("seed=0", "seed=1")
    assert one.identity == plan("seed=1", "seed=0").identity
    assert len(one.identity) == 12
    assert one.identity != plan("seed=0").identity
    assert one.identity != plan("seed=0", "seed=1 trainer.epochs=1").identity


def test_identity_leaves_out_where_results_go_and_how_they_are_made() -> None:
    there = plan(
        "seed=0 results=/elsewhere tracking=none sweep.name=other",
        "seed=1 name=me hardware.workers=2 cache=/c",
    )
    assert there.identity == plan("seed=0", "seed=1").identity


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    refused = Cell.refused("seed=-1: must be 0 or above", ["seed=-1"])
    written = Plan(command=("a=1", "b"), cells=(cell("seed=0"), cell("seed=1"), refused))
    assert Plan.read(tmp_path) is None
    written.write(tmp_path)
    assert Plan.read(tmp_path) == written
    # What all share is there once.
    assert (tmp_path / "plan.json").read_text().count("trainer.epochs") == 1
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(DataError, match="not a sweep's plan"):
        Plan.read(tmp_path)


def test_difference_names_the_setting_that_changed() -> None:
    old = plan("seed=0", "seed=1")
    both = plan("seed=0 trainer.epochs=3", "seed=1 trainer.epochs=3")
    assert difference(old, both) == "trainer.epochs: 10.0, now 3.0 (2 runs)"


def test_difference_names_cells_added_and_gone() -> None:
    old, new = plan("seed=0", "seed=1"), plan("seed=1", "seed=2", "seed=3")
    other = plan("seed=0", "seed=1 optimizer.lr=0.5")
    assert difference(old, other) == "1 added: seed=1 optimizer.lr=0.5; 1 gone: seed=1"
    assert difference(old, new) == "2 added: seed=2, seed=3; 1 gone: seed=0"
    many = plan(*(f"seed={i}" for i in range(9)))
    assert difference(plan("seed=0"), many).endswith("seed=1, seed=2, seed=3 and 5 more")


def test_difference_of_what_is_searched() -> None:
    old = Plan(command=(), cells=(), space={"optimizer.lr": "interval(0,1)", "seed": "0"})
    new = Plan(command=(), cells=(), space={"optimizer.lr": "interval(0,2)", "seed": "0"})
    assert difference(old, new) == "optimizer.lr: interval(0,1), now interval(0,2)"
    assert old.identity != new.identity


def test_cells_that_are_one_run_are_made_once() -> None:
    cells, notes = distinct([cell("optimizer.lr=0.1"), cell("optimizer.lr=1e-1"), cell("seed=1")])
    assert [one.overrides for one in cells] == [("optimizer.lr=0.1",), ("seed=1",)]
    assert notes == ["optimizer.lr=1e-1: the same run as optimizer.lr=0.1, so it is made once"]


def test_extending_keeps_what_was_there() -> None:
    whole = plan("seed=0", "seed=1").extended(plan("seed=1", "seed=2"))
    assert [one.overrides for one in whole.cells] == [("seed=0",), ("seed=1",), ("seed=2",)]
