"""Do the intervals cover, and do the gates stay quiet? On simulated runs of known truth.

    python -m benchmarks.coverage

Every line is a share of 2,000 repeats, with a standard error of half a point at 95%. What is
simulated are runs: accuracies over seeds that are normal, skewed (one bad seed now and then:
exponential) or counted on 360 test items, and speeds.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from suite.record import RunRecord
from suite.report.aggregate import aggregate, interquartile_mean
from suite.report.board import board_of
from suite.report.comparison import UNCLEAR, compare
from suite.report.convergence import acceptance
from suite.report.gate import findings
from suite.report.groups import Group, groups_of
from suite.report.repeats import repeats

Draw = Callable[[np.random.Generator, int, float, float], NDArray[np.float64]]


def normal(rng: np.random.Generator, n: int, mean: float, sd: float) -> NDArray[np.float64]:
    return rng.normal(mean, sd, n)


def skewed(rng: np.random.Generator, n: int, mean: float, sd: float) -> NDArray[np.float64]:
    return mean + sd * (1 - rng.exponential(size=n))


def counted(rng: np.random.Generator, n: int, mean: float, sd: float) -> NDArray[np.float64]:
    return np.round(rng.normal(mean, sd, n) * 360) / 360


DRAWS: dict[str, Draw] = {"normal": normal, "skewed": skewed, "counted": counted}
SIZES = (3, 5, 10)


def share(count: int, total: int) -> str:
    return f"{count / total:6.1%}"


def line(*cells: str) -> None:
    print("  ".join([f"{cells[0]:<52}", *(f"{cell:>8}" for cell in cells[1:])]), flush=True)


def means(times: int, rng: np.random.Generator) -> None:
    line("95% interval of a mean (Student's t)", *(f"n={n}" for n in SIZES))
    for name, draw in DRAWS.items():
        cells = []
        for n in SIZES:
            inside = 0
            for _ in range(times):
                interval = repeats(draw(rng, n, 0.9, 0.01).tolist()).interval
                inside += interval is not None and interval[0] <= 0.9 <= interval[1]
            cells.append(share(inside, times))
        line(f"  {name}", *cells)


def differences(times: int, rng: np.random.Generator) -> None:
    line("95% interval of a difference", *(f"n={n}" for n in SIZES))
    for way in ("paired by seed", "Welch, other seeds, three times the spread"):
        for name, draw in DRAWS.items():
            cells = []
            for n in SIZES:
                inside = 0
                for _ in range(times):
                    spread = 0.03 if way.startswith("Welch") else 0.01
                    # What a seed does to both: data order, the split.
                    shared = rng.normal(0, 0.01, n) if way.startswith("paired") else 0.0
                    first = dict(enumerate(draw(rng, n, 0.92, spread) + shared))
                    start = 0 if way.startswith("paired") else 100
                    second = dict(enumerate(draw(rng, n, 0.90, 0.01) + shared, start))
                    one = compare(first, second, direction="maximize")
                    assert one.low is not None
                    assert one.high is not None
                    inside += one.low <= 0.02 <= one.high
                cells.append(share(inside, times))
            line(f"  {way}, {name}", *cells)


LEVELS = {
    "4 tasks far apart": ((0.6, 0.8, 0.9, 1.0), (0.02,) * 4),
    "4 tasks alike": ((0.9,) * 4, (0.02,) * 4),
    "4 tasks of other spreads": ((0.85, 0.88, 0.9, 0.92), (0.01, 0.02, 0.04, 0.08)),
    "10 tasks": (tuple(np.linspace(0.8, 1, 10)), (0.03,) * 10),
}


def aggregates(times: int, rng: np.random.Generator) -> None:
    line("95% interval of the interquartile mean", *(f"n={n}" for n in SIZES))
    for place, (levels, spreads) in LEVELS.items():
        for name in ("normal", "skewed"):
            draw = DRAWS[name]
            many = [draw(rng, 200_000, *one) for one in zip(levels, spreads, strict=True)]
            truth = float(interquartile_mean(np.concatenate(many)))
            ours, percentiles = [], []
            for n in SIZES:
                inside = plain = 0
                for seed in range(times):
                    runs = [draw(rng, n, *one) for one in zip(levels, spreads, strict=True)]
                    one = aggregate([r.tolist() for r in runs], resamples=400, seed=seed)
                    assert one.low is not None
                    assert one.high is not None
                    inside += one.low <= truth <= one.high
                    low, high = percentile(runs, rng)
                    plain += low <= truth <= high
                ours.append(share(inside, times))
                percentiles.append(share(plain, times))
            line(f"  {place}, {name}", *ours)
            line("    percentiles of the bootstrap, for comparison", *percentiles)


def percentile(
    runs: Sequence[NDArray[np.float64]], rng: np.random.Generator
) -> tuple[float, float]:
    drawn = [one[rng.integers(0, len(one), (400, len(one)))] for one in runs]
    low, high = np.quantile(interquartile_mean(np.concatenate(drawn, axis=1)), [0.025, 0.975])
    return float(low), float(high)


def group(name: str, values: Sequence[float], speeds: Sequence[float]) -> Group:
    runs = [
        RunRecord(
            run_id=f"{name}{seed}", name=name, status="finished", task="t", data="d",
            backbone=name, optimizer="adamw", seed=seed, group_hash=name,
            config_hash=f"{name}{seed}", primary="accuracy", direction="maximize",
            metrics={"test/accuracy": float(value)}, machine={"fingerprint": "m"},
            throughput={"examples_per_second": float(speed)},
        )
        for seed, (value, speed) in enumerate(zip(values, speeds, strict=True))
    ]  # fmt: skip
    (made,) = groups_of(runs)
    return made


def boards(times: int, rng: np.random.Generator) -> None:
    line("boards of equal rows on which any is called worse", *(f"n={n}" for n in SIZES))
    for rows in (2, 3, 6, 12):
        cells = []
        for n in SIZES:
            wrong = 0
            for _ in range(times // 4):
                groups = [
                    group(str(row), normal(rng, n, 0.9, 0.01).tolist(), [1.0] * n)
                    for row in range(rows)
                ]
                _, *others = board_of(groups).rows
                told = [row.against_best.verdict for row in others if row.against_best]
                wrong += any(word != UNCLEAR for word in told)
            cells.append(share(wrong, times // 4))
        line(f"  {rows} rows ({times // 4} repeats)", *cells)


def pairs(
    rng: np.random.Generator, n: int, draw: Draw, count: int
) -> Iterator[tuple[Group, Group]]:
    """Yield a group and its own repeats, with other values of the same distributions."""
    for number in range(count):
        sides = [
            group(name, draw(rng, n, 0.9, 0.01).tolist(), rng.normal(100, 3, n).tolist())
            for name in "ab"
        ]
        first, second = (replace(side, data=f"d{number}") for side in sides)
        yield first, second


def gates(times: int, rng: np.random.Generator) -> None:
    line("gates that hold back unchanged code", *(f"n={n}" for n in SIZES))
    for count, margin in ((1, 0.0), (4, 0.0), (1, "10%")):
        for name, draw in DRAWS.items():
            cells = []
            for n in SIZES:
                alarms = 0
                for _ in range(times):
                    found = findings(
                        list(pairs(rng, n, draw, count)), margins={"examples_per_second": margin}
                    )
                    alarms += any(one.worse for one in found)
                cells.append(share(alarms, times))
            line(f"  {2 * count} metrics, margin of speed {margin}, {name}", *cells)


def convergences(times: int, rng: np.random.Generator) -> None:
    line("repeats of the reference that its acceptance turns away", "too fast", "too slow")
    for reference, runs, drop in ((10, 5, 1), (20, 10, 1), (3, 3, 0), (10, 10, 0)):
        fast = slow = 0
        for _ in range(times):
            accepted = acceptance(normal(rng, reference, 100, 5).tolist(), runs=runs, drop=drop)
            word = accepted.verdict(normal(rng, runs, 100, 5).tolist())
            fast, slow = fast + (word == "too fast"), slow + (word == "too slow")
        told = f"  {reference} and {runs} runs, {drop} dropped at each end"
        line(told, share(fast, times), share(slow, times))


PARTS = {
    "means": means,
    "differences": differences,
    "aggregates": aggregates,
    "boards": boards,
    "gates": gates,
    "convergences": convergences,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--repeats", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    for name in chosen.parts or PARTS:
        PARTS[name](chosen.repeats, np.random.default_rng(chosen.seed))
        print()


if __name__ == "__main__":
    main()
