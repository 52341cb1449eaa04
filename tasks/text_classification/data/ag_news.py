"""AG News (Zhang et al. 2015, arXiv:1509.01626): titles and leads of articles, four topics."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import ClassVar

from suite import Split, csv_rows
from tasks.text_classification.data.published import Facts, PublishedTexts
from tasks.text_classification.data.tables import Reading
from tasks.text_classification.data.texts import Rows

_TOPICS = ("World", "Sports", "Business", "Sci/Tech")
_FILES = {Split.TRAIN: "train.csv", Split.TEST: "test.csv"}


class AGNews(PublishedTexts):
    """News; see `AGNewsConfig`."""

    facts: ClassVar = Facts(
        name="ag_news",
        files="train.csv and test.csv, nor train and test as tsv, parquet or json",
        sizes={Split.TRAIN: 120_000, Split.TEST: 7600},
        licence="non-commercial use, as the AG corpus says",
        source="arXiv:1509.01626",
        notes="official test; validation: articles held out of training; title and description",
        classes=_TOPICS,
    )

    def published(self, root: Path, reading: Reading) -> Mapping[Split, Rows] | None:
        files = {split: root / name for split, name in _FILES.items()}
        train = files[Split.TRAIN]
        # A table with a header is not the published form.
        if not train.is_file() or not all(_is_topic(row) for row in islice(_records(train), 1)):
            return None
        if not files[Split.TEST].is_file():
            raise self.missing(root, _FILES[Split.TEST], rest=True)
        return {split: reading.rows(split, file, _articles(file)) for split, file in files.items()}


def _records(file: Path) -> Iterator[list[str]]:
    yield from csv_rows(file, skipinitialspace=True)


def _is_topic(row: list[str]) -> bool:
    return len(row) == 3 and row[0] in {"1", "2", "3", "4"}


def _articles(file: Path) -> Iterator[tuple[str, str] | str]:
    """Read rows of topic (from 1), title and description."""
    for row in _records(file):
        if not _is_topic(row):
            yield "is not a topic (1 to 4), title and description; mend it"
            continue
        topic, title, description = row
        yield f"{title} {description}", _TOPICS[int(topic) - 1]
