"""How alike the middle layers of two runs are, and those of the networks that they began as."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from suite.insight.layers import activations
from suite.insight.pairing import pair
from suite.insight.similarity import debiased_cka, gram
from suite.insight.subject import Subject
from suite.study import open_run
from suite.task import Split

_MOST = 400
"""Examples, or pairs of them."""
_APART = 1000
"""Added to a run's seed for the untrained network, so that no two share their weights."""


def middles(one: Path, other: Path) -> tuple[float, float]:
    """Return debiased CKA of the middle layers of two runs, trained and untrained."""
    first, second = (open_run(folder.parent.parent, folder.name) for folder in (one, other))
    pairs = pair(first, second, _MOST)

    def alike(trained: bool) -> float:
        grams = [
            gram(_middle(subject, indices, trained=trained))
            for subject, indices in ((first, pairs.one), (second, pairs.other))
        ]
        return debiased_cka(*grams)

    return alike(True), alike(False)


def _middle(subject: Subject, indices: Sequence[int], *, trained: bool) -> NDArray[np.floating]:
    model = subject.model if trained else subject.fresh(_APART + subject.seed)
    layers = activations(model, subject.task, Split.TEST, indices)
    return layers[len(layers) // 2].values_ND
