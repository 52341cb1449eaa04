"""What excites units most, at several depths, and how selective units become with depth.

Shown are, at each depth, the units with the largest class selectivity index; what is measured is
the mean index of all, beside that of untrained networks.

Legend: N examples, U units, L layers, R resamples.
"""

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from suite.figures import png
from suite.insight.answers import AT_ONCE, Answers, answers
from suite.insight.effects import Effect, bootstrapped, slope
from suite.insight.excited import chosen_units, show
from suite.insight.finding import Finding, Table
from suite.insight.layers import choose
from suite.insight.selectivity import resampled_weights, selectivity
from suite.insight.subject import Subject
from suite.task import Figure, Split
from suite.trust.text import printable

_MOST_EXAMPLES = 1000


def exciting(subject: Subject, examples: int = 400, controls: int = 2) -> Finding | None:
    """Show what excites the most selective units; None where examples have no label each.

    controls: untrained networks.
    """
    task, split = subject.task, Split.TEST
    chosen = choose(task, split, min(examples, _MOST_EXAMPLES))
    if "label_B" not in task.take(split, chosen[:1]):
        return None
    label_N = np.concatenate(
        [task.take(split, chosen[i : i + AT_ONCE])["label_B"].cpu().numpy()
         for i in range(0, len(chosen), AT_ONCE)]
    )  # fmt: skip
    layers = answers(task, subject.model, split, chosen)
    if not layers:
        return None
    weight_RN = resampled_weights(len(chosen))
    index = {layer.name: selectivity(layer.most_NU, label_N, weight_RN) for layer in layers}
    mean_RL = np.stack([index[layer.name].mean(1) for layer in layers], 1)
    fresh_RL = []
    for seed in range(1, controls + 1):
        others = answers(task, subject.fresh(seed), split, chosen)
        fresh_RL.append(
            np.stack([selectivity(o.most_NU, label_N, weight_RN).mean(1) for o in others], 1)
        )
    classes = [printable(name) for name in getattr(task, "classes", ())]
    shown = chosen_units(layers, index, label_N)
    rows, figures = show(subject, split, chosen, shown, classes)
    return _told(layers, mean_RL, fresh_RL, rows, figures, len(chosen))


def _told(
    layers: list[Answers],
    mean_RL: NDArray[np.float64],
    fresh_RL: list[NDArray[np.float64]],
    rows: list[list[str]],
    figures: list[Figure],
    count: int,
) -> Finding:
    depth_L = np.linspace(0, 1, len(layers))
    over = "test examples"
    by_layer = [_centred(mean_RL[:, i], n=count, over=over) for i in range(len(layers))]
    slopes = {"trained": _centred(slope(depth_L, mean_RL), n=count, over=over)}
    lines = [
        f"Class selectivity of units changes by {slopes['trained']} from first layer to last "
        f"({count} test examples; preferred class and index from different halves)."
    ]
    table_rows = [
        [layer.name, str(len(layer.unit_U)), str(by_layer[i])] for i, layer in enumerate(layers)
    ]
    headings = ["layer", "units", "trained"]
    fresh: list[Effect] = []
    if fresh_RL:
        other_RL = np.mean(fresh_RL, axis=0)
        fresh = [_centred(other_RL[:, i], n=count, over=over) for i in range(len(layers))]
        slopes["untrained"] = _centred(slope(depth_L, other_RL), n=count, over=over)
        gain_R = slope(depth_L, mean_RL) - slope(depth_L, other_RL)
        slopes["trained - untrained"] = _centred(gain_R, n=count, over=over)
        headings.append(f"untrained ({len(fresh_RL)})")
        table_rows = [[*row, str(effect)] for row, effect in zip(table_rows, fresh, strict=True)]
        gain = slopes["trained - untrained"]
        said = {
            "yes": "training made units more selective with depth",
            "no": "training made units less selective with depth",
            "unclear": "no more than without training",
        }[gain.verdict]
        lines.append(f"Of untrained networks by {slopes['untrained']}; difference {gain}: {said}.")
    lines.append("Intervals are over test examples for these networks, not over training runs.")
    figures = [Figure("selectivity", _depth_png(depth_L, by_layer, fresh)), *figures]
    return Finding(
        name="exciting",
        title="What excites units",
        lines=lines,
        tables=[
            Table(title="Class selectivity by layer", headings=headings, rows=table_rows),
            Table(title="The most selective units, and what excites them most",
                  headings=("layer", "unit", "index", "class", "examples"), rows=rows),
        ],
        figures=figures,
        numbers={
            "layers": [layer.name for layer in layers],
            "selectivity": [effect.plain() for effect in by_layer],
            "selectivity untrained": [effect.plain() for effect in fresh],
            "slopes": {name: effect.plain() for name, effect in slopes.items()},
            "units": rows,
        },
        metrics={f"slope_{n.replace(' - ', '_less_')}": e.value for n, e in slopes.items()},
    )  # fmt: skip


def _centred(values_R: NDArray[np.float64], *, n: int, over: str) -> Effect:
    """Return the first value with the spread of the others, around itself.

    A resample picks preferred classes a little worse than all examples do, and so lies lower.
    """
    drawn_R = values_R[1:] - values_R[1:].mean() + values_R[0]
    return bootstrapped([values_R[0], *drawn_R], n=n, over=over)


def _depth_png(depth_L: NDArray[np.float64], own: list[Effect], fresh: list[Effect]) -> bytes:
    canvas, axes = plt.subplots(figsize=(4.5, 3))
    for name, effects, colour in (("trained", own, "C0"), ("untrained", fresh, "0.6")):
        if effects:
            value = [e.value for e in effects]
            axes.plot(depth_L, value, ".-", color=colour, label=name)
            low, high = [e.low for e in effects], [e.high for e in effects]
            axes.fill_between(depth_L, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.axhline(0, color="0.8", lw=0.8)
    axes.set_xlabel("depth (0: input, 1: output)")
    axes.set_ylabel("class selectivity index")
    axes.legend(fontsize=8)
    return png(canvas)
