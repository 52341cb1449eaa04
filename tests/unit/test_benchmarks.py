"""The benchmarks run; what they measure is not looked at here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu.models import KINDS, MODELS, NUMBERS, cells
from benchmarks.gpu.page import page
from benchmarks.gpu.training import Settings
from suite.compose import compose

ROOT = Path(__file__).parents[2]
STEPS = 18
NAMES = ("image/empty", "image/tiny", "text/tiny", "speech/tiny")


@pytest.mark.parametrize("form", ["plain", "same"])
@pytest.mark.parametrize("contender", ["bare loop", "triathlon"])
def test_a_contender_that_needs_no_peer_trains(contender, form, tmp_path):
    asked = [{"workload": name, "steps": STEPS} for name in NAMES]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.worker", contender, form, str(tmp_path)],
        input="\n".join(map(json.dumps, asked)) + "\n",
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    logs = [path.read_text() for path in tmp_path.glob("*.log")]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(asked), (done.stderr, logs)
    for answer in answers:
        assert answer["steps"] == STEPS
        assert 0 < answer["examples_per_step"] <= 64
        assert answer["cpu_seconds_per_step"] > 0


def test_every_model_and_form_of_the_accelerator_composes():
    settings = Settings(Path("digits"), "cuda", steps=60, seconds=2.5)
    made = [cell for kind in KINDS for cell in cells(kind, every=True)]
    assert {cell.model for cell in made} == set(MODELS)
    assert {cell.number for cell in made} == set(NUMBERS)
    of_each_model = {cell.model: cell for cell in made}
    for cell in of_each_model.values():
        config = compose([*settings.overrides(), *cell.overrides(settings.digits)])
        assert config.trainer.max_seconds == 2.5
    assert len({cell.name for cell in made}) == len(made)


def test_page_tells_what_failed_and_goes_on():
    failed, measured = cells("image")[:2]
    rows = [
        {**vars(failed), "error": "OutOfMemoryError: too | much"},
        {
            **vars(measured), "parameters": 2e6, "first_loss": 2.0, "last_loss": 1.5, "seconds": 4,
            "throughput": {
                "examples_per_second": 1234.5, "step_seconds_p50": 0.002,
                "step_seconds_p99": 0.003, "data_stall_share": 0.25, "mfu": 0.5,
            },
            "memory": {"device_peak_bytes": 2**31}, "energy": {"joules_per_example": 0.125},
            "techniques": {"deterministic": "on: every operation"},
        },
    ]  # fmt: skip
    checks = [{"question": "it holds", "model": "a", "held": False, "note": "why"}]
    told = page({"processor": "a card"}, {"torch": "2", "python": "3"}, rows, checks)
    assert "| OutOfMemoryError: too \\| much |" in told
    assert "| 2.0 M | 1,234 | 2.00 | 3.00 | 50.0% | 2.00 | 0.1250 | 25.0% |" in told
    assert "| it holds | a | **no** | why |" in told
