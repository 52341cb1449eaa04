"""Shows what excites units: images with what a unit sees of them marked, sound, pieces of texts.

Legend: N examples, U units, S samples.
"""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from suite.figures import png
from suite.insight.answers import Answers
from suite.insight.positions import Reach, reach, read
from suite.insight.selectivity import preferred
from suite.insight.subject import Subject
from suite.mistakes import shown_wave
from suite.task import Figure, Split
from suite.trust.text import figure_text, printable

_DEPTHS, _UNITS, _TOP = 4, 3, 6
"""Layers, units of each and examples of each that are shown."""
_FRAME, _HOP = 256, 64


@dataclass(frozen=True)
class Excited:
    """A unit that is shown: of which layer, its index and class, and its examples by place."""

    layer: str
    unit: int
    index: float
    label: int
    tops: list[tuple[int, int, int]]
    """Place among the chosen examples, row and column."""


def chosen_units(
    layers: list[Answers], index: dict[str, NDArray[np.float64]], label_N: NDArray[np.int64]
) -> list[Excited]:
    """Return the most selective units of a few layers, with the examples that excite them most."""
    picked = np.unique(np.linspace(0, len(layers) - 1, _DEPTHS).round().astype(int))
    shown = []
    for layer in [layers[i] for i in picked]:
        index_U = index[layer.name][0]
        label_U = preferred(layer.most_NU, label_N)
        for u in np.argsort(-index_U, kind="stable")[:_UNITS]:
            order = np.argsort(-layer.most_NU[:, u], kind="stable")[:_TOP]
            tops = [(int(n), int(row), int(c)) for n in order for row, c in [layer.place_NU2[n, u]]]
            shown.append(
                Excited(layer.name, int(layer.unit_U[u]), float(index_U[u]), int(label_U[u]), tops)
            )
    return shown


def show(
    subject: Subject, split: Split, chosen: list[int], shown: list[Excited], classes: list[str]
) -> tuple[list[list[str]], list[Figure]]:
    """Return a row for each unit, with its texts where there are some, and pictures and sounds."""
    rows: list[list[str]] = []
    figures: list[Figure] = []
    canvas_of: dict[str, list[Excited]] = {}
    for one in shown:
        canvas_of.setdefault(one.layer, []).append(one)
        label = classes[one.label] if one.label < len(classes) else str(one.label)
        texts = [
            _text(subject, split, chosen[n], one, (row, column)) for n, row, column in one.tops
        ]
        rows.append(
            [one.layer, str(one.unit), f"{one.index:.2f}", label, " · ".join(filter(None, texts))]
        )
    batch = subject.task.take(split, chosen[:1])
    if "pixels_BCHW" not in batch and "wave_BS" not in batch:
        return rows, figures
    for layer, units in canvas_of.items():
        name = f"exciting_{layer.replace(' ', '_')}"
        figures.append(Figure(name, _layer_png(subject, split, chosen, units, classes)))
        if "wave_BS" in batch:
            n, row, column = units[0].tops[0]
            sound = _sound(subject, split, chosen[n], units[0], (row, column))
            figures += [Figure(name, sound, ".wav")] if sound else []
    return rows, figures


def _reach(
    subject: Subject, split: Split, index: int, one: Excited, place: tuple[int, int]
) -> Reach | None:
    batch = subject.task.take(split, [index])
    with torch.no_grad():
        output = read(subject.model, batch)[one.layer]
    # Alone, an example has no more columns than in the batch it was seen in; its place is the same.
    position = place[0] * output.columns + min(place[1], output.columns - 1)
    return reach(subject.model, batch, one.layer, one.unit, position)


def _text(subject: Subject, split: Split, index: int, one: Excited, place: tuple[int, int]) -> str:
    """Return the pieces around a position, the rest cut off; empty where there are none."""
    pieces = subject.task.pieces(split, index)
    if not pieces:
        return ""
    seen = _reach(subject, split, index, one, place)
    if seen is None or seen.columns > len(pieces):
        return printable("".join(pieces)[:40])
    before = "…" if seen.left > 0 else ""
    after = "…" if seen.right < seen.columns else ""
    joint = "" if all(len(piece) == 1 for piece in pieces) else " "
    text = joint.join(pieces[seen.left : seen.right])
    return printable(f"‘{before}{text[:60]}{after}’")


def _sound(
    subject: Subject, split: Split, index: int, one: Excited, place: tuple[int, int]
) -> bytes | None:
    seen = _reach(subject, split, index, one, place)
    rate = getattr(subject.model.stem, "sample_rate", None)
    if seen is None or rate is None:
        return None
    wave_S, (first, last) = _stretch(subject, split, index, seen)
    return shown_wave(wave_S[first:last], int(rate)).content


def _stretch(
    subject: Subject, split: Split, index: int, seen: Reach
) -> tuple[torch.Tensor, tuple[int, int]]:
    """Return the wave of an example, and the samples that are seen of it."""
    wave_S = subject.task.take(split, [index])["wave_BS"][0].cpu()
    each = len(wave_S) / seen.columns
    return wave_S, (int(seen.left * each), max(int(seen.right * each), int(seen.left * each) + 1))


def _layer_png(
    subject: Subject, split: Split, chosen: list[int], units: list[Excited], classes: list[str]
) -> bytes:
    size = (1.45 * _TOP, 1.6 * len(units))
    canvas, axes = plt.subplots(len(units), _TOP, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.set_xticks([], [])
        axis.set_yticks([], [])
    for row_axes, one in zip(axes, units, strict=True):
        label = classes[one.label] if one.label < len(classes) else str(one.label)
        row_axes[0].set_ylabel(
            f"unit {one.unit}\n{figure_text(label)[:14]}\n{one.index:.2f}", fontsize=7
        )
        for axis, (n, row, column) in zip(row_axes, one.tops, strict=False):
            seen = _reach(subject, split, chosen[n], one, (row, column))
            batch = subject.task.take(split, [chosen[n]])
            name = classes[int(batch["label_B"][0])] if classes else ""
            axis.set_title(figure_text(name)[:14], fontsize=7)
            _draw(axis, subject, split, chosen[n], seen)
    canvas.suptitle(
        f"{units[0].layer}: what excites its most selective units (red: what they see of it)",
        fontsize=8,
    )
    return png(canvas)


def _draw(axis: Axes, subject: Subject, split: Split, index: int, seen: Reach | None) -> None:
    batch = subject.task.take(split, [index])
    if "pixels_BCHW" in batch:
        pixels_HWC = batch["pixels_BCHW"][0].permute(1, 2, 0).cpu().numpy()
        axis.imshow(pixels_HWC if pixels_HWC.shape[2] == 3 else pixels_HWC[..., 0], cmap="gray")
        height, width = pixels_HWC.shape[:2]
    else:
        wave_S = batch["wave_BS"][0].cpu().float()
        window = torch.hann_window(_FRAME)
        wave_S = torch.nn.functional.pad(wave_S, (0, max(_FRAME - len(wave_S), 0)))
        power = torch.stft(wave_S, _FRAME, _HOP, window=window, return_complex=True).abs()
        level = (power / power.max().clamp(min=1e-9) + 1e-4).log10().numpy()
        axis.imshow(level, origin="lower", aspect="auto", cmap="gray_r")
        height, width = level.shape
    if seen is None:
        return
    # A sequence of an image's patches has no rows that could be told.
    if "pixels_BCHW" in batch and seen.rows == 1 and height > 1:
        return
    across, down = width / seen.columns, height / seen.rows
    axis.add_patch(
        Rectangle(
            (seen.left * across - 0.5, seen.top * down - 0.5),
            (seen.right - seen.left) * across,
            (seen.bottom - seen.top) * down,
            fill=False, edgecolor="red", linewidth=1,
        )
    )  # fmt: skip
