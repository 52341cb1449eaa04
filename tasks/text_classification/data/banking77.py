"""Banking77 (Casanueva et al. 2020, arXiv:2003.04807): what a customer of a bank wants."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from suite import Split
from tasks.text_classification.data.published import Facts, PublishedTexts
from tasks.text_classification.data.tables import Reading
from tasks.text_classification.data.texts import Rows


class Banking77(PublishedTexts):
    """Queries; see `Banking77Config`. Its published form is a table for each split."""

    facts: ClassVar = Facts(
        name="banking77",
        files="train.csv and test.csv, nor train and test as tsv, parquet or json",
        sizes={Split.TRAIN: 10_003, Split.TEST: 3080},
        licence="CC BY 4.0",
        source="arXiv:2003.04807",
        notes="official test; validation: queries held out of training",
        label_columns=("category", "label"),
    )

    def published(self, root: Path, reading: Reading) -> Mapping[Split, Rows] | None:
        return None
