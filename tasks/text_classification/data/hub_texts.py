"""Texts of any data set on the Hugging Face hub."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite import DataError, OnError, Sieve, Split, nearest
from tasks.text_classification.data.hub import PARQUET, Files, Hub
from tasks.text_classification.data.tables import SPLIT_NAMES, Column, Reading
from tasks.text_classification.data.texts import About, TextSet, classes_of, held_out, text_set


@dataclass(kw_only=True)
class HubTexts:
    """A data set by its id, from the local cache of the hub, or downloaded into it."""

    id: str
    config: str | None
    revision: str | None
    download: bool
    name: str | None
    text_column: str
    label_column: str
    train_split: str
    validation_split: str | None
    test_split: str | None
    validation: float
    test: float
    on_error: OnError

    def load(self, cache: Path) -> TextSet:
        """Return the data set; splits that it has not are held out of training."""
        hub = Hub(self.id, self.config, self.revision or PARQUET)
        if self.download:
            hub.fetch(None)
        folder = hub.cached(any_revision=self.revision is None)
        there = {} if folder is None else hub.files(folder)
        if folder is None or not there:
            of = f" of config {self.config}" if self.config else ""
            raise DataError(
                f"data.id={self.id}: the local cache of the Hugging Face hub has no parquet files"
                f"{of}; set data.download=true, or mend data.id, data.config or "
                "data.revision"
            )
        names = self._splits(there)
        sieve = Sieve(self.on_error)
        reading = Reading(sieve)
        text = Column([self.text_column], "set data.text_column=…")
        label = Column([self.label_column], "set data.label_column=…")
        rows = {
            split: reading.table(split, there[name], text, label) for split, name in names.items()
        }
        return text_set(
            held_out(rows, {Split.VALIDATION: self.validation, Split.TEST: self.test}),
            classes_of(row.label for row in rows[Split.TRAIN]),
            About(
                name=self.name or "/".join(filter(None, (self.id, self.config))),
                version=folder.name,  # the commit
                licence="as the hub says",
                source=f"huggingface.co/datasets/{self.id}",
                published_test=Split.TEST in rows,
            ),
            root=f"data.id={self.id}",
            column=self.label_column,
            sieve=sieve,
        )

    def _splits(self, there: Files) -> dict[Split, str]:
        """Return the data set's own name of each split that it has."""
        asked = {
            Split.TRAIN: self.train_split,
            Split.VALIDATION: self.validation_split,
            Split.TEST: self.test_split,
        }
        names = {split: name for split, name in asked.items() if name is not None}
        known: Sequence[str] = sorted(there)
        for split, name in names.items():
            if name not in there:
                raise DataError(
                    f"data.{split.value}_split={name}: data.id={self.id} has no such split"
                    f"{nearest(name, known)}; it has {', '.join(known)}"
                )
        if len(set(names.values())) < len(names):
            raise DataError(f"data.id={self.id}: one split is given twice: {list(names.values())}")
        for split, usual in SPLIT_NAMES.items():
            free = [name for name in usual if name in there and name not in names.values()]
            if split not in names and free:
                names[split] = free[0]
        return names
