"""Pictures that several tasks and reports share, drawn without a display.

Legend: K classes.
"""

import io
import warnings
from collections.abc import Sequence

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure as Canvas
from torch import Tensor

from suite.trust.text import figure_text

_NUMBERS_UP_TO = 20
"""Classes up to which a confusion matrix shows numbers and names."""


def confusion_matrix_png(counts_KK: Tensor, classes: Sequence[str]) -> bytes:
    """Draw counts (true class by row, predicted by column), shaded by share of the row."""
    counts = counts_KK.cpu().double()
    share = counts / counts.sum(1, keepdim=True).clamp(min=1)
    small = len(classes) <= _NUMBERS_UP_TO
    side = max(4.0, min(0.42 * len(classes) + 1.8, 11.0))
    classes = [figure_text(name) for name in classes]
    canvas, axes = plt.subplots(figsize=(side, side))
    axes.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1)
    size = 8 if small else 6
    axes.set_xticks(range(len(classes)), classes, rotation=90, fontsize=size)
    axes.set_yticks(range(len(classes)), classes, fontsize=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if small:
        for row, column in counts.nonzero().tolist():
            colour = "white" if share[row, column] > 0.5 else "black"
            text = f"{int(counts[row, column])}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)
    return png(canvas)


def png(canvas: Canvas) -> bytes:
    """Return the drawing as PNG bytes and free it."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A script that no font has is drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        # Even a constrained layout lets long labels run out of the canvas.
        canvas.savefig(buffer, dpi=110, bbox_inches="tight")
    plt.close(canvas)
    return buffer.getvalue()
