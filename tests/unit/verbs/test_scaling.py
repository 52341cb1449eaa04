"""`triathlon scaling` by what it prints and writes, on records with planted laws."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.errors import ConfigError, DataError
from suite.record import RunRecord
from suite.verbs.scaling import main

PEOPLE = {"kind": "human", "metric": "accuracy", "name": "people", "value": 0.985, "source": "x"}


def write(results: Path, name: str, seed: int, error: float, **changes: Any) -> Path:
    values: dict[str, Any] = {
        "run_id": f"{name}-{seed}",
        "name": name,
        "status": "finished",
        "task": "image_recognition",
        "data": "digits",
        "backbone": "resnet",
        "optimizer": "adamw",
        "seed": seed,
        "config_hash": f"{name}-{seed}",
        "group_hash": name,
        "primary": "accuracy",
        "direction": "maximize",
        "metrics": {"test/accuracy": 1 - error, "test/loss": 3 * error},
        "references": [PEOPLE],
        "examples": 1000,
        "steps": 100,
        "training_seconds": 3.0,
    }
    folder = results / "runs" / f"{name}-{seed}"
    folder.mkdir(parents=True)
    RunRecord(**(values | changes)).write(folder)
    return folder


def data_runs(results: Path) -> None:
    rng = np.random.default_rng(0)
    for backbone in ("resnet", "svm"):
        for n in (60, 200, 700, 2_000, 7_000, 20_000):
            for seed in range(3 if backbone == "resnet" else 1):
                error = 6 * n**-0.6 + 0.01 if backbone == "resnet" else 1.2 * n**-0.33
                changes: dict[str, Any] = {
                    "backbone": backbone,
                    "config": {"data": {"train_examples": n}, "loss": {"smoothing": 0.1}},
                    "data_card": {"name": f"digits, {n} examples", "whole": "digits",
                                  "fingerprint": str(n), "sizes": {"train": n, "test": 3_000}},
                    "model": {"parameters": 100.0, "training_flops_per_example": 600.0},
                    "examples": 30 * n,
                    "hand_made": {"features": "pixels"} if backbone == "svm" else {},
                }  # fmt: skip
                noisy = min(0.9, error * float(np.exp(rng.normal(0, 0.05))))
                write(results, f"{backbone}{n}", seed, noisy, **changes)


def width_runs(results: Path) -> None:
    rng = np.random.default_rng(1)
    for width in (16, 32, 64, 128, 256, 512):
        parameters = 300.0 * width + 2 * width * width
        for seed in range(2):
            steps = np.unique(np.geomspace(20, 20_000, 20).astype(int))
            loss = 0.2 + 30 / parameters**0.5 + 60 / (steps * 64) ** 0.45
            loss *= np.exp(rng.normal(0, 0.01, len(steps)))
            folder = write(
                results, f"w{width}", seed, 0.1, config={"backbone": {"width": width}},
                data_card={"name": "digits", "fingerprint": "all"},
                metrics={"validation/loss": loss[-1], "test/loss": loss[-1]},
                model={"parameters": parameters, "training_flops_per_example": 6 * parameters},
                examples=20_000 * 64, steps=20_000,
            )  # fmt: skip
            lines = [
                {"event": "metrics", "time": 0, "step": int(s), "values": {"validation/loss": v}}
                for s, v in zip(steps, loss, strict=True)
            ]
            (folder / "journal.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")


def test_laws_crossings_people_and_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data_runs(tmp_path)
    assert main([str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "svm on pixels is better with few training examples and resnet + adamw with many" in said
    assert "the loss is smoothed (0.1)" in said
    told = json.loads((tmp_path / "scaling.json").read_text())
    sections = {one["name"]: one for one in told["sections"]}
    assert list(sections) == ["laws", "crossings", "people", "costs"]
    first = sections["laws"]["numbers"]["studies"][0]
    assert (first["data"], first["model"], first["over"]) == (
        "digits",
        "resnet + adamw",
        "examples",
    )
    assert first["law"]["exponent"]["low"] < 0.6 < first["law"]["exponent"]["high"]
    assert first["law"]["limit"]["low"] < 0.01 < first["law"]["limit"]["high"]
    people = sections["people"]["numbers"]["people"][0]
    assert people["needed"]["low"] < (6 / 0.005) ** (1 / 0.6) < (people["needed"]["high"] or 1e99)
    flops = next(c for c in sections["costs"]["numbers"]["costs"] if c["name"] == "training FLOPs")
    assert flops["exponent"]["value"] == pytest.approx(1, abs=1e-6)
    picture = (tmp_path / "scaling.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    page = (tmp_path / "scaling.md").read_text()
    assert "![scaling.png](scaling.png)" in page
    assert "| digits | resnet + adamw |" in page


def test_equal_compute_from_journals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    width_runs(tmp_path / "results")
    given = ["backbone=resnet", "--over", "flops", "--results", str(tmp_path / "results")]
    assert main([*given, "--to", str(tmp_path / "to")]) == 0
    assert "best parameters ∝ FLOPs^" in capsys.readouterr().out
    told = json.loads((tmp_path / "to" / "scaling.json").read_text())
    (compute,) = [one for one in told["sections"] if one["name"] == "compute"]
    found = compute["numbers"]["compute"]
    # Planted: 0.45 / (0.5 + 0.45); the parabola is that to a few hundredths.
    assert found["exponent"]["value"] == pytest.approx(0.45 / 0.95, abs=0.05)
    assert "along runs" in compute["tables"][0]["title"]
    assert (tmp_path / "to" / "scaling_compute.png").is_file()
    assert not (tmp_path / "results" / "scaling.json").exists()


def test_results_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there; name a results folder"):
        main(["--results", str(tmp_path / "none")])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--over", "width"], "width: 0 sizes"),
        (["backbone=svm", "--metric", "acuracy"], "did you mean 'test/accuracy'"),
        (["--leave-out", "-1"], "--leave-out -1: give 0 or more"),
        (["backbone=lstm"], "no run has backbone=lstm"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, given: list[str], told: str) -> None:
    data_runs(tmp_path)
    with pytest.raises((ConfigError, DataError), match=told):
        main(["--results", str(tmp_path), *given])


def rate_runs(results: Path) -> None:
    """Adam good over two decades of the rate, SGD over one; at the highest SGD failed."""
    for optimizer, best in (("adam", {1e-3, 1e-2, 1e-1}), ("sgd", {1e-1, 1.0})):
        for lr in (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0):
            for seed in range(3):
                good, failed = lr in best, optimizer == "sgd" and lr == 10
                write(
                    results, f"{optimizer}{lr:g}", seed, 0.1, optimizer=optimizer,
                    status="failed" if failed else "finished",
                    config={"optimizer": {"lr": lr}, "trainer": {"steps": 150}},
                    data_card={"name": "digits", "fingerprint": "all"},
                    metrics={} if failed else {"validation/accuracy": 0.95 if good else 0.4},
                    target={"metric": "accuracy", "threshold": 0.9, "direction": "maximize"},
                    reached={"step": 40 + 10 * seed} if good else None,
                )  # fmt: skip


def test_learning_rates_by_optimizer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rate_runs(tmp_path)
    assert main([str(tmp_path), "--over", "rate"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "How much the learning rate matters, by optimizer: resnet on digits" in said
    assert "adam: nearly as good over 2.1 (2.1 to 2.1) decades" in said
    (section,) = json.loads((tmp_path / "scaling.json").read_text())["sections"]
    choices = section["numbers"]["choices"]
    assert choices["adam"]["converged"]["value"] == pytest.approx(0.5)
    assert choices["sgd"]["converged"]["value"] == pytest.approx(1 / 3)
    assert choices["sgd"]["decades"]["value"] == pytest.approx(1.036, abs=0.01)
    assert choices["adam"]["reached"]["value"] == 50
    assert (tmp_path / "optimizer_sensitivity.png").read_bytes().startswith(b"\x89PNG")


def test_learning_rates_that_nobody_tried_are_refused(tmp_path: Path) -> None:
    width_runs(tmp_path)
    with pytest.raises(DataError, match="no 3 learning rates of runs that differ in nothing else"):
        main([str(tmp_path), "--over", "rate"])
