"""`triathlon compare` by what it prints and the code it exits with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.errors import ConfigError, DataError
from suite.record import RunRecord
from suite.verbs.compare import main


def runs(backbone: str, mean: float, n: int = 4, speed: float = 100.0, **changes: Any) -> Any:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.004, (n, 2))
    for seed in range(n):
        values: dict[str, Any] = {
            "run_id": f"{backbone}-{seed}",
            "name": "",
            "status": "finished",
            "task": "image_recognition",
            "data": "digits",
            "backbone": backbone,
            "optimizer": "adamw",
            "seed": seed,
            "config": {"trainer": {"batch_size": 64, "accumulate": 1}},
            "config_hash": f"{backbone}-{seed}",
            "group_hash": f"{backbone}-group",
            "data_card": {"name": "digits", "fingerprint": "f"},
            "primary": "accuracy",
            "direction": "maximize",
            "metrics": {"test/accuracy": mean + noise[seed, 0]},
            "machine": {"fingerprint": "m"},
            "throughput": {"examples_per_second": speed * (1 + noise[seed, 1])},
            "target": {"metric": "accuracy", "threshold": 0.9, "direction": "maximize"},
            "reached": {"step": 10 + seed % 2, "examples": 640 + 64 * (seed % 2)},
        }
        yield RunRecord(**(values | changes))


def write(folder: Path, *made: Any) -> Path:
    for one in (run for many in made for run in many):
        place = folder / "runs" / one.run_id
        place.mkdir(parents=True)
        one.write(place)
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write(tmp_path / "base", runs("mlp", 0.95), runs("lstm", 0.93, speed=30.0))


def later(tmp_path: Path, *made: Any) -> Path:
    renamed = ((replace(run, run_id=f"new-{run.run_id}") for run in many) for many in made)
    return write(tmp_path / "new", *renamed)


def test_two_choices_side_by_side(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbone=mlp", "backbone=lstm", "--results", str(base)]) == 0
    said = capsys.readouterr().out
    first, second = (line.split() for line in said.splitlines() if line.startswith("digits"))
    assert first == [
        *"digits mlp + adamw lstm + adamw accuracy".split(),
        *first[8:-5],
        *"-0.0200 -0.0200 to -0.0200 worse".split(),
    ]
    assert second[-5:] == ["-70.0%", *second[-4:-1], "worse"]
    assert "paired by seed" in said
    assert "words: two-sided at 5%, corrected for 2 comparisons" in said
    assert "examples_per_second 0.1 of A" in said


def test_unchanged_code_passes_the_gate(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = later(tmp_path, runs("mlp", 0.951), runs("lstm", 0.93, speed=29.0))
    assert main([str(base), str(new), "--gate"]) == 0
    said = capsys.readouterr().out
    assert "gate: B is not worse than A beyond what variance explains" in said
    assert said.count("passes") == 4


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"mean": 0.94}, "digits: accuracy"),
        ({"mean": 0.95, "speed": 80.0}, "digits: examples_per_second"),
        ({"mean": 0.94, "speed": 80.0}, "digits: accuracy, digits: examples_per_second"),
    ],
)
def test_a_regression_exits_with_one(
    base: Path,
    tmp_path: Path,
    changed: dict[str, float],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = later(tmp_path, runs("mlp", **changed), runs("lstm", 0.93, speed=30.0))
    assert main([str(base), str(new), "--gate"]) == 1
    said = capsys.readouterr().out
    assert f"gate: B is worse than A by {told}" in said
    assert "worse (p=" in said
    # A margin that is wider than the change lets it pass; without a gate nothing is held back.
    wide = ["--margin", "0.02", "--margin", "examples_per_second=30%"]
    assert main([str(base), str(new), "--gate", *wide]) == 0
    assert main([str(base), str(new)]) == 0


def test_what_could_not_be_judged_does_not_pass(base: Path, tmp_path: Path) -> None:
    one = later(tmp_path, runs("mlp", 0.95))
    with pytest.raises(ConfigError, match=r"could not judge digits: lstm \+ adamw \(not in B\)"):
        main([str(base), str(one), "--gate"])
    assert main(["backbone=mlp", str(one), "--gate", "--results", str(base)]) == 0


def test_too_few_runs_do_not_pass(base: Path, tmp_path: Path) -> None:
    few = later(tmp_path, runs("mlp", 0.95, 2))
    with pytest.raises(ConfigError, match=r"accuracy \(too few runs, three are needed\)"):
        main(["backbone=mlp", str(few), "--gate", "--results", str(base)])


def test_speeds_of_another_machine_are_left_out(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = later(tmp_path, runs("mlp", 0.95, speed=1.0, machine={"fingerprint": "n"}))
    given = ["backbone=mlp", str(new), "--gate", "--results", str(base)]
    assert main(given) == 0
    assert "not compared: machines m and n are not alike" in " ".join(
        capsys.readouterr().out.split()
    )
    with pytest.raises(ConfigError, match="could not judge digits: examples_per_second"):
        main([*given, "--metric", "examples_per_second"])


def test_convergence_is_checked_as_mlperf_does(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = {"reached": {"step": 3, "examples": 192}}
    new = later(tmp_path, runs("mlp", 0.95), runs("lstm", 0.93, **quick))
    assert main([str(base), str(new), "--convergence"]) == 0
    said = capsys.readouterr().out
    assert "convergence on digits: mlp + adamw: accepted; examples to the target" in said
    assert "convergence on digits: lstm + adamw: too fast" in said
    other = write(
        tmp_path / "other",
        (
            replace(run, run_id=f"o{run.seed}", config={"trainer": {"batch_size": 32}})
            for run in runs("mlp", 0.95)
        ),
    )
    assert main(["backbone=mlp", str(other), "--convergence", "--results", str(base)]) == 0
    assert "not compared, batches of 64 and 32 examples" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--margin", "much"], "--margin much: give a number of 0 or more"),
        (["--margin", "accuracy=-1"], "give a number of 0 or more"),
        (["--margin", "nan"], "give a number of 0 or more"),
        (["--margin", "speed=1"], "--margin speed=1.0: is not compared"),
        (["--metric", "acuracy"], "did you mean 'accuracy'"),
        (["--results", "a", "--results", "b"], "give it once, or twice"),
    ],
)
def test_bad_input_is_named(base: Path, given: list[str], told: str) -> None:
    with pytest.raises((ConfigError, DataError), match=told):
        main(["backbone=mlp", "backbone=lstm", "--results", str(base), *given])
