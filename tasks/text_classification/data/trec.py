"""TREC questions (Li and Roth 2002): what a question asks for, six coarse classes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from suite import Split, lines_of
from tasks.text_classification.data.published import Facts, PublishedTexts
from tasks.text_classification.data.tables import Reading
from tasks.text_classification.data.texts import Rows

_FILES = {Split.TRAIN: "train_5500.label", Split.TEST: "TREC_10.label"}


class TREC(PublishedTexts):
    """Questions; see `TRECConfig`."""

    facts: ClassVar = Facts(
        name="trec",
        files="train_5500.label and TREC_10.label, nor train and test as csv, tsv, parquet or json",
        sizes={Split.TRAIN: 5452, Split.TEST: 500},
        licence="as found",
        source="cogcomp.seas.upenn.edu/Data/QA/QC",
        notes="official test; validation: questions held out of training",
        # Copies give the six classes different numbers, so numbers stay what they are.
        label_columns=("coarse_label", "label-coarse", "label_coarse", "label"),
    )

    def published(self, root: Path, reading: Reading) -> Mapping[Split, Rows] | None:
        files = {split: root / name for split, name in _FILES.items()}
        if not files[Split.TRAIN].is_file():
            return None
        if not files[Split.TEST].is_file():
            raise self.missing(root, _FILES[Split.TEST], rest=True)
        return {split: reading.rows(split, file, _questions(file)) for split, file in files.items()}


def _questions(file: Path) -> Iterator[tuple[str, str] | str]:
    """Read lines of `COARSE:fine question`."""
    # One question has a byte that is not UTF-8.
    for line in lines_of(file, encoding="latin-1"):
        label, _, text = line.strip().partition(" ")
        coarse, colon, _ = label.partition(":")
        yield (text, coarse) if colon else "is not COARSE:fine and a question; mend it"
