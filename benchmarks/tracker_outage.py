"""What a tracker costs a run: a healthy server, one that is killed five times, one that is dead.

    python -m benchmarks.tracker_outage --rounds 8     # about ten minutes on two cores

Each round trains the same model, with a row of metrics for every step, without a tracker and with
each server in turn, all in one process and in another order each time. A step is measured from one
update of the optimizer to the next, so that journal, pipe and whatever else the training process
does for a tracker is in it. Printed are, of all steps of a run, the mean wall time, the wall time
that a fifth of them keeps within, and the mean CPU time: the medians of the rounds, and the median
ratio to the run without a tracker with a 95% interval of the mean ratio. Then how long the end of a
run waits for its tracker, and what of the rows is in the database.

Sender and server share this machine's cores with the training, the server at the lowest priority,
as it would be elsewhere: where no core is free, the mean says what the machine is short of, and the
quickest fifth what a step takes that nobody interrupts. CPU time is of the training process alone.
"""

import argparse
import io
import json
import math
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median, stdev

from benchmarks.killed_sweep import journal_rows

_DEATHS = 5
_WARM_UP = 50
NONE = "no tracker"
WAYS = (NONE, "healthy server", "killed 5 times", "dead server")
Clock = list[tuple[float, float]]


@dataclass(frozen=True)
class Measured:
    """A run: milliseconds of a step, seconds between its last step and its end, rows."""

    wall_ms: float
    quick_ms: float
    cpu_ms: float
    end_seconds: float
    rows: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=2000)
    chosen = parser.parse_args()
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    torch.set_num_threads(1)
    clock: Clock = []
    register_optimizer_step_post_hook(
        lambda *_: clock.append((time.perf_counter(), time.process_time()))
    )
    found: dict[str, list[Measured]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        # The first round pays for what is loaded once.
        for number in range(chosen.rounds + 1):
            first = number % len(WAYS)
            for way in WAYS[first:] + WAYS[:first]:
                measured = measure(way, Path(folder) / f"{number}-{WAYS.index(way)}", chosen, clock)
                print(f"round {number}: {way}: {measured}", file=sys.stderr, flush=True)
                if number:
                    found[way].append(measured)
    show(found)


def measure(way: str, folder: Path, chosen: argparse.Namespace, clock: Clock) -> Measured:
    from suite.compose import compose
    from suite.run import run

    results = folder / "results"
    with tracker(way, results, chosen.steps) as options:
        config = compose(
            ["task=image_recognition", "backbone=mlp", "backbone.width=64", "trainer.epochs=null",
             f"trainer.steps={chosen.steps}", f"trainer.evaluate_every={chosen.steps}",
             "trainer.log_every=1", "hardware=cpu_single", f"results={results}", *options,
             "tracking.figures=false", "tracking.log_model=false"]
        )  # fmt: skip
        clock.clear()
        with redirect_stdout(io.StringIO()):
            record = run(config)
        ended = time.perf_counter()
    (wall, cpu), (wall_end, cpu_end) = clock[_WARM_UP], clock[-1]
    steps = len(clock) - 1 - _WARM_UP
    each = sorted(b - a for (a, _), (b, _) in pairwise(clock[_WARM_UP:]))
    return Measured(
        1e3 * (wall_end - wall) / steps,
        1e3 * each[len(each) // 5],
        1e3 * (cpu_end - cpu) / steps,
        ended - wall_end,
        audit(results, record.run_id),
    )


@contextmanager
def tracker(way: str, results: Path, steps: int) -> Iterator[list[str]]:
    """Have a tracker there; yield the overrides that name it."""
    if way == NONE:
        yield ["tracking=none"]
        return
    if way == "dead server":
        with socket.socket() as probe:  # bound and not listening: whoever knocks is refused
            probe.bind(("127.0.0.1", 0))
            yield [f"tracking.uri=http://127.0.0.1:{probe.getsockname()[1]}"]
        return
    from suite.tracking.store import connect, default_uri

    connect(results, default_uri(results))
    command = [sys.executable, str(Path(__file__).with_name("mortal_server.py"))]
    command += [default_uri(results), (results / "served").as_uri()]
    if way == "killed 5 times":
        command += ["--deaths", str(_DEATHS), "--seconds", "0.6"]
    with (results / "server.log").open("w") as log:
        server = subprocess.Popen(
            ["nice", "-n", "19", *command],
            stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
    assert server.stdout is not None
    try:
        yield [f"tracking.uri=http://127.0.0.1:{int(server.stdout.readline())}"]
    finally:
        os.killpg(server.pid, 9)
        server.communicate()


def audit(results: Path, run: str) -> str:
    """Return how many rows the database has, and lacks or has twice."""
    if not (results / "mlflow.db").exists():
        return ""
    with sqlite3.connect(f"file:{results / 'mlflow.db'}?mode=ro", uri=True) as database:
        here = Counter(database.execute("SELECT key, step FROM metrics"))
    told = Counter(journal_rows(results / "runs" / run / "journal.jsonl"))
    state = json.loads((results / "runs" / run / "tracking.json").read_text())
    lost, twice = (told - here).total(), (here - told).total()
    return f"{here.total()} rows, lost {lost}, twice {twice}{'' if state['done'] else ', unsent'}"


def show(found: dict[str, list[Measured]]) -> None:
    columns = {"mean wall": "wall_ms", "quickest fifth": "quick_ms", "CPU": "cpu_ms"}
    print(f"{'ms a step':<16}" + "".join(f"{name:>34}" for name in columns))
    for way, rounds in found.items():
        cells = []
        for column in columns.values():
            here = [getattr(one, column) for one in rounds]
            there = [getattr(one, column) for one in found[NONE]]
            ratios = [a / b for a, b in zip(here, there, strict=True)]
            cells.append(f"{median(here):8.3f} × {median(ratios):.3f} ({interval(ratios)})")
        print(f"{way:<16}" + "".join(f"{cell:>34}" for cell in cells))
    for way, rounds in found.items():
        waited = median(one.end_seconds for one in rounds)
        print(f"{way}: {waited:.1f} s from the last step to the end; {rounds[-1].rows}")


def interval(ratios: Sequence[float]) -> str:
    from scipy import stats

    if len(ratios) < 2 or stdev(ratios) == 0:
        return "-"
    half = stats.t.ppf(0.975, len(ratios) - 1) * stdev(ratios) / math.sqrt(len(ratios))
    return f"{fmean(ratios) - half:.3f} to {fmean(ratios) + half:.3f}"


if __name__ == "__main__":
    main()
