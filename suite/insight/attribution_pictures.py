"""Draws attributions beside what they are of: images, spectrograms, waves, pieces of texts.

Legend: C channels, H rows, W columns, S samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from suite.figures import png
from suite.trust.text import figure_text

_MOST_PIECES = 40
_BARS = 100


@dataclass(frozen=True, kw_only=True)
class Row:
    """One example and its attributions by title, each (H, W) with any number of rows.

    image: pixels (C, H, W), or else grid: what the stem made of it, (H, W); or wave: (S,).
    pieces: of a text.
    """

    image: Tensor | None
    grid: Tensor | None
    pieces: Sequence[str]
    wave: Tensor | None
    maps: Mapping[str, Tensor]
    title: str


def rows_png(rows: Sequence[Row], title: str) -> bytes:
    """Draw a row for each example: what it is, then what speaks for (red) and against (blue)."""
    columns = 1 + max(len(row.maps) for row in rows)
    wide = bool(rows[0].pieces)
    size = ((3.2 if wide else 1.7) * columns, (1.9 if wide else 1.8) * len(rows))
    canvas, axes = plt.subplots(
        len(rows), columns, figsize=size, squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
    for row_axes, row in zip(axes, rows, strict=True):
        _draw_input(row_axes[0], row)
        row_axes[0].set_title(figure_text(row.title), fontsize=7)
        for axis, (name, map_HW) in zip(row_axes[1:], row.maps.items(), strict=False):
            axis.set_title(figure_text(name), fontsize=7)
            _draw_map(axis, row, map_HW.float(), positive=name.startswith("Grad-CAM"))
    canvas.suptitle(f"{title}: integrated gradients, red for and blue against", fontsize=8)
    return png(canvas)


def _draw_input(axis: Axes, row: Row) -> None:
    if row.image is not None:
        pixels = row.image.permute(1, 2, 0).numpy()
        axis.imshow(pixels if pixels.shape[2] == 3 else pixels[..., 0], cmap="gray")
    elif row.pieces:
        joint = "" if all(len(piece) == 1 for piece in row.pieces) else " "
        text = figure_text(joint.join(row.pieces)[:160])
        axis.text(0, 0.5, text, fontsize=8, wrap=True, va="center")
    elif row.grid is not None and row.grid.shape[0] > 1:
        axis.imshow(row.grid.numpy(), origin="lower", aspect="auto", cmap="gray_r")
    elif row.wave is not None:
        axis.plot(row.wave.numpy(), lw=0.3, color="0.3")


def _draw_map(axis: Axes, row: Row, map_HW: Tensor, *, positive: bool) -> None:
    values = map_HW.numpy()
    largest = float(np.abs(values).max()) or 1.0
    low = 0.0 if positive else -largest
    colours = "Reds" if positive else "RdBu_r"
    if values.shape[0] > 1:
        image = row.image is not None
        axis.imshow(
            values, cmap=colours, vmin=low, vmax=largest, origin="upper" if image else "lower",
            aspect="equal" if image else "auto",
        )  # fmt: skip
        return
    axis.axis("on")
    bars = values[0]
    if len(bars) > _BARS:  # of a wave: added up over stretches
        bars = np.add.reduceat(bars, np.linspace(0, len(bars), _BARS, endpoint=False).astype(int))
    colour = np.where(bars > 0, "C3", "C0")
    axis.bar(range(len(bars)), bars, color=colour, width=1.0 if not row.pieces else 0.8)
    axis.set_yticks([], [])
    if row.pieces and len(row.pieces) == len(bars) <= _MOST_PIECES:
        names = [figure_text(piece)[:10] for piece in row.pieces]
        axis.set_xticks(range(len(bars)), names, rotation=90, fontsize=6)
    else:
        axis.set_xticks([], [])
