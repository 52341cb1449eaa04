"""Tables as they are read: rows of numbers, and for each the number to predict.

Legend: N rows, F features.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from suite import DataCard, Examples, Split, fingerprint, split_of


@dataclass(frozen=True)
class Table:
    """Rows by split: `features_BF` (N, F) and `target_BK` (N, 1), float32, each in its own unit."""

    splits: Mapping[Split, Examples]
    card: DataCard


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
        splits = {
            split: Examples(
                {"features_BF": features_NF[some], "target_BK": target_NK[some]},
                unit_N=torch.ones(len(some), dtype=torch.float64),
            )
            for split, some in rows.items()
        }
        card = DataCard(
            name="diabetes",
            version="as in scikit-learn",
            licence="BSD-3-Clause",
            source="sklearn.datasets.load_diabetes; Efron et al. 2004",
            fingerprint=fingerprint(splits),
            sizes={split.value: len(some) for split, some in rows.items()},
        )
        return Table(splits, card)
