"""Optical recognition of handwritten digits (Alpaydin and Kaynak 1998), as scikit-learn has it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from suite import DataSet, OnError, Split
from tasks.image_recognition.data.assembly import About, Labelled, assemble

_GREY_LEVELS = 16


@dataclass(frozen=True, kw_only=True)
class Digits:
    """1,797 grey images of 8 x 8 in 10 classes: 70% to train, 10% to validate, 20% to test.

    scikit-learn carries only UCI's test part and not who wrote what, so the split is by content,
    stratified by class, and writers are in all of its parts.
    """

    on_error: OnError = OnError.stop

    def load(self, cache: Path) -> DataSet:
        """Return the data set; nothing is cached."""
        from sklearn.datasets import load_digits

        values_NP, label_N = load_digits(return_X_y=True)
        pixels_NP = np.rint(values_NP * (255 / _GREY_LEVELS)).astype(np.uint8)
        images = Labelled(
            torch.from_numpy(pixels_NP.reshape(-1, 1, 8, 8)),
            torch.from_numpy(label_N.astype(np.int64)),
        )
        data = assemble(
            {Split.TRAIN: images},
            [str(digit) for digit in range(10)],
            About(
                name="digits",
                version="1998",
                licence="CC BY 4.0",
                source="UCI Machine Learning Repository, doi:10.24432/C50P49, through scikit-learn",
            ),
            validation=0.1,
            test=0.2,
        )
        # Nobody published a test split; the references are results on this one.
        return replace(data, card=replace(data.card, published_test=True))
