"""The comparison with peers runs; what it measures is not looked at here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
