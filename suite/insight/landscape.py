"""What the loss looks like where a run trained: along a line, over a plane, and how curved."""

from typing import Any

from suite.insight.double import doubled, doubled_batch, in_double
from suite.insight.finding import Finding, Table
from suite.insight.landscape_pictures import line_png, plane_png
from suite.insight.line import MONOTONE, Barrier, Line, along, barrier
from suite.insight.plane import Map, Plane, loss_map, main_plane, random_plane
from suite.insight.sharpness import Curvature, curvature
from suite.insight.subject import Subject
from suite.insight.surface import Surface, dealt, retake, trained
from suite.task import Figure, Split

_FEWEST = 3
"""Sets of weights that it takes to find a plane through them."""


def landscape(
    subject: Subject,
    *,
    on_line: int = 192,
    points: int = 21,
    side: int = 11,
    curved: int = 32,
    iterations: int = 15,
) -> Finding | None:
    """Look at the loss around a run's way from its first weights to its best.

    on_line: examples of each split, for the line, and a third of them for the plane, which has
    side x side points. curved: examples for the curvature. None: nothing was trained.
    """
    start, best = trained(subject.started()), trained(subject.model)
    if not best:
        return None
    surface = Surface(subject.task, subject.model, examples=on_line)
    walked = along(surface, start, best, points=points)
    barriers = {split: barrier(line) for split, line in walked.items()}
    path = [{n: read()[n].to(w) for n, w in best.items()} for read in subject.snapshots.values()]
    whole = len(path) >= _FEWEST
    plane = main_plane(path, best) if whole else random_plane(best, seed=subject.seed)
    coarse = Surface(subject.task, subject.model, examples=max(on_line // 3, 1), parts=1)
    map_ = loss_map(coarse, plane, best, side=side)
    before, after = curvatures(subject, examples=curved, iterations=iterations)
    return Finding(
        name="landscape",
        title="The loss along the training and around it",
        lines=[
            *_of_line(barriers, surface),
            _of_plane(plane, len(subject.snapshots), coarse.examples(Split.TRAIN)),
            "The largest eigenvalue of the loss's Hessian was "
            f"{_told(before.largest, before.largest_within)} at the first weights and is "
            f"{_told(after.largest, after.largest_within)} at the best (n={curved} training "
            "examples).",
        ],
        tables=[_table(barriers), _curved(before, after)],
        figures=[
            Figure("loss_line", line_png(walked, subject.task.primary)),
            Figure("loss_plane", plane_png(plane, map_, list(subject.snapshots))),
        ],
        numbers=_numbers(walked, barriers, plane, map_, before, after),
        metrics={
            **{f"climb_{split.value}": one.climb for split, one in barriers.items()},
            "sharpness_before": before.largest,
            "sharpness_after": after.largest,
        },
    )


def curvatures(
    subject: Subject, *, examples: int = 32, iterations: int = 15
) -> tuple[Curvature, Curvature]:
    """Return how curved the training loss is at the first weights, and at the best."""
    task = subject.task
    (batch,) = (doubled_batch(b) for b in dealt(task, Split.TRAIN, examples, 1))
    found = []
    for given in (subject.started(), subject.model):
        model = doubled(given).eval()
        with in_double():
            retake(model, [batch])

        def loss(model: Any) -> Any:
            one = task.loss(model, batch)
            return one.total / max(one.count, 1)

        found.append(curvature(model, loss, iterations=iterations, seed=subject.seed))
    return found[0], found[1]


def _of_line(barriers: dict[Split, Barrier], surface: Surface) -> list[str]:
    lines = []
    for split, one in barriers.items():
        told = "falls all the way" if one.monotone else "does not fall all the way"
        if one.fall <= 0:
            told = "does not fall"
        lines.append(
            f"On the straight line from the first weights to the best the {split.value} loss "
            f"{told}: it climbs by {one.climb:.3g} (95% interval {one.low:.3g} to {one.high:.3g}, "
            f"n={surface.examples(split)} examples) and falls by {one.fall:.3g} in all; up to "
            f"{MONOTONE:.0%} of the fall counts as none."
        )
    if surface.normalises_batches:
        lines.append(
            "Statistics of batch normalisation are taken anew at every point, over the training "
            "examples; those of other weights would not fit."
        )
    return lines


def _of_plane(plane: Plane, snapshots: int, examples: int) -> str:
    if plane.random:
        return (
            f"The plane is spanned by two random directions of each filter's norm, as the run kept "
            f"{snapshots} sets of weights along its way (trainer.snapshots=10 keeps ten); "
            f"n={examples} training examples."
        )
    together, chance = sum(plane.explained), sum(plane.by_chance)
    return (
        f"Two directions hold {together:.0%} of the variance of the {snapshots} sets of weights "
        f"along the way; a walk of the same steps in unrelated directions would have {chance:.0%} "
        f"in two. The plane is through the best weights; n={examples} training examples."
    )


def _told(value: float, within: float) -> str:
    sure = within <= 0.005 * abs(value)
    return f"{value:.3g}" if sure else f"{value:.3g} (within {within:.1g})"


def _table(barriers: dict[Split, Barrier]) -> Table:
    rows = [
        (
            split.value,
            f"{one.fall:.4g}",
            f"{one.climb:.3g} ({one.low:.3g} to {one.high:.3g})",
            f"{one.above_chord:.3g}",
            "yes" if one.monotone else "no",
        )
        for split, one in barriers.items()
    ]
    headings = ("split", "fall", "climb (95% interval)", "above the chord", "falls all the way")
    return Table(title="Along the line", headings=headings, rows=rows)


def _curved(before: Curvature, after: Curvature) -> Table:
    rows = [
        (
            name,
            _told(one.largest, one.largest_within),
            _told(one.smallest, one.smallest_within),
            "second derivatives" if one.exact else "differences of gradients",
        )
        for name, one in (("first", before), ("best", after))
    ]
    headings = ("weights", "largest eigenvalue", "smallest eigenvalue", "from")
    return Table(title="Curvature of the training loss", headings=headings, rows=rows)


def _numbers(
    walked: dict[Split, Line],
    barriers: dict[Split, Barrier],
    plane: Plane,
    map_: Map,
    before: Curvature,
    after: Curvature,
) -> dict[str, Any]:
    return {
        "line": {
            split.value: {
                "shares": list(line.shares),
                "loss": line.losses,
                "primary": [height.primary for height in line.heights],
                **barriers[split].plain(),
            }
            for split, line in walked.items()
        },
        "plane": {
            "random": plane.random,
            "path": [list(place) for place in plane.path],
            "explained": list(plane.explained),
            "by_chance": list(plane.by_chance),
            "x": list(map_.x),
            "y": list(map_.y),
            "loss": [list(row) for row in map_.loss],
        },
        "curvature": {"first": vars(before), "best": vars(after)},
    }
