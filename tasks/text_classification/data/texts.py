"""From rows of text and label to a data set in memory.

Texts are held, and cut into numbers once: as 32-bit tokens AG News is 30 MB and IMDb, the largest
of the standard sets, 130 MB, so nothing here streams from disk.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from suite import DataCard, DataError, Sieve, Split, hold_out, require_classes


class Row(NamedTuple):
    """A text, the name of its class, and how messages name the row."""

    text: str
    label: str
    name: str


Rows = Sequence[Row]


@dataclass(frozen=True)
class Texts:
    """One split: texts, and for each the number of its class.

    groups: what each is about, where splits are drawn by that; none at all elsewhere.
    """

    texts: Sequence[str]
    labels: Sequence[int]
    groups: Sequence[str] = ()

    def only(self, indices: Sequence[int]) -> "Texts":
        """Return some of them."""
        return Texts(
            [self.texts[i] for i in indices],
            [self.labels[i] for i in indices],
            [self.groups[i] for i in indices] if self.groups else (),
        )


@dataclass(frozen=True)
class TextSet:
    """A data set of texts as they are, before any tokenizer."""

    splits: Mapping[Split, Texts]
    classes: tuple[str, ...]
    card: DataCard


@dataclass(frozen=True, kw_only=True)
class About:
    """What a source tells of itself; see `DataCard`."""

    name: str
    version: str = "as found"
    licence: str = "as found"
    source: str = "files"
    notes: str = ""
    published_test: bool = True


def held_out(rows: Mapping[Split, Rows], shares: Mapping[Split, float]) -> dict[Split, Rows]:
    """Take splits that are missing from training, equal texts together, the test first.

    shares: how much of training each of them takes.
    """
    made = dict(rows)
    for split in (Split.TEST, Split.VALIDATION):
        if split not in made:
            train = made[Split.TRAIN]
            kept, held = hold_out(
                [row.text for row in train], shares[split], strata=[row.label for row in train]
            )
            made[Split.TRAIN] = [train[i] for i in kept]
            made[split] = [train[i] for i in held]
    return made


def text_set(
    rows: Mapping[Split, Rows],
    classes: Sequence[str],
    about: About,
    *,
    root: str,
    sieve: Sieve,
    column: str = "",
) -> TextSet:
    """Give each class its number, and write the card.

    For messages, root is what the user gave, and column is where labels stand. sieve: holds the
    rows that were left out, and takes those whose label is none of the classes.
    Raises a `DataError` for a split without rows, or a class that has lost all of its rows.
    """
    require_classes(sieve.skipped, classes)
    number = {name: k for k, name in enumerate(classes)}
    splits: dict[Split, Texts] = {}
    kept: dict[Split, Rows] = {}
    for split in Split:
        known = [row for row in rows[split] if row.label in number]
        if len(known) < len(rows[split]):
            _leave_out_unseen(split, rows[split], number, column, sieve)
        if not known:
            raise DataError(
                f"{root}: no text is left for {split.value}; give more texts or a "
                f"{split.value} file"
            )
        kept[split] = known
        splits[split] = Texts([row.text for row in known], [number[row.label] for row in known])
    train, test = ({row.text for row in kept[split]} for split in (Split.TRAIN, Split.TEST))
    shared = len(train & test)
    both = f"{shared} texts are in train and in test, as found" if shared else ""
    earlier = {row.text for split in (Split.TRAIN, Split.VALIDATION) for row in kept[split]}
    card = DataCard(
        name=about.name,
        version=about.version,
        licence=about.licence,
        source=about.source,
        fingerprint=_fingerprint(kept),
        sizes={split.value: len(kept[split]) for split in Split},
        skipped=sieve.skipped,
        notes="; ".join(filter(None, (about.notes, both))),
        published_test=about.published_test,
        shared_test=sum(row.text in earlier for row in kept[Split.TEST]),
    )
    return TextSet(splits, tuple(classes), card)


def _leave_out_unseen(
    split: Split, rows: Rows, known: Mapping[str, int], column: str, sieve: Sieve
) -> None:
    where = f" in column '{column}'" if column else ""
    for row in rows:
        if row.label not in known:
            reason = (
                f"label '{row.label:.60}'{where} does not occur in training; mend the label or "
                "move it"
            )
            sieve.leave_out(split, row.name, reason, label=row.label)


def classes_of(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the classes in order, numbers by their value."""
    return tuple(
        sorted(
            set(labels),
            key=lambda name: (not name.isdigit(), len(name) if name.isdigit() else 0, name),
        )
    )


def _fingerprint(rows: Mapping[Split, Rows]) -> str:
    digest = hashlib.sha256()
    for split in Split:
        for row in rows[split]:
            digest.update(f"{split.value}\0{row.text}\0{row.label}\0".encode())
    return digest.hexdigest()
