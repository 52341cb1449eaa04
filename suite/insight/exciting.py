"""What excites units most, at several depths, and how selective units become with depth.

Shown are, at each depth, the units with the largest class selectivity index; what is measured is
the mean index of all, beside that of untrained networks.

Legend: L layers.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np

from suite.figures import png
from suite.insight.effects import Effect
from suite.insight.excited import chosen_units, show
from suite.insight.finding import Finding, Table
from suite.insight.selective import ByDepth, selectivity_by_depth
from suite.insight.subject import Subject
from suite.task import Figure, Split
from suite.trust.text import printable


def exciting(subject: Subject, examples: int = 400, controls: int = 2) -> Finding | None:
    """Show what excites the most selective units; None where examples have no label each.

    controls: untrained networks.
    """
    found = selectivity_by_depth(subject, examples, controls)
    if found is None:
        return None
    classes = [printable(str(name)) for name in getattr(subject.task, "classes", ())]
    units = chosen_units(found.layers, found.index, found.label_N)
    rows, figures = show(subject, Split.TEST, found.chosen, units, classes)
    headings = ["layer", "units", "trained", *(["untrained"] if found.fresh else [])]
    by_layer = [
        [layer.name, str(len(layer.unit_U)), *map(str, effects)]
        for layer, *effects in zip(
            found.layers, found.own, *([found.fresh] if found.fresh else []), strict=True
        )
    ]
    return Finding(
        name="exciting",
        title="What excites units",
        lines=_lines(found, controls),
        tables=[
            Table(title="Class selectivity by layer", headings=headings, rows=by_layer),
            Table(title="The most selective units, and what excites them most",
                  headings=("layer", "unit", "index", "class", "examples"), rows=rows),
        ],
        figures=[Figure("selectivity", _depth_png(found.own, found.fresh)), *figures],
        numbers={
            "layers": [layer.name for layer in found.layers],
            "selectivity": [effect.plain() for effect in found.own],
            "selectivity untrained": [effect.plain() for effect in found.fresh],
            "slopes": {name: effect.plain() for name, effect in found.slopes.items()},
            "units": rows,
        },
        metrics={f"slope_{n.replace(' - ', '_less_')}": e.value for n, e in found.slopes.items()},
    )  # fmt: skip


def _lines(found: ByDepth, controls: int) -> list[str]:
    lines = [
        f"Class selectivity of units changes by {found.slopes['trained']} from first layer to last "
        f"({len(found.chosen)} test examples; preferred class and index from different halves)."
    ]
    if found.fresh:
        gain = found.slopes["trained - untrained"]
        said = {
            "yes": "training made units more selective with depth",
            "no": "training made units less selective with depth",
            "unclear": "whether training changed that is open",
        }[gain.verdict]
        networks = "an untrained network" if controls == 1 else f"{controls} untrained networks"
        lines.append(f"Of {networks} by {found.slopes['untrained']}; difference {gain}: {said}.")
    lines.append("Intervals are over test examples for these networks, not over training runs.")
    return lines


def _depth_png(own: Sequence[Effect], fresh: Sequence[Effect]) -> bytes:
    canvas, axes = plt.subplots(figsize=(4.5, 3))
    for name, effects, colour in (("trained", own, "C0"), ("untrained", fresh, "0.6")):
        if effects:
            depth_L = np.linspace(0, 1, len(effects))
            axes.plot(depth_L, [e.value for e in effects], ".-", color=colour, label=name)
            low, high = [e.low for e in effects], [e.high for e in effects]
            axes.fill_between(depth_L, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.axhline(0, color="0.8", lw=0.8)
    axes.set_xlabel("depth (0: input, 1: output)")
    axes.set_ylabel("class selectivity index")
    axes.legend(fontsize=8)
    return png(canvas)
