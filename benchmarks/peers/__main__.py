"""Measure the suite beside its peers: `python -m benchmarks.peers --to results/benchmarks`.

Three quarters of an hour on two cores; peers have to be installed (`make benchmark` does that).
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.peers import sections
from benchmarks.peers.page import read, write
from benchmarks.peers.speed import Speed, speed_of
from benchmarks.peers.workloads import CPU
from suite.hardware.machine import describe_machine

PARTS: dict[str, Callable[[Path, int], sections.Part]] = {
    "plain": sections.plain,
    "same": sections.same,
    "empty": sections.empty,
    "tracked": sections.tracked,
    "cold": sections.cold,
    "jobs": sections.jobs,
    "grown": sections.grown,
}


def main() -> None:
    parser = argparse.ArgumentParser("benchmarks.peers", description=__doc__)
    parser.add_argument("--to", type=Path, default=Path("results/benchmarks"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, help="other parts of the page stay")
    chosen = parser.parse_args()
    parts = read(chosen.to) if chosen.only else {}
    with tempfile.TemporaryDirectory(prefix="peers-") as made:
        folder = Path(made)
        for name in chosen.only or PARTS:
            parts[name] = PARTS[name](folder, chosen.rounds)
            if name == "same":
                parts["utilisation"] = sections.utilisation(folder, _speeds(parts["same"]))
            write(chosen.to, parts, describe_machine(CPU), chosen.rounds)
            print(f"{name}: written to {chosen.to / 'benchmarks.md'}", flush=True)


def _speeds(part: sections.Part) -> dict[str, dict[str, Speed]]:
    return {
        workload: {name: speed_of(rounds) for name, rounds in contenders.items()}
        for workload, contenders in part.figures.items()
    }


if __name__ == "__main__":
    main()
