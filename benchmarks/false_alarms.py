"""How often the gate holds back what has not changed: real groups against their own repeats.

    triathlon -m backbone=mlp seed='range(0,40)' trainer.epochs=5 hardware=cpu_single
    python -m benchmarks.false_alarms results

Of each group with twelve runs or more, n runs are drawn for A and n others for B, without putting
back, many times. All are of one configuration, so every alarm is false. Speeds are drawn from all
runs alike, and also, where one day's speeds may differ from another's, as they came: A from the
first half and B from the second.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from suite.record import RunRecord, read_records
from suite.report.gate import findings
from suite.report.groups import Group, groups_of

SIZES = (3, 5, 10)
FEWEST = 12


def drawn(group: Group, runs: Sequence[RunRecord]) -> Group:
    """Return the group with these runs, renumbered so that pairs are of runs without a relation."""
    return replace(group, runs=tuple(replace(run, seed=at) for at, run in enumerate(runs)))


def alarms(
    group: Group, metric: str, n: int, margin: float | str, halves: bool, times: int
) -> float:
    rng = np.random.default_rng(0)
    runs = sorted(group.runs, key=lambda run: run.started)
    count = 0
    for _ in range(times):
        if halves:
            middle = len(runs) // 2
            first, second = rng.permutation(middle)[:n], middle + rng.permutation(middle)[:n]
        else:
            first, second = np.split(rng.permutation(len(runs))[: 2 * n], 2)
        pair = tuple(drawn(group, [runs[at] for at in side]) for side in (first, second))
        found = findings([(pair[0], pair[1])], metrics=[metric], margins={metric: margin})
        count += any(one.worse for one in found)
    return count / times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path)
    parser.add_argument("--repeats", type=int, default=2_000)
    chosen = parser.parse_args()
    for group in groups_of(read_records(chosen.results)):
        if len(group.runs) < FEWEST:
            continue
        sizes = [n for n in SIZES if 2 * n <= len(group.runs)]
        print(f"{group.data}: {group.name}, {len(group.runs)} runs")
        print(f"  {'false alarms by':<44}", *(f"{f'n={n}':>7}" for n in sizes))
        primary = group.runs[0].primary
        for metric, margin, halves in (
            (primary, 0.0, False),
            ("examples_per_second", 0.0, False),
            ("examples_per_second", 0.0, True),
            ("examples_per_second", "10%", True),
        ):
            told = f"{metric}, margin {margin}" + (", second half" if halves else "")
            shares = [alarms(group, metric, n, margin, halves, chosen.repeats) for n in sizes]
            print(f"  {told:<44}", *(f"{share:7.1%}" for share in shares), flush=True)


if __name__ == "__main__":
    main()
