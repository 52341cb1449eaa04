"""Stanford Sentiment Treebank, two classes (Socher et al. 2013), in the two splits that are in use.

`sst2` has whole sentences only. `sst2_glue` (Wang et al. 2018, arXiv:1804.07461) trains on phrases
of the same training sentences too, and since its test has no labels, results are on its dev split.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from suite import Split, csv_rows
from tasks.text_classification.data.published import Facts, PublishedTexts
from tasks.text_classification.data.tables import Reading
from tasks.text_classification.data.texts import Rows

_CLASSES = ("negative", "positive")
_COLUMNS = ("sentence", "text")
_SOURCE = "nlp.stanford.edu/sentiment"


class SST2(PublishedTexts):
    """Sentences; see `SST2Config`. Its published form is a table for each split."""

    facts: ClassVar = Facts(
        name="sst2",
        files="train, validation and test as csv, tsv, parquet or json",
        sizes={Split.TRAIN: 6920, Split.VALIDATION: 872, Split.TEST: 1821},
        licence="as found",
        source=_SOURCE,
        notes="official splits; sentences only, no phrases",
        classes=_CLASSES,
        text_columns=_COLUMNS,
    )

    def published(self, root: Path, reading: Reading) -> Mapping[Split, Rows] | None:
        return None


class SST2GLUE(PublishedTexts):
    """Sentences and phrases; see `SST2GLUEConfig`."""

    facts: ClassVar = Facts(
        name="sst2_glue",
        files="train.tsv and dev.tsv, nor train and validation as csv, parquet or json",
        sizes={Split.TRAIN: 67_349, Split.TEST: 872},
        licence="as found",
        source=f"{_SOURCE}, gluebenchmark.com",
        notes="test: GLUE's dev split, as its test has no labels; validation: held out of "
        "training, which has other phrases of its sentences",
        classes=_CLASSES,
        text_columns=_COLUMNS,
        test=Split.VALIDATION,
    )

    def published(self, root: Path, reading: Reading) -> Mapping[Split, Rows] | None:
        train, dev = (root / name for name in ("train.tsv", "dev.tsv"))
        if not train.is_file():
            return None
        if not dev.is_file():
            raise self.missing(root, dev.name, rest=True)
        files = {Split.TRAIN: train, Split.VALIDATION: dev}
        return {split: reading.rows(split, file, _sentences(file)) for split, file in files.items()}


def _sentences(file: Path) -> Iterator[tuple[str, str] | str]:
    """Read rows of sentence and label; quotes are words in them, and quote nothing."""
    for number, row in enumerate(csv_rows(file, delimiter="\t", quoting=csv.QUOTE_NONE)):
        if number > 0:  # the header
            yield (row[0], row[1]) if len(row) == 2 else "is not a sentence and a label; mend it"
