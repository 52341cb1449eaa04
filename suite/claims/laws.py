"""Claims about the laws of scaling: that they foretell, who gains more from data, and people."""

from collections.abc import Sequence

from suite.claims.cells import SEEDS, Cell, cell
from suite.claims.claim import Claim, Effect, Measured
from suite.claims.pictures import curves
from suite.claims.ran import Done, Ran
from suite.claims.scaling import DATA, exponent
from suite.claims.sets import ClaimSet
from suite.config import ReferenceKind
from suite.insight.curve import Curve
from suite.insight.extrapolation import foretell
from suite.insight.power_law import power_law

_SHALLOW = "shallow"


def _points(runs: Sequence[Done]) -> list[tuple[float, float]]:
    return sorted((float(str(run.cell.axes["size"])), run.error) for run in runs)


def _foretells(one: ClaimSet, ran: Ran) -> list[Measured]:
    close, told = [], []
    for runs in ran.by_seed("data").values():
        curve = Curve.of({size: [error] for size, error in _points(runs)})
        found = foretell(power_law(curve, resamples=50), 1)
        if found is None:
            note = f"{len(curve.size_S)} sizes are too few for a law of all but the largest"
            return [Measured(set=one.name, effect=None, note=note)]
        close.append(1 - abs(found.error))
        told.append(f"{found.predicted.value:.3f} foretold, {found.measured:.3f} measured")
    note = "test error at the largest size by seed: " + "; ".join(told)
    return [Measured(set=one.name, effect=Effect.over_seeds(close), note=note)]


def _deep_and_shallow_cells(one: ClaimSet) -> list[Cell]:
    if not one.shallow:
        return []
    shallow = [
        Cell(
            study=_SHALLOW,
            axes={"size": size},
            seed=0,
            overrides=(*one.shallow, f"{one.sizes.key}={size}"),
        )
        for size in one.sizes.values
    ]
    return [*DATA.cells(one), *shallow]


def _gains_more(one: ClaimSet, ran: Ran) -> list[Measured]:
    if not one.shallow:
        return []
    shallow = _points(ran.of(_SHALLOW))
    theirs = exponent(*zip(*shallow, strict=True))
    deep = [_points(runs) for runs in ran.by_seed("data").values()]
    more = [exponent(*zip(*points, strict=True)) - theirs for points in deep]
    last = [points[-1][1] for points in deep]
    picture = curves(
        f"deep_and_shallow-{one.name}",
        {"network": deep, "hand-made features": [shallow]},
        x="training examples",
        y="test error",
        log=True,
    )
    return [
        Measured(
            set=one.name,
            effect=Effect.over_seeds(more),
            note=(
                f"exponent of the shallow model {theirs:.3f}; test error at the largest size "
                f"{sum(last) / len(last):.3f} and {shallow[-1][1]:.3f} shallow"
            ),
            numbers={"deep_by_seed": deep, "shallow": shallow},
            figures=(picture,),
        )
    ]


def _people_cells(one: ClaimSet) -> list[Cell]:
    return [cell(one, "people", seed) for seed in SEEDS]


def _people(one: ClaimSet, ran: Ran) -> list[Measured]:
    runs = ran.of("people")
    record = runs[0].record
    humans = [
        reference
        for reference in record.references
        if reference["kind"] == ReferenceKind.human.value and reference["metric"] == record.primary
    ]
    if not humans:
        note = "nobody has published how well people do on this test split"
        return [Measured(set=one.name, effect=None, note=note)]
    best = max if record.direction == "maximize" else min
    human = best(float(reference["value"]) for reference in humans)
    error = human if record.direction == "minimize" else 1 - human
    effect = Effect.over_seeds([error - run.error for run in runs])
    return [Measured(set=one.name, effect=effect, note=f"people's error is {error:.3f}")]


FORETELLS = Claim(
    name="a_law_foretells",
    text="A power law of the smaller sizes foretells the largest",
    experiment=(
        "L(n) = E + A n^-α is fitted to the test errors of one seed at all sizes of the training "
        "set but the largest, which it has to foretell."
    ),
    quantity="1 less the relative difference of the measured test error to the foretold one",
    margin=0.75,
    reason="within a quarter it is good enough to plan by",
    change="more sizes and seeds, or sizes that reach the floor of the error",
    cells=DATA.cells,
    measure=_foretells,
)
GAINS_MORE = Claim(
    name="deep_gains_more_from_data",
    text="Deep networks gain more from data than shallow models on hand-made features",
    experiment=(
        "Networks and support vector machines are trained on the same nested subsets of the "
        "training split."
    ),
    quantity="exponent of the network's error over training examples, less the shallow model's",
    margin=0.0,
    reason="any difference that seeds do not explain counts; the shallow model has no seed",
    change="features by hand that suit the task less well, larger networks, or more data",
    cells=_deep_and_shallow_cells,
    measure=_gains_more,
)
PEOPLE = Claim(
    name="people",
    text="Deep networks reach people",
    experiment="Test errors are held against the best published one of people on the same split.",
    quantity="people's error less the network's",
    margin=0.0,
    reason="like people is within the interval, better is beyond it",
    change="sets that people were tested on, as Fashion-MNIST and CIFAR-10 are",
    cells=_people_cells,
    measure=_people,
)
