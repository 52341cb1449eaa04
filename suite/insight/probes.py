"""Linear probes of every layer: what can be read off it, and how that changes with depth.

Alain and Bengio 2016, "Understanding intermediate layers using linear classifier probes". A probe
reads the label, which is what the network was taught, or a property of the example that nobody
taught it (`Task.properties`): brightness, length, pitch. A network that becomes more abstract with
depth lets the label be read better, and such properties worse, from layer to layer. The control is
the same network untrained, which shows what comes of the architecture alone.

Legend: N examples to fit on, M examples to score on, L layers, R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from suite.classification import DataSetTask
from suite.insight import effects
from suite.insight.effects import Effect
from suite.insight.layers import Layer, activations, choose
from suite.insight.ridge import Errors, Target, probe
from suite.task import Split

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What is asked of every layer, of the same examples.

    labels: what the network was taught. properties: what nobody taught it.
    """

    fit_on: Sequence[int]
    score_on: Sequence[int]
    labels: Sequence[Target]
    properties: Sequence[Target]


@dataclass(frozen=True, kw_only=True)
class Probed:
    """The errors of every probe of one network. errors: of each layer, by the target's name.

    All layers hold the same targets. depth_L: 0 at the stem, 1 at the output.
    """

    layers: Sequence[str]
    depth_L: Sequence[float]
    errors: Sequence[Mapping[str, Errors]]
    labels: Sequence[str]
    properties: Sequence[str]

    @cached_property
    def examples(self) -> int:
        """Test examples that were scored."""
        return len(next(iter(self.errors[0].values())).error_M)

    def scores(self, name: str, weight_RM: Floats) -> Floats:
        """Return the score of a target by resample and layer, (R, L); NaN where none was drawn."""
        error_LM = np.stack([layer[name].error_M for layer in self.errors])
        baseline_LM = np.stack([layer[name].baseline_M for layer in self.errors])
        below_RL = weight_RM @ baseline_LM.T
        return np.asarray(1 - (weight_RM @ error_LM.T) / np.where(below_RL > 0, below_RL, np.nan))

    def mean_scores(self, names: Sequence[str], weight_RM: Floats) -> Floats:
        """Return the mean of several targets' scores, (R, L), where less than nothing is nothing.

        A quantity whose values are others in the test split than in training has a score far below
        0, which says nothing of the layer and would decide every mean.
        """
        scores_TRL = np.stack([self.scores(name, weight_RM) for name in names])
        return np.asarray(scores_TRL.clip(min=0).mean(0))


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """How scores change from stem to output. properties, abstraction: None without properties.

    abstraction: the label's slope less that of the properties.
    """

    label: Effect
    properties: Effect | None
    abstraction: Effect | None


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What training made of a network, beyond what its untrained twins are.

    output: of the label's score at the output. slopes: of each slope.
    """

    output: Effect
    slopes: Slopes


def questions(
    task: DataSetTask, *, examples: int, fit: Split = Split.TRAIN, score: Split = Split.TEST
) -> Questions:
    """Return what to ask: of at most `examples` examples of each of two splits."""
    fit_on, score_on = choose(task, fit, examples), choose(task, score, examples)
    taught = [_labels(task, fit, fit_on), _labels(task, score, score_on)]
    told = [task.properties(fit, fit_on), task.properties(score, score_on)]
    return Questions(
        fit_on=fit_on,
        score_on=score_on,
        labels=_targets(*taught),
        properties=_targets(*told),
    )


def probe_layers(fit: Sequence[Layer], score: Sequence[Layer], asked: Questions) -> Probed | None:
    """Probe every layer for everything that is asked; None where no label can be read or scored."""
    targets = [*asked.labels, *asked.properties]
    errors = [
        probe(one.values_ND, other.values_ND, targets)
        for one, other in zip(fit, score, strict=True)
    ]
    kept = [t.name for t in targets if errors and t.name in errors[0]]
    labels = [t.name for t in asked.labels if t.name in kept]
    if not labels:
        return None
    return Probed(
        layers=[layer.name for layer in fit],
        depth_L=[layer.depth for layer in fit],
        errors=errors,
        labels=labels,
        properties=[t.name for t in asked.properties if t.name in kept],
    )


def probe_model(model: nn.Module, task: DataSetTask, asked: Questions) -> Probed | None:
    """Probe every layer of a model; None where it has no layers that are known, or no label."""
    fit = activations(model, task, Split.TRAIN, asked.fit_on)
    score = activations(model, task, Split.TEST, asked.score_on)
    return probe_layers(fit, score, asked) if fit else None


def slopes_of(probed: Probed) -> Slopes:
    """Return the slopes of one network, with intervals over the test examples.

    These say how far other examples could have moved them, not what another seed would have given.
    """
    found = _slopes(probed, effects.weights_of_resamples(probed.examples))
    return _as_slopes(found, n=probed.examples, over="test examples")


def learned(trained: Probed, controls: Sequence[Probed]) -> Learned:
    """Return what training changed, with intervals over test examples and untrained networks.

    Low-level properties fade with depth, and labels may too, in a network with random weights:
    pooling and random mixing see to that. So it is these differences that tell of learning.
    Both the examples and the controls are drawn again, as others of both could have been had.
    """
    weight_RM = effects.weights_of_resamples(trained.examples)
    own = _slopes(trained, weight_RM) | {"output": _output(trained, weight_RM)}
    theirs = [_slopes(one, weight_RM) | {"output": _output(one, weight_RM)} for one in controls]
    drawn_RC = effects.weights_of_resamples(len(controls), seed=1) / len(controls)
    gaps = {
        name: values_R - (drawn_RC * np.stack([one[name] for one in theirs], 1)).sum(1)
        for name, values_R in own.items()
    }
    n, over = trained.examples, f"test examples, and {len(controls)} untrained networks"
    output = effects.bootstrapped(gaps.pop("output"), n=n, over=over)
    return Learned(output=output, slopes=_as_slopes(gaps, n=n, over=over))


def over_seeds(several: Sequence[Slopes]) -> Slopes:
    """Return the mean over runs that differ in their seed, with intervals over these.

    several: what `slopes_of` gives of each, or `learned`, each beside its own controls.
    """

    def mean(name: str) -> Effect | None:
        values = [getattr(one, name) for one in several]
        if any(value is None for value in values):
            return None
        return effects.over_repeats([value.value for value in values])

    label = mean("label")
    assert label is not None
    return Slopes(label=label, properties=mean("properties"), abstraction=mean("abstraction"))


def _slopes(probed: Probed, weight_RM: Floats) -> dict[str, Floats]:
    """Return each slope by resample, (R,)."""
    label_R = effects.slope(probed.depth_L, probed.mean_scores(probed.labels, weight_RM))
    if not probed.properties:
        return {"label": label_R}
    other_R = effects.slope(probed.depth_L, probed.mean_scores(probed.properties, weight_RM))
    return {"label": label_R, "properties": other_R, "abstraction": label_R - other_R}


def _output(probed: Probed, weight_RM: Floats) -> Floats:
    return np.asarray(probed.mean_scores(probed.labels, weight_RM)[:, -1])


def _as_slopes(found: Mapping[str, Floats], *, n: int, over: str) -> Slopes:
    told = {
        name: effects.bootstrapped(values_R, n=n, over=over) for name, values_R in found.items()
    }
    return Slopes(
        label=told["label"],
        properties=told.get("properties"),
        abstraction=told.get("abstraction"),
    )


def _labels(task: DataSetTask, split: Split, indices: Sequence[int]) -> dict[str, Tensor]:
    """Return what the network was taught of each example.

    Of a transcript that is its first symbol, a kind, and the number of its symbols, a quantity: the
    two that every transcript has one of, wherever in the recording they are heard.
    """
    if not indices:
        return {}
    batch = task.take(split, indices)
    if "label_B" in batch:
        return {"label": batch["label_B"]}
    if "symbols_BL" in batch and "symbol_length_B" in batch:
        length_B = batch["symbol_length_B"]
        return {"first symbol": batch["symbols_BL"][:, 0], "number of symbols": length_B.double()}
    return {}


def _targets(fit: Mapping[str, Tensor], score: Mapping[str, Tensor]) -> list[Target]:
    return [
        Target(name=name, fit_N=_array(fit[name]), score_M=_array(score[name]))
        for name in fit
        if name in score
    ]


def _array(values_B: Tensor) -> NDArray[np.float64] | NDArray[np.int64]:
    values_B = values_B.detach().cpu()
    return values_B.double().numpy() if values_B.is_floating_point() else values_B.long().numpy()
