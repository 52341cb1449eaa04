"""What the first layer sees: its weights as pictures, and how far they are Gabor functions.

Held against the filters of untrained networks, fitted alike, and against the trained ones with
their phases scrambled, which keeps how fine they are and loses where edges lie.

Legend: N filters, C channels, H height, W width.
"""

from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from suite.figures import png
from suite.insight.effects import Effect
from suite.insight.finding import Finding, Table
from suite.insight.first_layer import Pictures, first_layer
from suite.insight.gabor import PARAMETERS, SMALLEST, GaborFits, fit_gabors, phase_scrambled
from suite.insight.means import mean_difference, mean_of
from suite.insight.subject import Subject
from suite.task import Batch, Figure, Split

_MOST = 64
"""Filters that are fitted, spread evenly."""
_SHOWN, _COLUMNS = 32, 8
_GOOD = 0.8
"""R² from which on a filter is told to be well described."""


def filters(subject: Subject, controls: int = 3) -> Finding | None:
    """Tell how far the first layer's filters are Gabor functions; None where it reads no picture.

    controls: untrained networks.
    """
    batch = subject.task.take(Split.VALIDATION, [0])
    found = first_layer(subject.model, batch)
    if not isinstance(found, Pictures):
        return None
    height, width = found.weight_OCHW.shape[2:]
    title = "First layer: what it looks for"
    figures = [Figure("filters", pictures_png(_shown(found.weight_OCHW), image=found.image))]
    if min(height, width) < SMALLEST:
        line = (
            f"{found.what}: too small to tell a Gabor function from anything else, since it has "
            f"{PARAMETERS} free parameters; from {SMALLEST}x{SMALLEST} on one can "
            "(backbone.kernel=7 of resnet and convnet, task.patch=7)."
        )
        return Finding(name="filters", title=title, lines=[line], figures=figures,
                       numbers={"what": found.what, "judged": False})  # fmt: skip
    return _judged(subject, found, batch, controls, title, figures)


def _judged(
    subject: Subject,
    found: Pictures,
    batch: Batch,
    controls: int,
    title: str,
    figures: list[Figure],
) -> Finding:
    plain_NHW, share_N = flattened(_some(found.weight_OCHW))
    trained = fit_gabors(plain_NHW)
    scrambled = fit_gabors(phase_scrambled(plain_NHW, seed=0))
    fresh = [_of(subject, seed, batch) for seed in range(1, controls + 1)]
    untrained = [fit_gabors(flattened(_some(weight))[0]) for weight in fresh]
    over, r2 = "filters", {"trained": mean_of(trained.r2_N, over="filters")}
    effects = {
        "trained - scrambled": mean_difference(trained.r2_N, [scrambled.r2_N], over=over),
    }
    if untrained:
        groups = [fits.r2_N for fits in untrained]
        r2["untrained"] = mean_of(torch.cat(groups), over=over)
        effects["trained - untrained"] = mean_difference(trained.r2_N, groups, over=over)
    r2["phases scrambled"] = mean_of(scrambled.r2_N, over=over)
    sides = {"trained": trained, "phases scrambled": scrambled}
    sides |= {f"untrained, seed {seed}": fits for seed, fits in enumerate(untrained, 1)}
    figures += [
        Figure("gabor_fits", _fits_png(plain_NHW, trained)),
        Figure("gabor_r2", _spread_png(sides)),
    ]
    if fresh:
        figures.append(
            Figure("filters_untrained", pictures_png(_shown(fresh[0]), image=found.image))
        )
    return Finding(
        name="filters",
        title=title,
        lines=_lines(found, effects, r2, float(share_N.mean())),
        tables=[Table(title="How well a Gabor function fits", headings=_HEADINGS,
                      rows=[_row(name, fits) for name, fits in sides.items()])],
        figures=figures,
        numbers={
            "what": found.what,
            "judged": True,
            "r2": {name: [round(r, 5) for r in fits.r2_N.tolist()] for name, fits in sides.items()},
            "mean r2": {name: effect.plain() for name, effect in r2.items()},
            "effects": {name: effect.plain() for name, effect in effects.items()},
            "share of energy in one colour": float(share_N.mean()),
        },
        metrics={"gabor_r2": r2["trained"].value}
        | {f"gabor_r2_{key.replace(' - ', '_less_')}": e.value for key, e in effects.items()},
    )  # fmt: skip


def flattened(weight_NCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Return each filter's spatial pattern in one colour, (N, H, W), and its share of the energy.

    The first singular vector of channels by places: with one channel, the filter itself.
    """
    weight_NCK = weight_NCHW.detach().cpu().double().flatten(2)
    _, size_NS, place_NSK = torch.linalg.svd(weight_NCK, full_matrices=False)
    share_N = size_NS[:, 0].square() / size_NS.square().sum(1).clamp(min=1e-300)
    pattern_NK = place_NSK[:, 0] * size_NS[:, :1]
    # A singular vector's sign is arbitrary: that of the sum over channels is taken.
    sign_N1 = (pattern_NK * weight_NCK.sum(1)).sum(1, keepdim=True).sign()
    pattern_NK = torch.where(sign_N1 < 0, -pattern_NK, pattern_NK)
    return pattern_NK.unflatten(1, weight_NCHW.shape[2:]), share_N


def _of(subject: Subject, seed: int, batch: Batch) -> Tensor:
    found = first_layer(subject.fresh(seed), batch)
    assert isinstance(found, Pictures)
    return found.weight_OCHW


def _some(weight_NCHW: Tensor, most: int = _MOST) -> Tensor:
    places = np.unique(np.linspace(0, len(weight_NCHW) - 1, most).round().astype(int))
    return weight_NCHW[torch.from_numpy(places).to(weight_NCHW.device)]


def _shown(weight_NCHW: Tensor) -> Tensor:
    return _some(weight_NCHW, _SHOWN).cpu()


_HEADINGS = ("filters", "n", "mean R²", "R², adjusted", f"R² ≥ {_GOOD}", "cycles in the envelope")


def _row(name: str, fits: GaborFits) -> list[str]:
    cycles_N = 2 * fits.along_N * fits.frequency_N
    return [
        name,
        str(len(fits.r2_N)),
        f"{fits.r2_N.mean():.3f}",
        f"{fits.adjusted_N.mean():.3f}",
        f"{(fits.r2_N >= _GOOD).double().mean():.0%}",
        f"{cycles_N.median():.2f}",
    ]


def _lines(
    found: Pictures, effects: dict[str, Effect], r2: dict[str, Effect], share: float
) -> list[str]:
    lines = [
        f"{found.what}: a Gabor function explains {r2['trained'].value:.0%} of a filter's energy"
    ]
    if "untrained" in r2:
        effect = effects["trained - untrained"]
        said = {
            "yes": "so training made them more like Gabor functions",
            "no": "so training made them less like Gabor functions",
            "unclear": "so they are no more like Gabor functions than untrained ones",
        }[effect.verdict]
        lines[0] += f", of an untrained network's {r2['untrained'].value:.0%}"
        lines.append(f"Mean R² trained less untrained {effect}, {said}.")
    lines[0] += "."
    effect = effects["trained - scrambled"]
    lines.append(f"Less the same filters with scrambled phases: {effect}.")
    if share < 0.999:
        lines.append(f"Each filter is fitted in its main colour, which holds {share:.0%} of it.")
    lines.append("Intervals are over the filters of these networks, not over training runs.")
    return lines


def pictures_png(weight_NCHW: Tensor, *, image: bool) -> bytes:
    """Draw filters: three channels as colours, else the main pattern, red above 0, blue below."""
    count = len(weight_NCHW)
    columns = min(_COLUMNS, count)
    rows = -(-count // columns)
    canvas, axes = plt.subplots(rows, columns, figsize=(columns, rows), squeeze=False)
    plain_NHW, _ = flattened(weight_NCHW)
    for place, axis in enumerate(axes.flat):
        axis.axis("off")
        if place < count:
            _draw(axis, weight_NCHW[place], plain_NHW[place], image)
    return png(canvas)


def _draw(axis: Axes, weight_CHW: Tensor, plain_HW: Tensor, image: bool) -> None:
    largest = float(weight_CHW.abs().max()) or 1.0
    origin: Literal["upper", "lower"] = "upper" if image else "lower"  # low bands below
    if image and len(weight_CHW) == 3:
        axis.imshow((weight_CHW.permute(1, 2, 0) / (2 * largest) + 0.5).numpy(), origin=origin)
        return
    largest = float(plain_HW.abs().max()) or 1.0
    axis.imshow(plain_HW.numpy(), cmap="RdBu_r", vmin=-largest, vmax=largest, origin=origin)


def _fits_png(plain_NHW: Tensor, fits: GaborFits) -> bytes:
    """Draw filters from the best described to the worst, each above what was fitted to it."""
    order = fits.r2_N.argsort(descending=True)
    order = order[torch.linspace(0, len(order) - 1, min(12, len(order))).round().long()]
    canvas, axes = plt.subplots(2, len(order), figsize=(len(order), 2.6), squeeze=False)
    for column, place in enumerate(order.tolist()):
        largest = float(plain_NHW[place].abs().max()) or 1.0
        for axis, values in zip(axes[:, column], (plain_NHW, fits.fitted_NHW), strict=True):
            axis.imshow(values[place].numpy(), cmap="RdBu_r", vmin=-largest, vmax=largest)
            axis.set_xticks([], [])
            axis.set_yticks([], [])
        axes[0, column].set_title(f"{fits.r2_N[place]:.2f}", fontsize=8)
    axes[0, 0].set_ylabel("filter")
    axes[1, 0].set_ylabel("Gabor fit")
    canvas.suptitle("R² of each fit, from the best to the worst", fontsize=9)
    return png(canvas)


def _spread_png(sides: dict[str, GaborFits]) -> bytes:
    canvas, axes = plt.subplots(figsize=(4.5, 3))
    for name, fits in sides.items():
        r2_N = np.sort(fits.r2_N.numpy())
        plain = not name.startswith("untrained")
        axes.plot(r2_N, np.arange(1, len(r2_N) + 1) / len(r2_N), label=name,
                  color=None if plain else "0.6", lw=2 if name == "trained" else 1)  # fmt: skip
    axes.set_xlabel("R² of the Gabor fit")
    axes.set_ylabel("share of filters up to it")
    axes.set_xlim(0, 1)
    axes.legend(fontsize=7)
    return png(canvas)
