"""From rows of text and label to a data set in memory.

Texts are held, and cut into numbers once: as 32-bit tokens AG News is 30 MB and IMDb, the largest
of the standard sets, 130 MB, so nothing here streams from disk.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from suite import DataCard, DataError, Split, hold_out

Rows = Sequence[tuple[str, str]]
"""Texts, each with the name of its class."""


@dataclass(frozen=True)
class Texts:
    """One split: texts, and for each the number of its class."""

    texts: Sequence[str]
    labels: Sequence[int]


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
                [text for text, _ in train], shares[split], strata=[label for _, label in train]
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
    places: Mapping[Split, str],
    column: str = "",
    skipped: Sequence[str] = (),
) -> TextSet:
    """Give each class its number, and write the card.

    For messages, root is what the user gave, places are the files of splits, and column is where
    labels stand in them.
    Raises a `DataError` for a split without rows, or a label that is none of the classes.
    """
    number = {name: k for k, name in enumerate(classes)}
    splits = {}
    for split in Split:
        if not rows[split]:
            raise DataError(
                f"{root}: no text is left for {split.value}; give more texts or a "
                f"{split.value} file"
            )
        unseen = sorted({label for _, label in rows[split]} - number.keys())
        if unseen:
            where = f" in column '{column}'" if column else ""
            raise DataError(
                f"{places.get(split, root)}: label '{unseen[0]}'{where} does not occur in "
                "training; mend the label or move it"
            )
        splits[split] = Texts(
            [text for text, _ in rows[split]], [number[label] for _, label in rows[split]]
        )
    shared = len({t for t, _ in rows[Split.TRAIN]} & {t for t, _ in rows[Split.TEST]})
    both = f"{shared} texts are in train and in test, as found" if shared else ""
    card = DataCard(
        name=about.name,
        version=about.version,
        licence=about.licence,
        source=about.source,
        fingerprint=_fingerprint(rows),
        sizes={split.value: len(rows[split]) for split in Split},
        skipped=list(skipped),
        notes="; ".join(filter(None, (about.notes, both))),
        published_test=about.published_test,
    )
    return TextSet(splits, tuple(classes), card)


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
        for text, label in rows[split]:
            digest.update(f"{split.value}\0{text}\0{label}\0".encode())
    return digest.hexdigest()
