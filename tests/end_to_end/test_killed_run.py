"""A run that is killed at any moment and resumed ends with the bits of one that was not.

`TRIATHLON_KILLS=25` kills as many of each set; alone it is 12, six of them where it hurts most.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

KILLS = int(os.environ.get("TRIATHLON_KILLS", "12"))
SHORT = (
    "backbone=mlp", "backbone.width=16", "backbone.dropout=0.1", "trainer.epochs=null",
    "trainer.steps=24", "trainer.batch_size=16", "trainer.accumulate=2", "trainer.log_every=3",
    "trainer.evaluate_every=0.05", "trainer.ema_decay=0.9", "trainer.checkpoint.every_steps=5",
    "tracking.enabled=false", "tracking.figures=false", "hardware=cpu_single",
)  # fmt: skip


# A policy's batches come of its weights: what a kill undoes, it does over again.
ACTS = (
    "loss=dqn", "loss.learning_starts=32", "loss.act_every=16", "loss.updates=6",
    "loss.buffer=64", "loss.target_interval=4", "loss.exploration_steps=100",
)  # fmt: skip
KILLS_OF_A_POLICY = 8


def test_every_killed_run_ends_bit_identical(embedded, embedded_name, cache, tmp_path):
    _kill([*embedded[embedded_name], *SHORT], KILLS, tmp_path)


def test_killed_run_of_a_policy_ends_bit_identical(acting, cache, tmp_path):
    _kill([*acting["cartpole"], *SHORT, *ACTS], KILLS_OF_A_POLICY, tmp_path)


def _kill(overrides, kills, folder):
    """Require that runs which are killed end as the one that was not."""
    script = Path(__file__).parent / "killing.py"
    done = subprocess.run(
        [sys.executable, str(script), str(kills), str(folder), *overrides],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["same"] == kills, (told, done.stderr[-4000:])
    assert told["killed"] >= kills, told
    assert told["during_a_write"] >= 3, told
