"""How selective units become with depth, beside untrained networks.

Legend: N examples, U units, L layers, R resamples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.insight.answers import AT_ONCE, Answers, answers
from suite.insight.effects import Effect, bootstrapped, slope
from suite.insight.layers import choose
from suite.insight.selectivity import resampled_weights, selectivity
from suite.insight.subject import Subject
from suite.task import Split

_MOST_EXAMPLES = 1000
_OVER = "test examples"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ByDepth:
    """Selectivity of a run's layers. chosen: the test examples. index: of each unit, by layer.

    own, fresh: the mean over units by layer, of the run's network and of untrained ones (empty
    without controls). slopes: over depth, `trained`, `untrained` and `trained - untrained`.
    """

    chosen: list[int]
    label_N: NDArray[np.int64]
    layers: list[Answers]
    index: dict[str, Floats]
    own: list[Effect]
    fresh: list[Effect]
    slopes: dict[str, Effect]


def selectivity_by_depth(
    subject: Subject, examples: int = 400, controls: int = 2
) -> ByDepth | None:
    """Measure it; None where examples have no label each, or the model no layers.

    controls: untrained networks, over which the mean is taken.
    """
    task = subject.task
    chosen = choose(task, Split.TEST, min(examples, _MOST_EXAMPLES))
    if "label_B" not in task.take(Split.TEST, chosen[:1]):
        return None
    parts = [chosen[i : i + AT_ONCE] for i in range(0, len(chosen), AT_ONCE)]
    labels = [task.take(Split.TEST, part)["label_B"].cpu().numpy() for part in parts]
    label_N = np.concatenate(labels)
    layers = answers(task, subject.model, Split.TEST, chosen)
    if not layers:
        return None
    weight_RN = resampled_weights(len(chosen))
    index = {layer.name: selectivity(layer.most_NU, label_N, weight_RN) for layer in layers}
    mean_RL = np.stack([index[layer.name].mean(1) for layer in layers], 1)
    fresh_RL = []
    for seed in range(1, controls + 1):
        others = {a.name: a for a in answers(task, subject.fresh(seed), Split.TEST, chosen)}
        means = [selectivity(others[a.name].most_NU, label_N, weight_RN).mean(1) for a in layers]
        fresh_RL.append(np.stack(means, 1))
    depth_L = np.linspace(0, 1, len(layers))
    slopes_R = {"trained": slope(depth_L, mean_RL)}
    fresh: list[Effect] = []
    if fresh_RL:
        other_RL = np.mean(fresh_RL, axis=0)
        fresh = [_centred(other_R, len(chosen)) for other_R in other_RL.T]
        slopes_R["untrained"] = slope(depth_L, other_RL)
        slopes_R["trained - untrained"] = slopes_R["trained"] - slopes_R["untrained"]
    return ByDepth(
        chosen=chosen,
        label_N=label_N,
        layers=layers,
        index={name: index_RU[0] for name, index_RU in index.items()},
        own=[_centred(mean_R, len(chosen)) for mean_R in mean_RL.T],
        fresh=fresh,
        slopes={name: _centred(values_R, len(chosen)) for name, values_R in slopes_R.items()},
    )


def _centred(values_R: Floats, count: int) -> Effect:
    """Return the first value with the spread of the others, around itself.

    A resample picks preferred classes a little worse than all examples do, and so lies lower.
    """
    drawn_R = values_R[1:] - values_R[1:].mean() + values_R[0]
    return bootstrapped([values_R[0], *drawn_R], n=count, over=_OVER)
