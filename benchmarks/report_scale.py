"""What `triathlon report` costs by the number of runs: leaderboard and page, with journals.

    python -m benchmarks.report_scale

Each size in a process of its own, over synthetic records (`benchmarks.many_records`) with journals
of 40 rows each. Read: records from disk; board: statistics, leaderboard files and picture; page:
journals of what is shown, and report.html.
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

from benchmarks.many_records import records
from suite.record import RunRecord, read_records
from suite.report.leaderboard import leaderboard
from suite.report.page.document import write_page
from suite.tracking.journal import Journal, read_journal

SIZES = (1_000, 3_000, 10_000)
ROWS = 40


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
