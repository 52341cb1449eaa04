"""How often the intervals of a law of scaling hold what was planted, by simulation.

    python -m benchmarks.law_coverage [repeats]

Of curves E + A n^-α with noise of seeds, and of sizes as a whole: the share of repeats whose
intervals hold α, E, and the law at four times the largest size, and whose prediction there holds
what a new size gives; and how often a curve is said to fall or rise. 300 resamples each.
"""

import sys
from dataclasses import dataclass

import numpy as np

from suite.insight.curve import Curve
from suite.insight.power_law import power_law


@dataclass(frozen=True, kw_only=True)
class Case:
    limit: float
    scale: float
    exponent: float
    sizes: int
    largest: float
    seeds: int = 3
    noise: float = 0.05
    scatter: float = 0.0


CASES = (
    Case(limit=0.1, scale=3, exponent=0.5, sizes=7, largest=30_000, noise=0.03),
    Case(limit=0.0, scale=3, exponent=0.5, sizes=6, largest=1_200),
    Case(limit=0.02, scale=1, exponent=0.3, sizes=8, largest=60_000, scatter=0.05),
    Case(limit=0.1, scale=3, exponent=0.5, sizes=8, largest=30_000, seeds=1, noise=0.03),
    Case(limit=0.3, scale=0, exponent=0.0, sizes=6, largest=1_200),
    Case(limit=0.3, scale=0, exponent=0.0, sizes=6, largest=1_200, seeds=1),
    Case(limit=0.3, scale=0, exponent=0.0, sizes=6, largest=1_200, noise=0.02, scatter=0.05),
)


def measured(case: Case, repeats: int) -> dict[str, float]:
    rng = np.random.default_rng(0)
    sizes = np.geomspace(30, case.largest, case.sizes)
    further = 4 * case.largest

    def true(n: float) -> float:
        return float(case.limit + case.scale * n**-case.exponent)

    def runs(n: float) -> list[float]:
        off = rng.normal(0, case.scatter)
        return [true(n) * float(np.exp(off + rng.normal(0, case.noise))) for _ in range(case.seeds)]

    hits = {"α": 0, "E": 0, "law": 0, "new size": 0, "scaling": 0}
    for _ in range(repeats):
        law = power_law(Curve.of({n: runs(n) for n in sizes}), resamples=300)
        new = float(np.exp(np.log(runs(further)).mean()))
        hits["α"] += case.exponent in law.exponent
        hits["E"] += law.limit is not None and case.limit in law.limit
        hits["law"] += true(further) in law.at(further)
        hits["new size"] += new in law.predict(further, case.seeds)
        hits["scaling"] += law.scales
    return {name: count / repeats for name, count in hits.items()}


if __name__ == "__main__":
    for case in CASES:
        shares = measured(case, int(sys.argv[1]) if len(sys.argv) > 1 else 200)
        told = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
        print(f"{case}\n    {told}", flush=True)
