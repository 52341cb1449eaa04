"""IMDb reviews (Maas et al. 2011): is a film liked? Test reviews are of other films."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from suite import DataError, Split
from tasks.text_classification.data.published import Facts, PublishedTexts
from tasks.text_classification.data.tables import MOST_CHARACTERS, Reading
from tasks.text_classification.data.texts import Rows

_CLASSES = ("neg", "pos")


class IMDb(PublishedTexts):
    """Reviews; see `IMDbConfig`."""

    facts: ClassVar = Facts(
        name="imdb",
        files="aclImdb/{train,test}/{pos,neg}/*.txt, nor train and test as csv, tsv, parquet or "
        "json",
        sizes={Split.TRAIN: 25_000, Split.TEST: 25_000},
        licence="as found",
        source="ai.stanford.edu/~amaas/data/sentiment",
        notes="official test; validation: reviews held out of training; unlabelled ones left out",
        classes=_CLASSES,
    )

    def published(self, root: Path, reading: Reading) -> Mapping[Split, Rows] | None:
        for folder in (root / "aclImdb", root):
            if (folder / "train" / _CLASSES[0]).is_dir():
                return {
                    split: self._reviews(split, folder / split.value, reading)
                    for split in (Split.TRAIN, Split.TEST)
                }
        return None

    def _reviews(self, split: Split, folder: Path, reading: Reading) -> Rows:
        rows = []
        for label in _CLASSES:
            files = sorted((folder / label).glob("*.txt"))
            if not files:
                raise self.missing(folder, f"{label}/*.txt", rest=True)
            for file in files:
                row = reading.good(split, str(file), _review(file), label)
                if row is not None:
                    rows.append(row)
        return rows


def _review(file: Path) -> str:
    """Read a file, or as much of it as tells that it is too long."""
    try:
        with file.open(encoding="utf-8", errors="surrogateescape") as opened:
            return opened.read(MOST_CHARACTERS + 1)
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); mend it") from error
