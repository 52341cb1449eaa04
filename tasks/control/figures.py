"""A picture of what the test's episodes came to."""

import io

from torch import Tensor


def returns_png(return_N: Tensor, threshold: float, name: str) -> bytes:
    """Draw how often which return came, the mean, and the target."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(5, 3.4), layout="constrained")
    axes = canvas.subplots()
    axes.hist(return_N.tolist(), bins=25, color="#0072B2")
    mean = float(return_N.mean())
    axes.axvline(mean, color="#D55E00", lw=1.6, label=f"mean {mean:.1f}")
    axes.axvline(threshold, color="black", lw=1, ls="--", label=f"target {threshold:g}")
    axes.set_xlabel("return of an episode")
    axes.set_ylabel("episodes of the test")
    axes.set_title(name, loc="left", fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=9, frameon=False)
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
