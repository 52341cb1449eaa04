import csv
import io
import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from suite.record import RunRecord
from suite.report.leaderboard import Leaderboard, leaderboard
from suite.report.tables import markdown


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
            {"name": "SVM", "metric": "accuracy", "value": 0.97, "source": "Doe | 1999", "n": 3},
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
    # Of 4, 8 and a miss, which took infinitely long.
    assert first.reached == 2
    assert first.to_target["training_seconds"] == 8
    assert first.to_target["wall_seconds"] == 9
    assert (second.name, second.n, second.reached) == ("resnet + adamw", 1, 0)
    assert second.to_target["training_seconds"] == math.inf
    assert [reference["name"] for reference in board.references] == ["SVM"]


def test_statistics_of_every_metric(records: list[RunRecord]) -> None:
    for number, record in enumerate(records[:3]):
        record.metrics |= {"test/loss": 1.0 + number, "validation/loss": 9.0}
    records[0].metrics["test/extra"] = 1.0
    first = leaderboard(records).boards[0].rows[0]
    assert list(first.statistics) == [
        "test/accuracy",
        "test/loss",
        "throughput/examples_per_second",
        "throughput/units_per_second",
        "time/training_seconds",
        "time/wall_seconds",
    ]
    assert first.statistics["test/accuracy"] == first.seeds
    assert first.statistics["test/loss"].deviation == 1.0
    assert first.statistics["time/training_seconds"].mean == pytest.approx(37 / 3)


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
    assert [b.data for b in board.boards] == ["digits, version f", "digits, version g"]
    assert [list(cells) for cells in board.matrix().values()] == [
        ["image_recognition / digits, version f"],
        ["image_recognition / digits, version g"],
    ]
    assert "2 versions of the data" in board.summary()[0]


@pytest.mark.parametrize(
    ("backbone", "options", "told"),
    [
        ("mlp", {"width": 8}, "mlp"),
        ("transformers", {"model": "models/MiniLM", "trainable": "all"}, "transformers MiniLM"),
        ("transformers", {"architecture": "bert", "model": None}, "transformers bert"),
        ("torchvision", {"model": "vgg11", "trainable": "none"}, "torchvision vgg11 frozen"),
        ("resnet18", {"model": "resnet18", "trainable": "2"}, "resnet18 top 2"),
    ],
)
def test_models_of_libraries_are_named(backbone: str, options: dict[str, Any], told: str) -> None:
    board = leaderboard([run("a", 0.9, backbone=backbone, config={"backbone": options})]).boards[0]
    assert [row.backbone for row in board.rows] == [told]


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
    # 4.302653 standard deviations of 0.0264575, over √3.
    assert "| mlp + adamw | 0.9300 | n=3 | ±0.0657 | 0.9400 | 0.9000 | 0.9500 |" in text
    assert "± 95% interval of the mean over seeds, from n=3: Student's t" in text
    assert "| 9.0 | 8.0 / 9.0 | 2/3 | 1.5M |" in text
    assert "| resnet + adamw | 0.9200 | n=1 | — | — |" in text
    assert "| 10.0 | ∞ | 0/1 | 1.5M |" in text
    assert "Doe \\| 1999" in text
    assert "Runs left out: 1 failed, 1 not finished." in text
    lines = list(csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text())))
    assert [line["backbone"] for line in lines if line["data"] == "digits"] == [
        "mlp",
        "resnet",
        "reference: SVM",
    ]
    assert float(lines[0]["mean"]) == pytest.approx(0.93)
    assert float(lines[0]["seeds_low"]) == pytest.approx(0.93 - 0.0657241, abs=1e-6)
    assert (lines[1]["seeds_low"], lines[1]["target_training_seconds"]) == ("", "inf")
    assert lines[1]["against_best_verdict"] == "too few runs"
    boards = json.loads((tmp_path / "leaderboard.json").read_text())["boards"]
    assert boards[1]["synthetic"]
    assert boards[0]["rows"][1]["to_target"]["training_seconds"] == "Infinity"


def shown(board: Leaderboard, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    board.print(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_terminal(records: list[RunRecord]) -> None:
    text = shown(leaderboard(records))
    assert "image_recognition / digits" in text
    assert re.search(r"SVM +0\.9700 +n=3 +Doe \| 1999", text)
    assert "validation accuracy ≥ 0.9" in text
    assert text.index("mlp + adamw") < text.index("resnet + adamw")


def test_nothing_to_show(tmp_path: Path) -> None:
    board = leaderboard([])
    assert shown(board) == "no finished runs\n"
    assert [path.suffix for path in board.write(tmp_path)] == [".md", ".json", ".csv"]


def terminal(width: int) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)


def test_a_narrow_terminal_is_not_cut(records: list[RunRecord]) -> None:
    console = terminal(80)
    leaderboard(records).print(console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if "mlp + adamw" in line)
    assert "8.0 / 9.0" in row
    assert "0.9500" not in row  # the highest of three matters least


KNOWN = [
    {"name": n, "metric": "accuracy", "value": v, "kind": k, "n": c, "uses": u, "source": "Doe"}
    for n, v, k, c, u in (
        ("ResNet-18", 0.95, "published", 5, "original pixels"),
        ("small CNN", 0.92, "published", None, ""),
        ("volunteers", 0.8, "human", 3, ""),
        ("SVM", 0.85, "baseline", None, ""),
    )
]


@pytest.fixture
def compared() -> list[RunRecord]:
    """Three seeds whose median run, at 0.94, has the interval from 0.93 to 0.96."""
    card = {"fingerprint": "f", "sizes": {"test": 1000}}
    return [
        run(
            name,
            value,
            seed=seed,
            references=KNOWN,
            data_card=card,
            intervals={"test/accuracy": (low, high, "Wilson score")},
        )
        for seed, (name, value, low, high) in enumerate(
            [("a", 0.90, 0.88, 0.92), ("b", 0.94, 0.93, 0.96), ("c", 0.95, 0.94, 0.97)]
        )
    ]


def test_a_row_stands_as_its_median_run_does(compared: list[RunRecord]) -> None:
    (board,) = leaderboard(compared).boards
    (row,) = board.rows
    assert row.standing is not None
    assert row.standing.interval == (0.93, 0.96, "Wilson score")
    assert row.standing.published is not None
    assert row.standing.published.name == "ResNet-18"
    assert row.standing.published.gap == pytest.approx(-0.01)
    assert row.standing.published.verdict == "reproduces"
    assert row.standing.people is not None
    assert row.standing.people.verdict == "beyond people"
    # Of two runs in the middle the worse one speaks.
    (two,) = leaderboard(compared[1:]).boards[0].rows
    assert two.standing is not None
    assert two.standing.value == 0.94


def test_files_agree_on_interval_gap_and_verdict(compared: list[RunRecord], tmp_path: Path) -> None:
    leaderboard(compared).write(tmp_path)
    text = (tmp_path / "leaderboard.md").read_text()
    assert "| 0.9300–0.9600 | -0.0100 reproduces | +0.1400 beyond |" in text
    assert "| published: ResNet-18, original pixels (Doe) | 0.9500 | n=5 |" in text
    assert "95% interval over 1,000 test items, not over seeds" in text
    first, *others = csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text()))
    assert (first["low"], first["high"], first["interval_method"]) == (
        "0.93",
        "0.96",
        "Wilson score",
    )
    assert float(first["gap_to_published"]) == pytest.approx(-0.01)
    assert (first["verdict_published"], first["verdict_people"]) == ("reproduces", "beyond people")
    assert [line["kind"] for line in others] == ["published", "published", "human", "baseline"]
    assert (others[0]["n"], others[0]["uses"]) == ("5", "original pixels")
    (board,) = json.loads((tmp_path / "leaderboard.json").read_text())["boards"]
    assert board["rows"][0]["standing"]["published"]["verdict"] == "reproduces"


def test_nothing_known_has_no_column_and_no_gap(records: list[RunRecord], tmp_path: Path) -> None:
    board = leaderboard(records)
    board.write(tmp_path)
    text = (tmp_path / "leaderboard.md").read_text()
    assert "gap to" not in text
    assert "over items" not in text
    (line, *_) = csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text()))
    assert (line["gap_to_published"], line["verdict_people"]) == ("", "")


def test_others_measured_by_another_metric(tmp_path: Path) -> None:
    spoken = run(
        "a",
        None,
        primary="character_error_rate",
        direction="minimize",
        metrics={"test/character_error_rate": 0.1, "test/word_error_rate": 0.212},
        intervals={"test/word_error_rate": (0.17, 0.25, "bootstrap")},
        directions={"word_error_rate": "minimize", "character_error_rate": "minimize"},
        references=[
            {**KNOWN[0], "name": "ESPnet2", "metric": "word_error_rate", "value": 0.074},
            {**KNOWN[0], "name": "unheard of", "metric": "bleu", "value": 0.074},
        ],
    )
    board = leaderboard([spoken])
    assert (board.boards[0].metric, board.boards[0].compared) == (
        "character_error_rate",
        "word_error_rate",
    )
    board.write(tmp_path)
    text = (tmp_path / "leaderboard.md").read_text()
    assert (
        "test character error rate | n | median | lowest | highest | test word error rate" in text
    )
    assert "| 0.1000 | n=1 | — | — | — | 0.2120 | 0.1700–0.2500 | -0.1380 below |" in text
    assert "| published: ESPnet2, original pixels (Doe) |  | n=5 |  |  |  | 0.0740 |" in text
    assert "unheard of" not in text
    assert board.known() == {}


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_what_matters_stays_on_a_terminal_of_any_width(
    compared: list[RunRecord], width: int
) -> None:
    console = terminal(width)
    leaderboard(compared).print(console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for part in ("0.9300", "n=3", "±0.0657", "0.9300–0.9600"):
        assert part in text, part
    for part in ("-0.0100", "reproduces"):
        assert (part in text) == (width >= 80), part
    assert ("+0.1400" in text) == (width >= 80)
    assert ("images/s" in text) == (width >= 140)
    assert re.search(r"ResNet-18 +published +0\.9500 +n=5 +original +", text)


def test_the_matrix_ends_with_what_others_reached(compared: list[RunRecord]) -> None:
    names = ["fashion", "letters", "words", "phrases"]
    runs = [
        run(
            f"{name}{r.run_id}",
            r.metrics["test/accuracy"],
            data=name,
            config_hash=f"{name}{r.run_id}",
        )
        for name in names
        for r in compared
    ]
    board = leaderboard([*compared, *runs])
    assert {name: list(known) for name, known in board.known().items()} == {
        name: ["image_recognition / digits"]
        for name in ("best published", "people", "best baseline")
    }
    assert board.known()["best published"]["image_recognition / digits"]["name"] == "ResNet-18"
    text = shown(board)
    lines = {line.strip().split("  ")[0]: line for line in text.splitlines()}
    assert "0.9500 (ResNet-18)" in lines["best published"]
    assert "0.8000 (volunteers)" in lines["people"]
    assert "0.8500 (SVM)" in lines["best baseline"]
    narrow = terminal(60)
    board.print(narrow)
    assert isinstance(narrow.file, io.StringIO)
    said = narrow.file.getvalue()
    assert max(map(len, said.splitlines())) <= 60
    # In several tables, each with all its lines, and no data set lost.
    assert said.count("best published") > text.count("best published")
    assert all(name in said.partition("backbone by data set")[2] for name in names)


def test_what_measures_the_same_in_another_way_stands_beside_it(tmp_path: Path) -> None:
    directions = dict.fromkeys(("error_rate", "beam_error_rate", "loss"), "minimize")
    changes: dict[str, Any] = {
        "primary": "error_rate",
        "direction": "minimize",
        "directions": directions,
    }
    runs = [
        run(
            f"{seed}",
            None,
            seed=seed,
            metrics={"test/error_rate": 0.2, "test/beam_error_rate": beam, "test/loss": 1.0},
            **changes,
        )
        for seed, beam in enumerate((0.11, 0.19, 0.12))
    ]
    greedy = run("g", None, backbone="lstm", metrics={"test/error_rate": 0.3}, **changes)
    board = leaderboard([*runs, greedy])
    assert board.boards[0].variants == ["beam_error_rate"]
    assert [row.variants for row in board.boards[0].rows] == [{"beam_error_rate": 0.12}, {}]
    board.write(tmp_path)
    heading, _, first, second, *_ = _table(tmp_path / "leaderboard.md")
    column = heading.index("test beam error rate")
    assert (first[column], second[column]) == ("0.1200", "—")
    with (tmp_path / "leaderboard.csv").open() as lines:
        assert [row["variants"] for row in csv.DictReader(lines)][:2] == [
            "beam_error_rate=0.12",
            "",
        ]


def _table(file: Path) -> list[list[str]]:
    lines = [line for line in file.read_text().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_rows_that_no_override_tells_apart_are_told_apart_by_their_hash() -> None:
    paths = ("data.path=/here", "hardware.workers=2")
    runs = [
        run(name, 0.9, group_hash=name, config_hash=name, overrides=[*paths]) for name in ("a", "b")
    ]
    assert [row.settings for row in leaderboard(runs).boards[0].rows] == ["a", "b"]
    runs = [
        run(name, 0.9, group_hash=name, config_hash=name, overrides=["trainer.epochs=3", *paths])
        for name in ("a", "b")
    ]
    names = [row.settings for row in leaderboard(runs).boards[0].rows]
    assert names == ["trainer.epochs=3 a", "trainer.epochs=3 b"]


def repeated(backbone: str, *values: float, **changes: Any) -> list[RunRecord]:
    return [
        run(f"{backbone}{seed}", value, backbone=backbone, seed=seed, **changes)
        for seed, value in enumerate(values)
    ]


def test_each_row_is_told_apart_from_the_best_one() -> None:
    runs = [
        *repeated("resnet", 0.95, 0.96, 0.97, 0.96),
        *repeated("mlp", 0.949, 0.958, 0.972, 0.957),
        *repeated("lstm", 0.900, 0.911, 0.921, 0.909),
        *repeated("svm", 0.8),
    ]
    first, *others = leaderboard(runs).boards[0].rows
    assert (first.backbone, first.against_best) == ("resnet", None)
    told = {row.backbone: row.against_best for row in others}
    assert {name: one.verdict for name, one in told.items() if one} == {
        "mlp": "not distinguishable",
        "lstm": "worse",
        "svm": "too few runs",
    }
    lstm = told["lstm"]
    assert lstm is not None
    assert (lstm.n, lstm.paired) == (4, True)
    assert lstm.mean == pytest.approx(-0.04975)
    # Corrected for the six pairs of four rows, of which three are with the best.
    assert lstm.p is not None
    assert lstm.p_corrected == pytest.approx(6 * lstm.p)
    text = shown(leaderboard(runs))
    assert "corrected for 6 pairs of rows" in text
    assert re.search(r"lstm \+ adamw .* -0\.049[78] worse", text)


def test_rows_on_the_front_are_told_where_machines_are_alike() -> None:
    here, there = {"fingerprint": "m"}, {"fingerprint": "n"}
    slow = repeated("resnet", 0.95, training_seconds=50.0, machine=here)
    fast = repeated("mlp", 0.9, training_seconds=5.0, machine=here)
    beaten = repeated("lstm", 0.8, training_seconds=6.0, machine=here)
    board = leaderboard([*slow, *fast, *beaten]).boards[0]
    assert [row.on_front for row in board.rows] == [True, True, False]
    elsewhere = repeated("svm", 0.7, training_seconds=1.0, machine=there)
    board = leaderboard([*slow, *fast, *elsewhere]).boards[0]
    assert [row.on_front for row in board.rows] == [None] * 3


def test_a_picture_of_very_many_boards_draws_the_first(tmp_path: Path) -> None:
    from PIL import Image

    def height(boards: int) -> int:
        runs = [run(f"{n}", 0.9, data=f"set{n:02}", config_hash=f"{n}") for n in range(boards)]
        leaderboard(runs).write(tmp_path)
        with Image.open(tmp_path / "leaderboard.png") as picture:
            return picture.height

    assert height(30) == pytest.approx(height(24), rel=0.05)


def test_the_cost_is_linear_in_runs() -> None:
    def seconds(count: int) -> float:
        runs = [
            run(f"{n}", 0.9 + n % 7 / 100, backbone=f"net{n // 3}", seed=n % 3, started=f"{n:06}")
            for n in range(count)
        ]
        before = time.process_time()
        board = leaderboard(runs).boards[0]
        assert len(board.rows) == count // 3
        return time.process_time() - before

    seconds(300)  # what is imported and cached once
    # Sixteen times the time for four times the runs, were it quadratic.
    assert min(seconds(4800) for _ in range(2)) < 8 * max(seconds(1200), seconds(1200))


def test_the_order_of_the_records_does_not_matter(records: list[RunRecord], tmp_path: Path) -> None:
    for number, record in enumerate(records):
        record.started = f"2026-01-0{number + 1}"
    written = []
    for order in (records, records[::-1]):
        paths = leaderboard(order).write(tmp_path)
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]


def test_units_to_the_target_are_told_where_examples_stand_for_other_numbers_of_them() -> None:
    def reached(examples: float, units: float) -> dict[str, float]:
        clocks = {"training_seconds": 1.0, "wall_seconds": 1.0}
        return {"step": 5, "examples": examples, "units": units, **clocks}

    def headings(units: float) -> str:
        runs = [
            run("a", 0.9, reached=reached(100, 50), unit="environment step"),
            run("b", 0.9, backbone="lstm", reached=reached(100, units), unit="environment step"),
        ]
        return markdown(leaderboard(runs))

    assert "environment steps to target" in headings(20)
    assert "environment steps to target" not in headings(50)
