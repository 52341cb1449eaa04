"""Rounds of all contenders in turn, each in a process of its own that stays for all workloads."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.peers.contenders import CONTENDERS
from benchmarks.peers.workloads import WARM_UP

SECONDS, MOST = 1.0, 300
FEWEST = {"plain": 24, "same": 10}
"""Of a round: how long, and steps at most and at least. Where contenders have batches of their own,
a few are not like all."""


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest of the rounds."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Speed:
    """A contender on a workload. cpu_ms, wall_ms: of a step. per_cpu_second: examples."""

    cpu_ms: Spread
    wall_ms: Spread
    per_cpu_second: Spread
    rounds: tuple[Mapping[str, float], ...]


class Workers:
    """One process for each contender, all in one form ("plain" or "same")."""

    def __init__(self, form: str, folder: Path, names: Sequence[str] = tuple(CONTENDERS)) -> None:
        self.folder, self.form = folder, form
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        self.processes = {
            name: subprocess.Popen(
                [sys.executable, "-m", "benchmarks.peers.worker", name, form, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            for name in names
        }

    def ask(self, name: str, workload: str, steps: int, times: int = 1) -> Mapping[str, float]:
        """Let a contender train, on each example `times` times an epoch; return its figures."""
        process = self.processes[name]
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(
            json.dumps({"workload": workload, "steps": steps, "times": times}) + "\n"
        )
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            log = self.folder / f"{name}-{self.form}.log"
            raise RuntimeError(f"{name} died on {workload}: {log.read_text()[-2000:]}")
        figures: Mapping[str, float] = json.loads(answer)
        return figures

    def close(self) -> None:
        for process in self.processes.values():
            process.communicate()


def race(
    workers: Workers, workload: str, rounds: int, steps: int | None = None
) -> dict[str, Speed]:
    """Return the speed of each contender on a workload; the first round is left out."""
    names = list(workers.processes)
    steps = steps or length(workers, names[0], workload)
    seen: dict[str, list[Mapping[str, float]]] = {name: [] for name in names}
    for turn in range(rounds + 1):
        # Each begins a round in turn, so that none always follows the same one.
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seen[name].append(workers.ask(name, workload, steps))
    return {name: speed_of(figures[1:]) for name, figures in seen.items()}


def length(workers: Workers, name: str, workload: str) -> int:
    """Return how many steps make a round."""
    tried = workers.ask(name, workload, WARM_UP + 10)["wall_seconds_per_step"]
    return WARM_UP + min(max(round(SECONDS / tried), FEWEST[workers.form]), MOST)


def speed_of(rounds: Sequence[Mapping[str, float]]) -> Speed:
    return Speed(
        cpu_ms=Spread.of([1e3 * each["cpu_seconds_per_step"] for each in rounds]),
        wall_ms=Spread.of([1e3 * each["wall_seconds_per_step"] for each in rounds]),
        per_cpu_second=Spread.of(
            [each["examples_per_step"] / each["cpu_seconds_per_step"] for each in rounds]
        ),
        rounds=tuple(rounds),
    )
