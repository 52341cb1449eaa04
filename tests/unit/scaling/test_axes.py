from typing import Any

import pytest

from suite.record import RunRecord
from suite.scaling.axes import AXES, flops_of, ladders, refusal


def run(name: str, seed: int = 0, **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "run_id": f"{name}-{seed}",
        "name": name,
        "status": "finished",
        "task": "image_recognition",
        "data": "digits",
        "backbone": "mlp",
        "optimizer": "adamw",
        "seed": seed,
        "config_hash": f"{name}-{seed}",
        "group_hash": name,
        "primary": "accuracy",
        "data_card": {"name": "digits", "fingerprint": "f", "sizes": {"train": 1200}},
        "config": {
            "data": {"path": "x"}, "backbone": {"width": 64}, "seed": seed,
            "hardware": {"threads": seed}, "trainer": {"steps": 100},
        },
    }  # fmt: skip
    return RunRecord(**(values | changes))


def of_examples(n: int, seed: int = 0, steps: int = 100) -> RunRecord:
    card = {
        "name": f"digits, {n} examples", "whole": "digits", "fingerprint": f"f{n}",
        "sizes": {"train": n},
    }  # fmt: skip
    config = {
        "data": {"path": f"x{seed}", "train_examples": n}, "backbone": {"width": 64},
        "trainer": {"steps": steps}, "hardware": {"threads": seed},
    }  # fmt: skip
    return run(f"{n}/{steps}".replace("/", "-"), seed, data_card=card, config=config)


def of_width(width: int, **changes: Any) -> RunRecord:
    config = {"data": {}, "backbone": {"width": width}, "trainer": {"steps": 100}}
    return run(f"w{width}", config=config, **changes)


def test_runs_that_differ_in_size_and_seed_make_a_ladder() -> None:
    records = [of_examples(n, seed) for n in (300, 30, 100) for seed in (1, 0)]
    (found,) = ladders(records, AXES["examples"])
    assert list(found.runs) == [30, 100, 300]
    assert [run.seed for run in found.runs[30]] == [0, 1]
    assert (found.data, found.label) == ("digits", "mlp + adamw")
    assert ladders(records, AXES["width"]) == []


def test_other_settings_make_other_ladders_with_names_that_tell_them_apart() -> None:
    records = [of_examples(n, steps=steps) for n in (30, 100, 300) for steps in (100, 200)]
    found = ladders(records, AXES["examples"])
    assert [one.label for one in found] == [
        "mlp + adamw trainer.steps=100",
        "mlp + adamw trainer.steps=200",
    ]


def test_two_versions_of_the_data_are_not_mixed_unless_that_is_what_varies() -> None:
    other = {"name": "digits", "fingerprint": "g", "sizes": {"train": 1200}}
    records = [of_width(8), of_width(16), of_width(32, data_card=other)]
    assert ladders(records, AXES["width"]) == []
    assert len(ladders([*records, of_width(64)], AXES["width"])) == 1


def test_compute_is_counted_over_the_run() -> None:
    model = {"parameters": 10.0, "training_flops_per_example": 60.0}
    records = [of_width(8 * 2**k, model=model, examples=100 * 2**k) for k in range(3)]
    (found,) = ladders(records, AXES["flops"])
    assert list(found.runs) == [6_000, 12_000, 24_000]
    assert flops_of(of_width(8)) is None


def test_failed_and_repeated_runs_do_not_count() -> None:
    failed = of_width(128, status="failed")
    assert ladders([of_width(8), of_width(16), failed], AXES["width"]) == []
    again = of_width(8, started="2026-02-01", metrics={"test/accuracy": 0.5})
    (found,) = ladders([of_width(8), again, of_width(16), of_width(32)], AXES["width"])
    assert [run.metrics for run in found.runs[8]] == [{"test/accuracy": 0.5}]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ((100, 200, 400), r"examples: 3 sizes, but runs also differ in trainer.steps \(3 values\)"),
        ((100, 100), "examples: 2 sizes"),
    ],
)
def test_a_refusal_names_what_else_differs(steps: tuple[int, ...], told: str) -> None:
    records = [of_examples(30 * 2**at, steps=each) for at, each in enumerate(steps)]
    assert ladders(records, AXES["examples"]) == []
    with pytest.raises(Exception, match=told):
        raise refusal(records, [AXES["examples"]])
