import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from suite.record import RunRecord
from suite.report.leaderboard import Leaderboard, leaderboard


def run(run_id: str, value: float | None, **changes: Any) -> RunRecord:
    backbone, seed = changes.get("backbone", "mlp"), changes.get("seed", 0)
    values: dict[str, Any] = {
        "run_id": run_id,
        "name": run_id,
        "status": "finished",
        "task": "image_recognition",
        "data": "digits",
        "backbone": backbone,
        "optimizer": "adamw",
        "group_hash": f"{backbone}",
        "config_hash": f"{backbone}-{seed}",
        "data_card": {"fingerprint": "f", "synthetic": False},
        "unit": "image",
        "primary": "accuracy",
        "direction": "maximize",
        "metrics": {} if value is None else {"test/accuracy": value},
        "target": {"metric": "accuracy", "threshold": 0.9, "direction": "maximize"},
        "references": [
            {"name": "people", "metric": "accuracy", "value": 0.97, "source": "Doe | 1999", "n": 3},
            {"name": "other", "metric": "loss", "value": 1.0, "source": "", "n": None},
        ],
        "training_seconds": 10.0,
        "throughput": {"examples_per_second": 100.0, "units_per_second": 200.0},
        "model": {"parameters": 1_500_000},
    }
    return RunRecord(**(values | changes))


@pytest.fixture
def records() -> list[RunRecord]:
    reached = {"step": 5, "training_seconds": 4.0, "wall_seconds": 6.0}
    late = {"step": 9, "training_seconds": 8.0, "wall_seconds": 9.0}
    return [
        run("a", 0.90, seed=0, reached=reached, training_seconds=8.0),
        run("b", 0.94, seed=1, reached=late, training_seconds=9.0),
        run("c", 0.95, seed=2, training_seconds=20.0),
        run("d", 0.92, backbone="resnet"),
        run("e", None, backbone="lstm", status="failed", error="boom"),
        run("f", None, backbone="lstm", status="running"),
    ]


def test_numbers(records: list[RunRecord]) -> None:
    (board,) = leaderboard(records).boards
    first, second = board.rows
    assert (first.name, first.n) == ("mlp + adamw", 3)
    assert first.mean == pytest.approx(0.93)
    assert (first.median, first.lowest, first.highest) == (0.94, 0.90, 0.95)
    assert first.training_seconds == 9.0
    # Medians over the two runs that reached the target.
    assert (first.reached, first.target_training_seconds, first.target_wall_seconds) == (2, 6, 7.5)
    assert (second.name, second.n, second.reached) == ("resnet + adamw", 1, 0)
    assert second.target_training_seconds is None
    assert [reference["name"] for reference in board.references] == ["people"]


def test_lower_is_better_where_it_is() -> None:
    error = {"primary": "error", "direction": "minimize"}
    runs = [
        run("a", None, metrics={"test/error": 0.3}, **error),
        run("b", None, metrics={"test/error": 0.1}, backbone="resnet", **error),
    ]
    assert [row.backbone for row in leaderboard(runs).boards[0].rows] == ["resnet", "mlp"]


def test_a_repeated_seed_counts_once() -> None:
    rows = leaderboard([run("old", 0.5), run("new", 0.9)]).boards[0].rows
    assert [(row.n, row.mean, row.run_ids) for row in rows] == [(1, 0.9, ["new"])]


def test_rows_of_one_name_show_what_differs() -> None:
    runs = [
        run("a", 0.9, group_hash="x", config_hash="x", overrides=["seed=0", "optimizer.lr=0.1"]),
        run("b", 0.8, group_hash="y", config_hash="y", overrides=["backbone=mlp"]),
    ]
    names = [row.name for row in leaderboard(runs).boards[0].rows]
    assert names == ["mlp + adamw (optimizer.lr=0.1)", "mlp + adamw (y)"]


def machine(run_id: str, features: str, *overrides: str) -> RunRecord:
    names = {"group_hash": run_id, "config_hash": run_id, "overrides": list(overrides)}
    made = {"backbone": "svm", "optimizer": "liblinear", "hand_made": {"features": features}}
    return run(run_id, 0.9, **names, **made)


def test_rows_of_hand_made_features_name_them() -> None:
    runs = [machine("a", "hog"), machine("b", "pixels"), run("c", 0.8)]
    names = [row.name for row in leaderboard(runs).boards[0].rows]
    assert names == ["svm + liblinear (hog)", "svm + liblinear (pixels)", "mlp + adamw"]


def test_rows_of_the_same_features_show_what_differs_and_matters() -> None:
    runs = [
        machine("a", "hog", "backbone.features=hog", "backbone.cell=4", "trainer.epochs=3"),
        machine("b", "hog", "optimizer=sgd"),
    ]
    names = [row.name for row in leaderboard(runs).boards[0].rows]
    assert names == ["svm + liblinear (hog backbone.cell=4)", "svm + liblinear (hog b)"]


def test_other_data_of_the_same_name_is_not_compared() -> None:
    other = run("b", 0.8, backbone="resnet", data_card={"fingerprint": "g"})
    board = leaderboard([run("a", 0.9), other])
    assert len(board.boards) == 2
    assert "2 versions of the data" in board.summary()[0]


def test_matrix_takes_the_best_of_each_backbone(records: list[RunRecord]) -> None:
    muon = {"optimizer": "muon", "group_hash": "m", "config_hash": "m"}
    cells = leaderboard([*records, run("m", 0.99, **muon)]).matrix()
    assert cells["mlp"]["image_recognition / digits"].optimizer == "muon"
    assert list(cells) == ["mlp", "resnet"]


def test_files(records: list[RunRecord], tmp_path: Path) -> None:
    spoken = run("s", 0.5, data="spoken", data_card={"fingerprint": "s", "synthetic": True})
    spoken.config_hash = spoken.group_hash = "s"
    written = leaderboard([*records, spoken]).write(tmp_path)
    names = [f"leaderboard.{kind}" for kind in ("md", "json", "csv", "png")]
    assert [path.name for path in written] == names
    assert (tmp_path / "leaderboard.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "leaderboard.md").read_text()
    assert "## image_recognition / spoken (synthetic data)" in text
    assert "| mlp + adamw | 0.9300 | n=3 | 0.9400 | 0.9000 | 0.9500 |" in text
    assert "| 9.0 | 6.0 / 7.5 | 2/3 | 1.5M |" in text
    assert "| resnet + adamw | 0.9200 | n=1 | — |" in text
    assert "Doe \\| 1999" in text
    assert "Runs left out: 1 failed, 1 not finished." in text
    lines = list(csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text())))
    assert [line["backbone"] for line in lines if line["data"] == "digits"] == [
        "mlp",
        "resnet",
        "reference: people",
    ]
    assert float(lines[0]["mean"]) == pytest.approx(0.93)
    assert json.loads((tmp_path / "leaderboard.json").read_text())["boards"][1]["synthetic"]


def shown(board: Leaderboard, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    board.print(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_terminal(records: list[RunRecord]) -> None:
    text = shown(leaderboard(records))
    assert "image_recognition / digits" in text
    assert "people (Doe | 1999)" in text
    assert "validation accuracy ≥ 0.9" in text
    assert text.index("mlp + adamw") < text.index("resnet + adamw")


def test_nothing_to_show(tmp_path: Path) -> None:
    board = leaderboard([])
    assert shown(board) == "no finished runs\n"
    assert [path.suffix for path in board.write(tmp_path)] == [".md", ".json", ".csv"]


def test_a_narrow_terminal_is_not_cut(records: list[RunRecord]) -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    leaderboard(records).print(console)
    assert isinstance(console.file, io.StringIO)
    row = next(line for line in console.file.getvalue().splitlines() if "mlp + adamw" in line)
    assert row.rstrip().endswith("6.0 / 7.5")
