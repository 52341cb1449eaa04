"""What `triathlon report` costs by the number of runs: leaderboard and page, with journals.

    python -m benchmarks.report_scale

Each size in a process of its own, over synthetic records with journals of 40 rows each. Two shapes:
many groups (three seeds each) on the embedded sets, or many boards of twelve groups. Read: records
from disk; board: statistics, leaderboard files and picture; page: journals of what is shown, and
report.html.
"""

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np

from suite.record import RunRecord, read_records
from suite.report.leaderboard import leaderboard
from suite.report.page.document import write_page
from suite.report.reference import Reference
from suite.tracking.journal import Journal, read_journal

SIZES = (1_000, 3_000, 10_000)
ROWS, SEEDS = 40, 3


def records(count: int, shape: str) -> list[RunRecord]:
    rng = np.random.default_rng(0)
    sets = Reference.read().sets
    made = []
    for number in range(count):
        group, seed = divmod(number, SEEDS)
        one = sets[group % len(sets)]
        board = 0 if shape == "groups" else group // (12 * len(sets))
        entrant = group // len(sets) % (12 if shape == "boards" else count)
        name = f"{one.data}{board or ''}"
        sign = 1 if one.direction == "maximize" else -1
        quality = one.quality - sign * (entrant % 40) / 500 - sign * float(rng.normal(0, 0.01))
        missed = rng.random() < 0.1
        made.append(
            RunRecord(
                run_id=f"{number:06}",
                name="",
                status="finished",
                started=f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}",
                task=one.task,
                data=name,
                backbone=f"net{entrant % 7}",
                optimizer="adamw",
                seed=seed,
                overrides=[f"optimizer.lr={entrant}"],
                config={"trainer": {"batch_size": 64}},
                config_hash=f"{group:08x}-{seed}",
                group_hash=f"{group:08x}",
                data_card={"name": name, "fingerprint": one.fingerprint, "sizes": {"test": 500}},
                machine={"fingerprint": "d922f8e50a0c"},
                unit="example",
                primary=one.metric,
                direction=one.direction,
                metrics={f"test/{one.metric}": quality},
                intervals={f"test/{one.metric}": (quality - 0.01, quality + 0.01, "Wilson score")},
                directions={one.metric: one.direction},
                target={"metric": one.metric, "threshold": one.target, "direction": one.direction},
                reached=None if missed else {
                    "step": 100, "examples": float(rng.uniform(5e3, 2e5)),
                    "training_seconds": float(rng.uniform(2, 60)), "wall_seconds": 70.0,
                },
                training_seconds=float(rng.uniform(5, 100)),
                throughput={"examples_per_second": 900.0, "units_per_second": 900.0},
                model={"parameters": 1e5},
            )
        )  # fmt: skip
    return made


def keep(record: RunRecord, folder: Path) -> None:
    """Write a run's folder: record and journal."""
    drawn = random.Random(record.run_id)
    journal = Journal(folder)
    journal.start(record)
    for row in range(1, ROWS + 1):
        value = 1 - 1 / (1 + row) + drawn.gauss(0, 0.01)
        validation = {f"validation/{record.primary}": value, "time/training_seconds": 1.5 * row}
        training = {"train/loss": 1 / row, "throughput/examples_per_second": 900.0}
        journal.metrics(10 * row, validation if row % 4 == 0 else training)
    journal.end(record)


def measure(count: int, shape: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for record in records(count, shape):
            keep(record, folder / "runs" / record.run_id)
        marks = [time.perf_counter()]
        found = read_records(folder)
        marks.append(time.perf_counter())
        board = leaderboard(found)
        board.write(folder)
        marks.append(time.perf_counter())
        page = write_page(
            board,
            found,
            folder / "runs",
            lambda path: (event for event, _ in read_journal(path)),
            folder / "report.html",
        )
        marks.append(time.perf_counter())
        seconds = [later - before for before, later in pairwise(marks)]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        times = "  ".join(f"{one:7.2f}" for one in (*seconds, sum(seconds)))
        size = page.stat().st_size / 1e6
        print(f"{shape:<7}{count:>7}  {times}  {sum(seconds) / count * 1000:9.2f}  {peak:7.0f}  "
              f"{size:7.2f}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs=2, metavar=("COUNT", "SHAPE"))
    only = parser.parse_args().only
    if only:
        measure(int(only[0]), only[1])
        return
    print("shape     runs   read s  board s   page s    all s  s by 1000  peak MB  page MB")
    for shape in ("groups", "boards"):
        for count in SIZES:
            command = [sys.executable, "-m", "benchmarks.report_scale", "--only", str(count), shape]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
