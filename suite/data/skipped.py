"""Bad samples: the first one stops the run, or each is left out, named and counted.

What is left out is known before any order is made. A source that holds its samples has seen all of
them by then; one that streams goes through them once where `data.on_error=skip`, and keeps what it
found under a stamp of its files (`kept_faults`). So batches are functions of (seed, epoch, index)
over the samples that are left, for any number of workers and after any number of batches skipped.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from suite.config import OnError
from suite.data.cache import atomic_path
from suite.errors import DataError
from suite.task import DataCard, Skipped, Split
from suite.trust.text import in_a_line

NAME = "skipped.jsonl"
"""The list in a run's folder, one object to a line: split, name, reason, label."""
_SHOWN = 3
"""Samples that a message names."""


class Sieve:
    """Takes the bad samples of a source as it finds them.

    skipped: those left out so far, where `on_error` is skip.
    """

    def __init__(self, on_error: OnError) -> None:
        self.on_error = on_error
        self.skipped: list[Skipped] = []

    @property
    def skips(self) -> bool:
        """Whether bad samples are left out."""
        return self.on_error is OnError.skip

    def leave_out(self, split: Split, name: str, reason: str, *, label: str | None = None) -> None:
        """Note a bad sample, or raise the `DataError` that says what is wrong with it.

        split: the one that the sample came in. name: file and row, as messages name it.
        reason: what is wrong and what mends it. label: as it is written, where that is known.
        """
        if not self.skips:
            raise DataError(f"{name}: {reason}, or set data.on_error=skip")
        one = Skipped(split=split, name=in_a_line(name), reason=in_a_line(reason), label=label)
        self.skipped.append(one)


def require_classes(skipped: Iterable[Skipped], learned: Iterable[str]) -> None:
    """Raise a `DataError` where a class has lost all of its training samples.

    learned: labels of the training samples that are left. The classes would silently be others.
    """
    there = set(learned)
    for one in skipped:
        if one.split is Split.TRAIN and one.label is not None and one.label not in there:
            raise DataError(
                f"{one.name}: {one.reason}; no training sample of label '{one.label}' is left, "
                "so it cannot be skipped"
            )


def kept_faults(
    cache: Path, stamp: str | None, find: Callable[[], Mapping[int, str]]
) -> dict[int, str]:
    """Return what is wrong with samples, by their index, as found before or by `find`.

    stamp: changes as soon as a sample may have; None keeps nothing.
    """
    if stamp is None:
        return dict(find())
    file = cache / "faults" / f"{hashlib.sha256(stamp.encode()).hexdigest()[:32]}.json"
    # A file that is not whole, or not ours, is made anew.
    with suppress(OSError, ValueError, AttributeError, RecursionError):
        held = json.loads(file.read_text(encoding="utf-8"))
        return {int(index): str(reason) for index, reason in held.items()}
    found = dict(sorted(find().items()))
    with suppress(OSError), atomic_path(file) as path:  # a full disk costs the next run a pass
        path.write_text(json.dumps(found), encoding="utf-8")
    return found


def counts(card: DataCard) -> dict[str, int]:
    """Return how many samples of each split were left out."""
    found = Counter(one.split for one in card.skipped)
    return {split.value: found[split] for split in Split if split.value in card.sizes}


def plain_card(card: DataCard) -> dict[str, Any]:
    """Return the card as a dict for the record, with counts for the list, which may be long."""
    return {**asdict(card), "skipped": counts(card) if card.skipped else {}}


class Kept(Protocol):
    """Where a run's events go: its journal."""

    folder: Path

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write values by name."""

    def artifact(self, path: Path) -> None:
        """Name a file in the run's folder that belongs to the run."""


def keep_skipped(card: DataCard, data: Any, journal: Kept) -> str:
    """Write the list and the counts to the run; return a line for the console, empty without any.

    data: the `DataConfig`. Raises a `DataError` where more than `data.max_skipped` of a split was
    left out, once the list is written.
    """
    if not card.skipped and getattr(data, "on_error", None) is not OnError.skip:
        return ""
    number = counts(card)
    if card.skipped:
        path = journal.folder / NAME
        with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as lines:
            for one in card.skipped:
                lines.write(json.dumps({**asdict(one), "split": one.split.value}) + "\n")
        journal.artifact(path)
    journal.metrics(0, {f"data/skipped_{split}": float(count) for split, count in number.items()})
    check_share(card, getattr(data, "max_skipped", 1.0))
    if not card.skipped:
        return ""
    told = ", ".join(f"{count} of {split}" for split, count in number.items() if count)
    return f"skipped {told}: see {journal.folder / NAME}"


def check_share(card: DataCard, most: float) -> None:
    """Raise a `DataError` where more than a share of a split was left out."""
    number = counts(card)
    for split in Split:
        bad = number.get(split.value, 0)
        there = bad + card.sizes.get(split.value, 0)
        if bad and bad > most * there:
            some = [one for one in card.skipped if one.split is split]
            first = "; ".join(f"{one.name}: {one.reason}" for one in some[:_SHOWN])
            more = f" and {bad - _SHOWN} more in {NAME}" if bad > _SHOWN else ""
            raise DataError(
                f"{card.name}: {bad} of {there} samples of {split.value} cannot be used "
                f"({bad / there:.2%}), above data.max_skipped={most:g}; mend them or raise it: "
                f"{first}{more}"
            )
