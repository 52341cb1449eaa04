from random import Random
from typing import Any

from suite.record import RunRecord
from suite.report.groups import groups_of


def run(name: str, seed: int = 0, group: str = "g", **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "run_id": name,
        "name": name,
        "status": "finished",
        "task": "image_recognition",
        "data": "digits",
        "backbone": "mlp",
        "optimizer": "adamw",
        "seed": seed,
        "group_hash": group,
        "config_hash": f"{group}-{seed}",
        "data_card": {"name": "digits", "fingerprint": "f"},
        "metrics": {"test/accuracy": 0.9},
    }
    return RunRecord(**(values | changes))


def test_repeats_make_a_group_in_whatever_order_they_come() -> None:
    runs = [
        run("a", 1, started="2026-01-02"),
        run("b", 0, started="2026-01-03"),
        run("c", 2, started="2026-01-01"),
        run("d", 0, "h", started="2026-01-01"),
        run("e", 3, started="2026-01-01", status="failed"),
        run("f", 4, started="2026-01-01", status="running"),
    ]
    expected = [("g", ["b", "a", "c"]), ("h", ["d"])]
    for seed in range(5):
        shuffled = Random(seed).sample(runs, len(runs))
        assert [(g.key, [r.run_id for r in g.runs]) for g in groups_of(shuffled)] == expected


def test_of_runs_repeated_with_one_seed_the_newest_counts() -> None:
    runs = [run("new", started="2026-01-02"), run("old", started="2026-01-01")]
    assert [[r.run_id for r in g.runs] for g in groups_of(runs)] == [["new"]]


def test_a_group_has_one_version_of_the_data() -> None:
    other = {"name": "digits", "fingerprint": "e"}
    groups = groups_of([run("a"), run("b", 1), run("c", data_card=other)])
    assert [(g.fingerprint, len(g.runs)) for g in groups] == [("e", 1), ("f", 2)]
    # What is on another version needs nothing to be told apart by.
    assert [g.name for g in groups] == ["mlp + adamw", "mlp + adamw"]


def test_runs_without_a_hash_stand_alone() -> None:
    runs = [run(name, group_hash="", config_hash="") for name in ("a", "b")]
    assert [(g.key, len(g.runs)) for g in groups_of(runs)] == [("a", 1), ("b", 1)]


def test_values_by_seed_leave_out_runs_without_the_metric() -> None:
    (group,) = groups_of([run("a"), run("b", 7), run("c", 2, metrics={})])
    assert group.by_seed("test/accuracy") == {0: 0.9, 7: 0.9}
