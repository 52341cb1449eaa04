"""What of an input decides: integrated gradients on every model, and Grad-CAM on grids.

Integrated gradients (Sundararajan et al. 2017) go from nothing (an image of the mean colour, a
silent wave, words without meaning) to what the stem offers of an example, since pixels and tokens
themselves have no slopes; what they add up to has to be the change of the logit on the way (their
axiom of completeness). Grad-CAM (Selvaraju et al. 2017, equations 1 and 2) weighs the maps of the
last layer over a grid. Whether attributions depend on what the network learned is asked as Adebayo
et al. 2018 ("Sanity checks for saliency maps", section 3) do: they should change when its weights
are random.

Legend: B batch, N examples, C channels, H rows, W columns, T positions, K classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients
from torch import Tensor

from suite.insight.attribution_pictures import Row, rows_png
from suite.insight.effects import Effect
from suite.insight.finding import Finding, Table
from suite.insight.from_stem import FromStem, Offered, only, picture
from suite.insight.layers import choose
from suite.insight.means import mean_of
from suite.insight.positions import keeping, positions_of, watched
from suite.insight.subject import Subject
from suite.task import Figure, Split
from suite.trust.text import printable

_STEPS = 64
"""Of the integral."""
_LOOSE = 0.05
"""What completeness may leave over without a word."""
_AT_ONCE = 64
"""Rows of a forward pass."""
_SEARCHED, _COMPARED, _SHOWN = 400, 16, 4
"""Test examples looked at for right and wrong ones, compared with random weights, and shown."""


@dataclass(frozen=True)
class Attributed:
    """Integrated gradients, of the shape of what was offered, and what completeness leaves over.

    error_B: the change of the logit less the sum of attributions; change_B: that change.
    """

    values: Tensor
    error_B: Tensor
    change_B: Tensor


def attribution(subject: Subject, examples: int = _SEARCHED) -> Finding | None:
    """Show what decides right and wrong answers; None without one label for each example."""
    task, split = subject.task, Split.TEST
    chosen = choose(task, split, min(examples, _SEARCHED))
    if "label_B" not in task.take(split, chosen[:1]) or not hasattr(subject.model, "stem"):
        return None
    answered = _answers(subject, chosen)
    right = sorted((a for a in answered if a.true == a.predicted), key=lambda a: -a.confidence)
    wrong = sorted((a for a in answered if a.true != a.predicted), key=lambda a: -a.confidence)
    spread = (
        [right[i] for i in np.unique(np.linspace(0, len(right) - 1, _SHOWN).astype(int))]
        if right
        else []
    )
    model, random = FromStem(subject.model), FromStem(subject.fresh(subject.seed + 1))
    compared = answered[:_COMPARED]
    checked = [_checked(subject, model, random, one) for one in compared]
    error = np.array([one.error for one in checked])
    same = mean_of([one.same for one in checked], over="test examples")
    size = mean_of([one.size for one in checked], over="test examples")
    figures = [
        Figure(name, rows_png([_row(subject, model, one) for one in some], title))
        for name, some, title in (
            ("right", spread, "right answers"),
            ("wrong", wrong[:_SHOWN], "wrong answers, the surest"),
        )
        if some
    ]
    return _told(error, same, size, figures, len(answered), len(wrong))


@dataclass(frozen=True)
class Answer:
    """What the model said of an example of the test split."""

    index: int
    true: int
    predicted: int
    confidence: float


def _answers(subject: Subject, chosen: list[int]) -> list[Answer]:
    found = []
    for start in range(0, len(chosen), _AT_ONCE):
        indices = chosen[start : start + _AT_ONCE]
        batch = subject.task.take(Split.TEST, indices)
        with torch.no_grad():
            share_BK = subject.model(batch).float().softmax(1)
        sure_B, predicted_B = share_BK.max(1)
        rows = zip(indices, batch["label_B"].tolist(), predicted_B.tolist(), sure_B.tolist(),
                   strict=True)  # fmt: skip
        found += [Answer(*row) for row in rows]
    return found


def integrated_gradients(model: FromStem, offered: Offered, target_B: Tensor) -> Attributed:
    """Attribute the logits of these classes to what is offered, from zeros on.

    model: in evaluation mode.
    """
    method = IntegratedGradients(model)
    # cuDNN has no backward pass of a recurrent network in evaluation mode.
    with torch.backends.cudnn.flags(enabled=False):
        values, error_B = method.attribute(
            offered.values,
            baselines=torch.zeros_like(offered.values),
            target=target_B,
            additional_forward_args=(offered.kind, *offered.beside),
            n_steps=_STEPS,
            internal_batch_size=max(_AT_ONCE, len(offered.values)),
            return_convergence_delta=True,
        )
    change_B = values.flatten(1).sum(1) - error_B
    return Attributed(values.detach(), error_B.detach(), change_B.detach())


def grad_cam(model: FromStem, offered: Offered, target: int) -> Tensor | None:
    """Return what speaks for a class, (H, W) of the last layer over a grid; None without one.

    offered: of one example.
    """
    modules = {
        name: module for name, module in watched(model).items() if name not in ("stem", "output")
    }
    kept: dict[str, Any] = {}
    values = offered.values.detach().requires_grad_()
    with keeping(modules, kept), torch.enable_grad():
        logits_BK = model(values, offered.kind, *offered.beside)
    for name, module in reversed(modules.items()):
        output = kept.get(name)
        tensor = output[0] if isinstance(output, tuple) else output
        at = positions_of(module, tensor, 1, {})
        if isinstance(tensor, Tensor) and at is not None and at.rows > 1:
            # By the very tensor that was put out: positions are a view of it.
            slope = torch.autograd.grad(logits_BK[0, target], tensor)[0]
            by = positions_of(module, slope, 1, {})
            assert by is not None
            weight_D = by.values_BPD[0].mean(0)
            cam_P = (at.values_BPD[0] @ weight_D).clamp(min=0).detach()
            return cam_P.reshape(at.rows, at.columns)
    return None


@dataclass(frozen=True)
class Checked:
    """error: what completeness leaves over, as a share of the change. same: rank correlation of the
    trained and a random network's attributions. size: of the trained one's and the input's size.
    """

    error: float
    same: float
    size: float


def _checked(subject: Subject, model: FromStem, random: FromStem, one: Answer) -> Checked:
    batch = subject.task.take(Split.TEST, [one.index])
    target_B = torch.tensor([one.predicted], device=batch["label_B"].device)
    maps = []
    for network in (model, random):
        offered = network.offer(batch)
        found = integrated_gradients(network, offered, target_B)
        maps.append(_places(found.values[0]))
        if network is model:
            change = float(found.change_B.abs()[0])
            error = float(found.error_B.abs()[0]) / max(change, 1e-9)
            size = _places(offered.values[0])
    return Checked(error, ranked_alike(*maps), ranked_alike(maps[0], size))


def _places(values: Tensor) -> Tensor:
    """Return the size at each place: summed over channels or features."""
    if values.ndim == 1:
        return values.abs()
    return values.abs().sum(0 if values.ndim == 3 else 1).flatten()


def ranked_alike(one_P: Tensor, other_P: Tensor) -> float:
    """Return Spearman's correlation of two maps; 0 where one is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(values.double().cpu().numpy()) for values in (one_P, other_P)]
    centred = [rank - rank.mean() for rank in ranks]
    norm = float(np.prod([np.linalg.norm(rank) for rank in centred]))
    return float(centred[0] @ centred[1] / norm) if norm > 0 else 0.0


def _row(subject: Subject, model: FromStem, one: Answer) -> Row:
    """Return the pictures of one example: for the predicted class and, where it is another, the
    true one.
    """
    task = subject.task
    batch = task.take(Split.TEST, [one.index])
    names: list[str] = [printable(str(name)) for name in getattr(task, "classes", ())]
    offered = model.offer(batch)
    fold = int(getattr(subject.model.stem, "fold", 1))
    maps: dict[str, Tensor] = {}
    for said, label in (("predicted", one.predicted), ("true", one.true)):
        if said == "true" and one.true == one.predicted:
            continue
        target_B = torch.tensor([label], device=offered.values.device)
        found = integrated_gradients(model, only(offered, 0), target_B)
        name = f"{said}: {names[label]}" if names else said
        maps[name] = picture(found.values[0], fold).cpu()
        cam = grad_cam(model, only(offered, 0), label)
        if cam is not None:
            maps[f"Grad-CAM, {said}"] = cam.cpu()
    pixels = batch["pixels_BCHW"][0].cpu() if "pixels_BCHW" in batch else None
    plain = picture(offered.values[0], fold).cpu() if offered.values[0].ndim == 3 else None
    return Row(
        image=pixels,
        grid=plain if pixels is None else None,
        pieces=[printable(piece) for piece in task.pieces(Split.TEST, one.index)],
        wave=batch["wave_BS"][0].cpu() if "wave_BS" in batch else None,
        maps=maps,
        title=f"{names[one.true] if names else one.true}, {one.confidence:.0%} sure",
    )


def _told(
    error: np.ndarray[Any, Any],
    same: Effect,
    size: Effect,
    figures: list[Figure],
    count: int,
    wrong: int,
) -> Finding:
    middle, worst = float(np.median(error)), float(error.max())
    said = (
        "they hardly depend on what was learned, and more on the input"
        if same.low > 0.5
        else "they depend on what was learned"
        if same.high < 0.5
        else "how much they depend on what was learned is open"
    )
    numbers: Mapping[str, Any] = {
        "completeness error, median": middle,
        "completeness error, largest": worst,
        "rank correlation with random weights": same.plain(),
        "rank correlation with the input's size": size.plain(),
        "examples": count,
        "wrong": wrong,
    }
    rows = [
        ["completeness error, median (largest)", f"{middle:.2%} ({worst:.2%})"],
        ["rank correlation with a random network's", str(same)],
        ["rank correlation with the size of the input", str(size)],
    ]
    lines = [
        f"Of {count} test examples {wrong} were answered wrong. Integrated gradients add up to "
        f"the change of the logit but for {middle:.2%} of it (median of {same.n} examples).",
        f"Rank correlation with attributions of a network with random weights {same}: {said}.",
    ]
    if middle > _LOOSE:
        lines.append(
            "What is left over is much: the way from nothing is too steep for the steps of the "
            "integral, as where a network normalises what it hears and so jumps at silence."
        )
    return Finding(
        name="attribution",
        title="What decides",
        lines=lines,
        tables=[Table(title="Attributions, checked", headings=("", ""), rows=rows)],
        figures=figures,
        numbers=numbers,
        metrics={"completeness_error": middle, "like_random": same.value},
    )
