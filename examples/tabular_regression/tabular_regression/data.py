"""Tables as they are read: rows of numbers, and for each the number to predict.

Legend: N rows, F features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from suite import DataCard, Examples, Served, Split, fingerprint, split_of


@dataclass(frozen=True)
class Table:
    """Rows by split, in their own units: features (N, F) and target (N, 1), float32."""

    features: Mapping[Split, Tensor]
    target: Mapping[Split, Tensor]
    card: DataCard


def served(features: Mapping[Split, Tensor], target: Mapping[Split, Tensor]) -> dict[Split, Served]:
    """Return splits that hold `features_BF` and `target_BK`, a unit for each row."""
    return {
        split: Examples(
            {"features_BF": features[split], "target_BK": target_NK},
            unit_N=torch.ones(len(target_NK), dtype=torch.float64),
        )
        for split, target_NK in target.items()
    }


class Diabetes:
    """How far diabetes has progressed in a year, from ten numbers of 442 patients.

    Efron, Hastie, Johnstone and Tibshirani 2004, "Least angle regression", section 1, as
    scikit-learn ships it. A patient's split goes by the hash of their row: 60, 20 and 20 per cent.
    """

    def load(self, cache: Path) -> Table:
        """Read the table. cache: a folder for what is expensive to make, which this is not."""
        from sklearn.datasets import load_diabetes

        found = load_diabetes(scaled=False)  # scaled, each feature would know the test rows
        features_NF = torch.tensor(found.data, dtype=torch.float32)
        target_NK = torch.tensor(found.target, dtype=torch.float32)[:, None]
        rows: dict[Split, list[int]] = {split: [] for split in Split}
        for row in range(len(target_NK)):
            rows[split_of(f"diabetes {row}", validation=0.2, test=0.2)].append(row)
        features = {split: features_NF[some] for split, some in rows.items()}
        target = {split: target_NK[some] for split, some in rows.items()}
        card = DataCard(
            name="diabetes",
            version="as in scikit-learn",
            licence="BSD-3-Clause",
            source="sklearn.datasets.load_diabetes; Efron et al. 2004",
            fingerprint=fingerprint(served(features, target)),
            sizes={split.value: len(some) for split, some in rows.items()},
        )
        return Table(features, target, card)
