import pytest

from suite.compose import compose
from suite.hydra_errors import explain


def _explained(overrides):
    try:
        compose(overrides)
    except Exception as error:
        return explain(error, overrides)
    raise AssertionError("composed")


@pytest.mark.parametrize(
    ("overrides", "starts", "holds"),
    [
        (["backbone=resnt"], "backbone=resnt: no such backbone; did you mean 'resnet'?", "mlp"),
        (["task=imag"], "task=imag: no such task", "image_recognition, speech_recognition"),
        (["optimizer.lrr=1"], "optimizer.lrr: no such key; did you mean 'optimizer.lr'?", "beta1"),
        (["optimiser=adamw"], "optimiser: no such key; did you mean 'optimizer'?", "backbone"),
        (
            ["trainer.convergence.patiense=1"],
            "trainer.convergence.patiense: no such key; did you mean 'trainer.convergence.",
            "minimum_gain",
        ),
        (["optimizer.lr=abc"], "optimizer.lr=abc: Value 'abc'", "Float"),
        (["trainer.batch_size=2.5"], "trainer.batch_size=2.5: Value '2.5'", "Integer"),
        (["data.on_error=ignore"], "data.on_error=ignore: Invalid value 'ignore'", "[stop, skip]"),
        (["hardware.device=gpu"], "hardware.device=gpu: Invalid value 'gpu'", "[auto, cpu, cuda]"),
        (["seed="], "seed=: ", "Integer"),
        (
            ["task=speech_transcription", "data=librispeech", "data.train=train-clean-100"],
            "data.train=train-clean-100: must be a list",
            "write data.train=[…,…]",
        ),
        (["task"], "task: not an override", "write key=value"),
        (["schedule=null"], "schedule=null: a group cannot be null", "triathlon list"),
        (["x=[1,"], "x=[1,: not an override", "write key=value"),
    ],
    ids=str,
)  # fmt: skip
def test_line_names_the_key_the_value_and_the_nearest_right_one(overrides, starts, holds):
    line = _explained(overrides)
    assert line.startswith(starts)
    assert holds in line
    assert "\n" not in line
    assert "object_type" not in line
    assert "full_key" not in line


def test_error_of_someone_else_is_not_explained():
    assert explain(ValueError("no"), []) is None
    assert explain(KeyError("x"), ["task=x"]) is None


def test_sweep_without_multirun_is_explained():
    from hydra.errors import HydraException

    assert explain(ValueError("Sweep parameters requires --multirun\nx"), []) == (
        "Sweep parameters requires --multirun; x"
    )
    text = explain(HydraException("broken\nSet the environment variable HYDRA_FULL_ERROR=1"), [])
    assert text == "broken"
