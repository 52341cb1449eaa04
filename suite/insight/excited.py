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
from suite.task import Batch, Figure, Split
from suite.trust.text import figure_text, printable

_DEPTHS, _UNITS, _TOP = 4, 3, 6
"""Layers, units of each and examples of each that are shown."""
_STEP = 1.2
"""From one picture to the next, in their own width."""
_FRAME, _HOP = 256, 64
"""Samples, of the spectrograms that are drawn."""


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
        index_U = index[layer.name]
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
    """Draw a row of examples for each unit, in one pair of axes: many take seconds to set up."""
    canvas, axes = plt.subplots(figsize=(1.5 * _TOP + 1, 1.7 * len(units)))
    for row, one in enumerate(units):
        bottom = (len(units) - 1 - row) * _STEP
        label = classes[one.label] if one.label < len(classes) else str(one.label)
        told = f"unit {one.unit}\n{figure_text(label)[:14]}\n{one.index:.2f}"
        axes.text(-0.05, bottom + 0.5, told, fontsize=8, ha="right", va="center")
        for place, (n, *where) in enumerate(one.tops):
            seen = _reach(subject, split, chosen[n], one, (where[0], where[1]))
            batch = subject.task.take(split, [chosen[n]])
            name = classes[int(batch["label_B"][0])] if classes else ""
            left = place * _STEP
            axes.text(left + 0.5, bottom + 1.02, figure_text(name)[:14], fontsize=8, ha="center")
            _draw(axes, batch, seen, left, bottom)
    axes.set_xlim(-0.5, _TOP * _STEP)
    axes.set_ylim(-0.05, len(units) * _STEP)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title(
        f"{units[0].layer}: what excites its most selective units (red: what they see of it)",
        fontsize=9,
    )
    return png(canvas)


def _draw(axes: Axes, batch: Batch, seen: Reach | None, left: float, bottom: float) -> None:
    """Draw an example into the unit square at this place, and what is seen of it."""
    where = (left, left + 1, bottom, bottom + 1)
    image = "pixels_BCHW" in batch
    if image:
        pixels_HWC = batch["pixels_BCHW"][0].permute(1, 2, 0).cpu().numpy()
        shown = pixels_HWC if pixels_HWC.shape[2] == 3 else pixels_HWC[..., 0]
        axes.imshow(shown, cmap="gray", extent=where)
    else:
        level_FT = _spectrogram(batch["wave_BS"][0].cpu().float())
        axes.imshow(level_FT, cmap="gray_r", origin="lower", extent=where)
    # A sequence of an image's patches has no rows that could be told.
    if seen is None or (image and seen.rows == 1):
        return
    top, end = seen.top / seen.rows, seen.bottom / seen.rows
    low = 1 - end if image else top  # rows of images go down, bands go up
    width = (seen.right - seen.left) / seen.columns
    corner = (left + seen.left / seen.columns, bottom + low)
    axes.add_patch(Rectangle(corner, width, end - top, fill=False, edgecolor="red", linewidth=1))


def _spectrogram(wave_S: torch.Tensor) -> NDArray[np.float32]:
    wave_S = torch.nn.functional.pad(wave_S, (0, max(_FRAME - len(wave_S), 0)))
    spectrum = torch.stft(
        wave_S, _FRAME, _HOP, window=torch.hann_window(_FRAME), return_complex=True
    )
    power = spectrum.abs()
    level: NDArray[np.float32] = (power / power.max().clamp(min=1e-9) + 1e-4).log10().numpy()
    return level
