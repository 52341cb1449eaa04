"""Claims about training: that it converges, that what is learned holds, and what matters in it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from suite.claims import looks
from suite.claims.cells import SEEDS, Cell, cell
from suite.claims.claim import Claim, Effect, Measured
from suite.claims.pictures import curves
from suite.claims.ran import Done, Ran
from suite.claims.sets import ClaimSet
from suite.insight.sensitivity import Trial, wider_by
from suite.task import Direction
from suite.tracking.journal import read_journal

_RATES, _LOSSES, _SWITCHES = "rates", "losses", "switches"
_NEAR = 0.05
"""Accuracy by which a learning rate may be worse than the best and still be as good."""
_ROBUST, _OTHER = "adamw", "sgd"


def _rate_cells(one: ClaimSet) -> list[Cell]:
    return [
        cell(one, _RATES, seed, optimizer=name, rate=rate, axes={"optimizer": name, "rate": rate})
        for name, rates in one.rates.items()
        for rate in rates
        for seed in SEEDS
    ]


def training_losses(one: Done) -> list[tuple[int, float]]:
    """Return the logged training losses of a run, by step."""
    return [
        (int(event["step"]), float(event["values"]["train/loss"]))
        for event, _ in read_journal(one.folder / "journal.jsonl")
        if event["event"] == "metrics" and "train/loss" in event["values"]
    ]


def _converges(one: ClaimSet, ran: Ran) -> list[Measured]:
    found = []
    for name in one.rates:
        best = ran.best(_RATES, "rate", optimizer=name)
        logged = [training_losses(run) for run in best]
        gone = [1 - losses[-1][1] / losses[0][1] for losses in logged]
        found.append(
            Measured(
                set=one.name,
                part=name,
                effect=Effect.over_seeds(gone),
                note=f"learning rate {best[0].cell.axes['rate']}, the best on validation",
                numbers={"losses_by_seed": logged},
            )
        )
    lines = {one.part: one.numbers["losses_by_seed"] for one in found}
    picture = curves(f"converges-{one.name}", lines, x="steps", y="training loss", log=True)
    found[-1] = Measured(**{**vars(found[-1]), "figures": (picture,)})
    return found


def _base_cells(one: ClaimSet) -> list[Cell]:
    return [cell(one, "base", seed, looks=(looks.CHANCE,)) for seed in SEEDS]


def _generalises(one: ClaimSet, ran: Ran) -> list[Measured]:
    runs = ran.of("base")
    chances = [float(run.looked[looks.CHANCE]["chance"]) for run in runs]
    above = [run.quality - chance for run, chance in zip(runs, chances, strict=True)]
    numbers = {"quality": [run.quality for run in runs], "chance": chances[0]}
    return [Measured(set=one.name, effect=Effect.over_seeds(above), numbers=numbers)]


def _line_cells(one: ClaimSet) -> list[Cell]:
    return [cell(one, "base", seed, looks=(looks.LINE,)) for seed in SEEDS]


def _downhill(one: ClaimSet, ran: Ran) -> list[Measured]:
    seen = [run.looked[looks.LINE] for run in ran.of("base")]
    effect = Effect.over_seeds([float(found["downhill"]) for found in seen])
    walked = [[(float(x), float(y)) for x, y in found["losses"]] for found in seen]
    picture = curves(
        f"downhill-{one.name}",
        {"training loss": walked},
        x="share of the way from first to best weights",
        y="training loss",
    )
    return [Measured(set=one.name, effect=effect, figures=(picture,))]


def _robust(one: ClaimSet, ran: Ran) -> list[Measured]:
    if not {_ROBUST, _OTHER} <= one.rates.keys():
        return []
    points = {
        name: [
            sorted((float(str(run.cell.axes["rate"])), run.error) for run in runs)
            for runs in ran.by_seed(_RATES, optimizer=name).values()
        ]
        for name in one.rates
    }
    wider = []
    for runs in ran.by_seed(_RATES).values():
        trials = [
            Trial(
                choice=str(run.cell.axes["optimizer"]),
                lr=float(str(run.cell.axes["rate"])),
                seed=run.cell.seed,
                value=run.quality,
            )
            for run in runs
        ]
        found = wider_by(trials, _ROBUST, _OTHER, direction=Direction.MAXIMIZE, within=_NEAR)
        wider.append(found.value)
    picture = curves(f"rates-{one.name}", points, x="learning rate", y="test error", log=True)
    return [
        Measured(
            set=one.name,
            effect=Effect.over_seeds(wider),
            numbers={"points_by_seed": points},
            figures=(picture,),
        )
    ]


def _loss_cells(one: ClaimSet) -> list[Cell]:
    return [
        cell(one, _LOSSES, seed, f"loss={loss}", rate=rate, axes={"loss": loss, "rate": rate})
        for loss in one.losses
        for rate in one.rates[one.optimizer]
        for seed in SEEDS
    ]


def _cross_entropy(one: ClaimSet, ran: Ran) -> list[Measured]:
    if not one.losses:
        return []
    first, second = (ran.best(_LOSSES, "rate", loss=loss) for loss in one.losses)
    better = [a.quality - b.quality for a, b in zip(first, second, strict=True)]
    note = ", ".join(
        f"{loss} at {runs[0].cell.axes['rate']}: {np.mean([run.quality for run in runs]):.3f}"
        for loss, runs in zip(one.losses, (first, second), strict=True)
    )
    return [Measured(set=one.name, effect=Effect.over_seeds(better), note=note)]


def _switch_cells(*names: str) -> Any:
    def cells(one: ClaimSet) -> list[Cell]:
        return [
            cell(one, _SWITCHES, seed, *one.plain[name], axes={"kind": name})
            for name in names
            if name in one.plain
            for seed in SEEDS
        ]

    return cells


def _switch(with_it: str, without: str) -> Any:
    def measure(one: ClaimSet, ran: Ran) -> Sequence[Measured]:
        if not {with_it, without} <= one.plain.keys():
            return []
        own, other = ran.of(_SWITCHES, kind=with_it), ran.of(_SWITCHES, kind=without)
        better = [a.quality - b.quality for a, b in zip(own, other, strict=True)]
        means = [float(np.mean([run.quality for run in runs])) for runs in (own, other)]
        note = f"{means[0]:.3f} with, {means[1]:.3f} without"
        return [Measured(set=one.name, effect=Effect.over_seeds(better), note=note)]

    return measure


CONVERGES = Claim(
    name="converges",
    text="Training with SGD, Adam or Muon converges",
    experiment=(
        "Networks are trained with each optimizer over four learning rates; that of the best "
        "validation is looked at."
    ),
    quantity="share of the first logged training loss that is gone at the end",
    margin=0.5,
    reason="what leaves half of the loss has hardly begun",
    change="learning rates all too small or too large, or a loss that starts at its floor",
    cells=_rate_cells,
    measure=_converges,
)
GENERALISES = Claim(
    name="generalises",
    text="What is learned holds for examples never seen",
    experiment="Networks are tested once, on a split that had no part in training or choosing.",
    quantity="test accuracy (one less the character error rate) above that of the commonest class",
    margin=0.1,
    reason="a tenth is above what leaks of labels or luck bring on these sets",
    change="labels that do not follow from the inputs, as where they are shuffled",
    cells=_base_cells,
    measure=_generalises,
)
DOWNHILL = Claim(
    name="downhill",
    text="No hill stands between the first weights and the best",
    experiment=(
        "The training loss is taken along the straight line from the weights that training began "
        "with to the best, as Goodfellow et al. 2015 did."
    ),
    quantity="share of the loss's fall that it does not climb on the way",
    margin=0.9,
    reason="a climb of a tenth of the whole fall would be seen in a picture of it",
    change="larger learning rates, deeper networks, or batch normalisation, whose way bends more",
    cells=_line_cells,
    measure=_downhill,
)
ROBUST = Claim(
    name="adam_is_less_sensitive",
    text="Adam is less sensitive to its learning rate than SGD",
    experiment="The runs of all learning rates, each optimizer's over the same number of decades.",
    quantity=(
        "decades of learning rates within 0.05 of the optimizer's best test accuracy, AdamW's less "
        "SGD's"
    ),
    margin=0.0,
    reason="any difference that seeds do not explain counts",
    change="no normalisation or clipping of gradients, which both make SGD less sensitive",
    cells=_rate_cells,
    measure=_robust,
)
CROSS_ENTROPY = Claim(
    name="cross_entropy",
    text="Cross-entropy learns classes better than mean squared error",
    experiment=(
        "Networks are trained with either loss over the learning rates of one optimizer; of each "
        "that of the best validation is tested."
    ),
    quantity="test accuracy with cross-entropy less that with mean squared error, by seed",
    margin=0.005,
    reason="half a point is less than a choice of seed makes on the smaller sets",
    change="longer training or other optimizers (Hui and Belkin 2021 find them on a par)",
    cells=_loss_cells,
    measure=_cross_entropy,
)
RESIDUAL = Claim(
    name="residual",
    text="Residual connections are what lets deep networks learn",
    experiment="A deep network is trained with its residual connections and without them.",
    quantity="test accuracy (one less the character error rate) with less without, by seed",
    margin=0.02,
    reason="two points are beyond what a seed makes",
    change="shallower networks, other initial weights, or a learning rate chosen for either",
    cells=_switch_cells("deep", "without_residual"),
    measure=_switch("deep", "without_residual"),
)
NORMALISED = Claim(
    name="normalised",
    text="Normalisation is what lets deep networks learn",
    experiment="A deep network is trained with its normalisation and without it.",
    quantity="test accuracy (one less the character error rate) with less without, by seed",
    margin=0.02,
    reason="two points are beyond what a seed makes",
    change="shallower networks, other initial weights, or a learning rate chosen for either",
    cells=_switch_cells("deep", "without_normalisation"),
    measure=_switch("deep", "without_normalisation"),
)
