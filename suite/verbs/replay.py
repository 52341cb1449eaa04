"""`triathlon replay RUN`: makes a step of a run again and looks inside."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from suite.replay import Replayed
    from suite.training.faults import Fault, Numbers
    from suite.training.inspection import Inspection

_EXAMPLES, _LAYERS = 10, 40
"""Rows of a table at most."""


def main(arguments: list[str]) -> int:
    """Make a step again, by default the last one whose loss or gradient was not finite: which
    module it arises in, in which examples, and the gradient's norm by layer.

    What was not kept is trained again, up to that step, exactly as the run did.
    """
    parser = argparse.ArgumentParser("triathlon replay", description=main.__doc__)
    parser.add_argument("run", help="name of the run's folder")
    parser.add_argument("--step", type=int, help="any other step, to look at a spike")
    parser.add_argument("--results", type=Path, default=Path("results"))
    chosen = parser.parse_args(arguments)
    results = chosen.results.resolve()
    from suite.resumption import folder_of

    folder_of(results, chosen.run)  # before torch is imported
    from suite.replay import replay

    replayed = replay(results, chosen.run, chosen.step)
    from rich.console import Console

    _show(Console(highlight=False), replayed)
    return 0


def _show(console: "Console", replayed: "Replayed") -> None:
    found = replayed.found
    trainer = replayed.training.config
    shown = [
        f"step {found.step}: loss {found.loss:.6g}, gradient norm {found.norm:.6g} "
        f"(trainer.clip_norm={'null' if trainer.clip_norm is None else trainer.clip_norm})",
        f"numbers: {replayed.number}; weights: {replayed.source}",
    ]
    if replayed.told:
        shown.append(f"the run said: {replayed.told}")
    if found.broken:
        shown.append(f"not finite before this step: {', '.join(found.broken[:5])}; look earlier")
    shown += _fault_lines("forward", found.forward, "every output is finite")
    if found.forward is None or found.backward is not None:
        shown += _fault_lines("backward", found.backward, "every gradient is finite")
    if (found.forward or found.backward) and math.isfinite(found.loss + found.norm):
        shown.append("nothing came of it: loss and gradient are finite")
    for line in shown:
        console.print(line, markup=False, soft_wrap=True)
    for name, fault in (("forward", found.forward), ("backward", found.backward)):
        if fault is not None:
            console.print(_numbers(f"{name}: {fault.module}", fault))
    console.print(_examples(found, getattr(replayed.training.task, "classes", ())))
    console.print(_layers(found))


def _fault_lines(way: str, fault: "Fault | None", none: str) -> list[str]:
    if fault is None:
        return [f"{way}: {none}"]
    behind = f"; finite last at {fault.behind}" if fault.behind else ""
    return [f"{way}: first not finite in {fault.module} ({fault.kind}): {fault.where}{behind}"]


def _numbers(title: str, fault: "Fault") -> "Table":
    from rich.table import Table

    table = Table(title=title)
    for column in ("tensor", "shape"):
        table.add_column(column, overflow="fold")
    for column in ("least", "largest", "mean", "not finite"):
        table.add_column(column, justify="right")
    for kind, several in (("", fault.inputs), ("weights: ", fault.parameters)):
        for numbers in several:
            table.add_row(*_row(kind, numbers))
    return table


def _row(kind: str, numbers: "Numbers") -> Sequence[str]:
    values = (numbers.least, numbers.largest, numbers.mean)
    shape = " x ".join(map(str, numbers.shape))
    return (f"{kind}{numbers.name}", shape, *(f"{one:.4g}" for one in values), str(numbers.wrong))


def _examples(found: "Inspection", classes: Sequence[str]) -> "Table":
    """Return what is wrong among the examples; where nothing is, those with the largest loss."""
    from rich.table import Table

    wrong = [one for one in found.examples if not one.sound]
    told = [one for one in found.examples if one.loss is not None]
    shown = wrong or sorted(told, key=lambda one: one.loss or 0.0, reverse=True)
    title = "examples that are not finite" if wrong else "examples with the largest loss"
    more = len(shown) - _EXAMPLES
    table = Table(title=title, caption=f"and {more} others" if more > 0 else None)
    for column in ("batch", "example", "label", "loss", "input"):
        table.add_column(column, justify="right" if column == "loss" else "left", overflow="fold")
    for one in shown[:_EXAMPLES]:
        label = "" if one.label is None else str(one.label)
        if one.label is not None and 0 <= one.label < len(classes):
            label = f"{label} ({classes[one.label]})"
        loss = "" if one.loss is None else f"{one.loss:.6g}"
        names = f"not finite: {', '.join(one.wrong)}" if one.wrong else "finite"
        table.add_row(str(one.batch), str(one.index), label, loss, names)
    return table


def _layers(found: "Inspection") -> "Table":
    from rich.table import Table

    more = len(found.layers) - _LAYERS
    kept = found.layers
    if more > 0:
        # NaN first, then the largest.
        largest = sorted(kept, key=lambda one: (one[2] == one[2], -one[2]))[:_LAYERS]
        kept = [one for one in kept if one in largest]
    caption = f"and {more} with smaller gradients" if more > 0 else None
    table = Table(title="gradient by layer", caption=caption)
    table.add_column("layer", overflow="fold")
    for column in ("weights", "norm of gradient", "norm of weights"):
        table.add_column(column, justify="right")
    for name, weights, norm, own in kept:
        table.add_row(name, f"{weights:,}", f"{norm:.4g}", f"{own:.4g}")
    return table
