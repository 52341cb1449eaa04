"""What is looked at in a finished run, where its model or its data is needed: by process, once.

Each takes the run's folder and returns numbers as JSON takes them. They are called by name.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from suite.errors import DataError

if TYPE_CHECKING:
    from suite.insight.probes import Probed, Slopes
    from suite.insight.subject import Subject

CHANCE, LAYERS, KERNELS, FILTERS, LINE = "chance", "layers", "kernels", "filters", "line"

_EXAMPLES = 500
"""Of each split."""
_ON_LINE, _POINTS = 128, 11
"""Examples whose loss is taken, and how often, on the way from first to best weights."""
_NEAR = 0.1
"""Share of the mel scale that filters may be off and still divide it."""
_CONTROLS = (1000, 1001)
"""Seeds of untrained networks: no run's own."""


def chance(folder: Path) -> dict[str, Any]:
    """Return the quality of one who knows how frequent classes are and no more.

    That is the share of the most frequent class of the test split; an empty transcript has none.
    """
    from suite.classification import Classification
    from suite.resumption import begun_of, configured
    from suite.run import build_task
    from suite.task import Split

    task = build_task(configured(folder, begun_of(folder)), torch.device("cpu"))
    if not isinstance(task, Classification):
        return {"chance": 0.0}
    examples = len(task.data.splits[Split.TEST])
    label_N = task.take(Split.TEST, range(examples))["label_B"]
    return {"chance": float(label_N.bincount().max()) / examples}


def layers(folder: Path) -> dict[str, Any]:
    """Return what can be read off each layer, trained and untrained, and how that changes."""
    from suite.insight.probes import learned, probe_model, questions, slopes_of

    subject = _opened(folder)
    asked = questions(subject.task, examples=_EXAMPLES)
    trained = probe_model(subject.model, subject.task, asked)
    fresh = [probe_model(subject.fresh(seed), subject.task, asked) for seed in _CONTROLS]
    untrained = [one for one in fresh if one is not None]
    if trained is None or not untrained:
        raise DataError(f"{folder.name}: its layers cannot be probed for a label")
    beyond, own = learned(trained, untrained), slopes_of(trained)
    return {
        "trained_output": _mean(trained, trained.labels)[-1],
        "untrained_output": _mean(untrained[0], untrained[0].labels)[-1],
        "learned": {"output": beyond.output.value, **_values(beyond.slopes)},
        "own": _values(own),
        "lines": {
            f"{kind}{when}": list(zip(map(float, one.depth_L), _mean(one, names), strict=True))
            for when, one in (("", trained), (", untrained", untrained[0]))
            for kind, names in (("label", one.labels), ("properties", one.properties))
            if names
        },
        "layers": list(trained.layers),
        "properties": list(trained.properties),
    }


def kernels(folder: Path) -> dict[str, Any]:
    """Return how far first kernels are Gabor functions, beyond those of untrained networks."""
    from suite.insight.filters import filters as section

    found = section(_opened(folder), controls=len(_CONTROLS))
    if found is None or not found.numbers["judged"]:
        raise DataError(f"{folder.name}: its first layer has no kernels that can be judged")
    means = found.numbers["mean r2"]
    return {
        "gain": found.numbers["effects"]["trained - untrained"]["value"],
        "trained": means["trained"]["value"],
        "untrained": means["untrained"]["value"],
    }


def filters(folder: Path) -> dict[str, Any]:
    """Return how far learned filters are from even spacing on the mel scale, below a tenth.

    That mel fits better than hertz would not do: so it does where filters crowd at low frequencies.
    """
    from suite.insight.hearing import hearing

    found = hearing(_opened(folder), controls=len(_CONTROLS))
    if found is None:
        raise DataError(f"{folder.name}: its first layer has no filters on waves")
    off = dict(found.numbers["deviation from mel"])
    trained = off.pop("trained")
    return {
        "gain": _NEAR - trained,
        "trained": trained,
        "untrained": sum(off.values()) / len(off),
    }


def line(folder: Path) -> dict[str, Any]:
    """Return what the training loss does on the straight way from the first weights to the best."""
    from suite.insight.line import along, barrier
    from suite.insight.surface import Surface, trained
    from suite.task import Split

    subject = _opened(folder)
    start, best = trained(subject.started()), trained(subject.model)
    surface = Surface(subject.task, subject.model, examples=_ON_LINE)
    walked = along(surface, start, best, points=_POINTS, beyond=0)[Split.TRAIN]
    found = barrier(walked)
    # A loss that did not fall has been nowhere.
    downhill = 1 - found.share if found.fall > 0 else 0.0
    losses = [list(pair) for pair in zip(walked.shares, walked.losses, strict=True)]
    return {"downhill": downhill, "fall": found.fall, "losses": losses}


def _opened(folder: Path) -> "Subject":
    from suite.study import open_run

    return open_run(folder.parent.parent, folder.name)


def _values(slopes: "Slopes") -> dict[str, float]:
    named = {"label": slopes.label, "properties": slopes.properties,
             "abstraction": slopes.abstraction}  # fmt: skip
    return {name: effect.value for name, effect in named.items() if effect is not None}


def _mean(probed: "Probed", names: Sequence[str]) -> list[float]:
    """Return the mean score of several targets by layer."""
    return [sum(layer[name].score for name in names) / len(names) for layer in probed.errors]
