"""What all published sets do: find their files, read them, name their classes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from suite import DataError, OnError, Sieve, Split
from tasks.text_classification.data.hub import Hub
from tasks.text_classification.data.tables import SPLIT_NAMES, Column, Reading, split_files
from tasks.text_classification.data.texts import (
    About,
    Rows,
    TextSet,
    classes_of,
    held_out,
    text_set,
)

_Part = TypeVar("_Part")
_FIX = "rename one, or read the files with data=text_files"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a published set.

    files: what its folder holds, for messages.
    sizes: texts as published; a set without validation holds it out of training.
    classes: names by the number that tables give them; empty where copies number them differently.
    text_columns, label_columns: names that copies of it have for them.
    test: which published split is the test.
    """

    name: str
    files: str
    sizes: Mapping[Split, int]
    licence: str
    source: str
    notes: str
    classes: Sequence[str] = ()
    text_columns: Sequence[str] = ("text",)
    label_columns: Sequence[str] = ("label",)
    test: Split = Split.TEST


@dataclass(kw_only=True)
class PublishedTexts(ABC):
    """A set in the folder `path`, else in the hub's local cache; see `PublishedTextsConfig`."""

    facts: ClassVar[Facts]

    path: str | None
    download: bool
    id: str
    config: str | None
    revision: str
    validation: float
    on_error: OnError

    def load(self, cache: Path) -> TextSet:
        """Load the set; raise a `DataError` that says what is missing and where it belongs."""
        facts = self.facts
        root = cache / "data" / facts.name if self.path is None else Path(self.path).expanduser()
        sieve = Sieve(self.on_error)
        rows = self._rows(root, Reading(sieve))
        named = {split: self._named(split, part, sieve) for split, part in rows.items()}
        differs = "; ".join(
            f"{split.value} has {len(named[split])}, published are {size}"
            for split, size in facts.sizes.items()
            if len(named[split]) != size
        )
        return text_set(
            held_out(named, {Split.VALIDATION: self.validation}),
            facts.classes or classes_of(row.label for row in named[Split.TRAIN]),
            About(
                name=facts.name,
                version="as found" if differs else "as published",
                licence=facts.licence,
                source=facts.source,
                notes="; ".join(filter(None, (facts.notes, differs))),
            ),
            root=f"data={facts.name}: {root}",
            sieve=sieve,
        )

    @abstractmethod
    def published(self, root: Path, reading: Reading) -> Mapping[Split, Rows] | None:
        """Return what the folder holds in the form of the authors; None where it is in another.

        Splits have the names that the authors give them.
        """

    def _rows(self, root: Path, reading: Reading) -> Mapping[Split, Rows]:
        hub = Hub(self.id, self.config, self.revision)
        rows = self._found(root, hub, reading)
        if rows is None and self.download:
            hub.fetch(root)
            rows = self._found(root, hub, reading)
        elif rows is None and self.path is None:
            # Whoever names a folder means that folder.
            snapshot = hub.cached(any_revision=True)
            rows = None if snapshot is None else self._tables(snapshot, hub, reading)
        if rows is None:
            raise self.missing(root, self.facts.files)
        return rows

    def _found(self, root: Path, hub: Hub, reading: Reading) -> Mapping[Split, Rows] | None:
        if not root.is_dir():
            return None
        rows = self.published(root, reading)
        return self._tables(root, hub, reading) if rows is None else self._own(rows)

    def _tables(self, root: Path, hub: Hub, reading: Reading) -> Mapping[Split, Rows] | None:
        """Read plain tables, or else the parquet files of the hub; None where a split lacks."""
        plain = {split: [file] for split, file in split_files(root).items()}
        there = hub.files(root)
        parquet = {
            split: there[name]
            for split, names in SPLIT_NAMES.items()
            for name in names
            if name in there
        }
        text = Column(self.facts.text_columns, _FIX)
        label = Column(self.facts.label_columns, _FIX)
        for files in (plain, parquet):
            own = self._own(files)
            if own.keys() >= self.facts.sizes.keys():
                splits = [split for split in Split if split in own]
                return {split: reading.table(split, own[split], text, label) for split in splits}
        return None

    def _own(self, parts: Mapping[Split, _Part]) -> dict[Split, _Part]:
        """Return the splits by the part that they play here."""
        if self.facts.test is Split.TEST:
            return dict(parts)
        # The published test has no labels.
        own: dict[Split, _Part] = {
            split: part
            for split, part in parts.items()
            if split not in (self.facts.test, Split.TEST)
        }
        if self.facts.test in parts:
            own[Split.TEST] = parts[self.facts.test]
        return own

    def _named(self, split: Split, rows: Rows, sieve: Sieve) -> Rows:
        """Give the classes their names, where a table has their numbers."""
        classes = self.facts.classes
        if not classes:
            return rows
        name = {str(number): one for number, one in enumerate(classes)}
        name |= {one.lower(): one for one in classes}
        named = []
        for row in rows:
            known = name.get(row.label.lower())
            if known is not None:
                named.append(row._replace(label=known))
                continue
            reason = (
                f"label '{row.label:.60}' is none of {', '.join(classes)}, nor of their numbers "
                "from 0; mend it"
            )
            sieve.leave_out(split, row.name, reason)
        return named

    def missing(self, root: Path, what: str, *, rest: bool = False) -> DataError:
        """Return the error for a folder that lacks something. rest: only what completes it."""
        fix = "put it there, give data.path=…, or set data.download=true"
        if rest:
            fix = "put it beside the others"
        return DataError(f"data={self.facts.name}: {root} has no {what}; {fix}")
