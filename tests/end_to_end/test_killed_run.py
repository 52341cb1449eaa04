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


def test_every_killed_run_ends_bit_identical(embedded, embedded_name, cache, tmp_path):
    script = Path(__file__).parent / "killing.py"
    overrides = [*embedded[embedded_name], *SHORT]
    done = subprocess.run(
        [sys.executable, str(script), str(KILLS), str(tmp_path), *overrides],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["same"] == KILLS, (told, done.stderr[-4000:])
    assert told["killed"] >= KILLS, told
    assert told["during_a_write"] >= 3, told
