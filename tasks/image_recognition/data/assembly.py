"""Makes a data set of labelled images in memory: missing splits carved from training.

Legend: N images, C channels, H height, W width.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from suite import (
    DataCard,
    DataSet,
    Examples,
    OnError,
    Sieve,
    Skipped,
    Split,
    fingerprint,
)
from tasks.image_recognition.data.labels import UNUSABLE
from tasks.image_recognition.data.splitting import carve, describe_splits, shares, usable


@dataclass(frozen=True)
class Labelled:
    """Images of one split: uint8 (N, C, H, W) and int64 (N,)."""

    pixels_NCHW: Tensor
    label_N: Tensor

    def take(self, indices: Sequence[int]) -> "Labelled":
        """Return the images at these indices."""
        index_N = torch.tensor(indices, dtype=torch.int64)
        return Labelled(self.pixels_NCHW[index_N], self.label_N[index_N])

    def contents(self) -> list[str]:
        """Return a hash of each image's pixels."""
        rows = self.pixels_NCHW.numpy()
        return [hashlib.sha256(row.data).hexdigest() for row in rows]

    def labelled_below(self, classes: int, split: Split, where: object, sieve: Sieve) -> "Labelled":
        """Return the images whose label is one of so many classes; leave out the others."""
        sound_N = (self.label_N >= 0) & (self.label_N < classes)
        for index in (~sound_N).nonzero()[:, 0].tolist():
            label = int(self.label_N[index])
            shown = "" if label == UNUSABLE else f" {label}"
            sieve.leave_out(
                split,
                f"{where} image {index}",
                f"its label{shown} is none of {classes} classes: the file is "
                "damaged or of another set, fetch it again",
            )
        return self if sound_N.all() else self.take(sound_N.nonzero()[:, 0].tolist())


@dataclass(frozen=True, kw_only=True)
class About:
    """What the card of a data set says beside what is found in it."""

    name: str
    source: str
    licence: str = "unknown"
    version: str = "unknown"
    notes: str = ""

    def noting(self, *notes: str) -> "About":
        """Return it with these notes too, but for empty ones."""
        return replace(self, notes="; ".join(filter(None, (self.notes, *notes))))


def assemble(
    parts: dict[Split, Labelled],
    classes: Sequence[str],
    about: About,
    *,
    validation: float,
    test: float = 0.0,
    sieve: Sieve | None = None,
) -> DataSet:
    """Complete `parts` to all three splits and describe them.

    Images of equal pixels stay together where a split is carved. Splits that came with the data
    are kept as they are; the card's notes count what they share.

    validation, test: shares of the training images to hold out for a split that is missing.
    sieve: what takes images whose label training has not; without one they are refused.
    """
    sieve = Sieve(OnError.stop) if sieve is None else sieve
    wanted = shares(parts, validation=validation, test=test)
    train = parts[Split.TRAIN]
    carved = carve(train.contents(), train.label_N.tolist(), wanted) if wanted else {}
    parts = {**parts, **{split: train.take(indices) for split, indices in carved.items()}}
    labels = {split: part.label_N.tolist() for split, part in parts.items()}
    kept = usable(labels, classes, about.name, _names(about), sieve)
    parts = {
        split: part if len(kept[split]) == len(labels[split]) else part.take(kept[split])
        for split, part in parts.items()
    }
    found = describe_splits({split: part.contents() for split, part in parts.items()}, wanted)
    splits = {split: _examples(parts[split]) for split in Split}
    return DataSet(
        splits,
        card_of(
            about,
            fingerprint=fingerprint(splits),
            sizes={split: len(part) for split, part in splits.items()},
            notes=found,
            published_test=Split.TEST not in wanted,
            skipped=sieve.skipped,
        ),
        tuple(classes),
    )


def _names(about: "About") -> Callable[[Split, int], str]:
    return lambda split, index: f"{about.name} {split.value} image {index}"


def card_of(
    about: About,
    *,
    fingerprint: str,
    sizes: dict[Split, int],
    notes: str,
    published_test: bool,
    skipped: Sequence[Skipped] = (),
) -> DataCard:
    """Return the card of a data set."""
    return DataCard(
        name=about.name,
        version=about.version,
        licence=about.licence,
        source=about.source,
        fingerprint=fingerprint,
        sizes={split.value: size for split, size in sizes.items()},
        skipped=tuple(skipped),
        notes=about.noting(notes).notes,
        published_test=published_test,
    )


def _examples(part: Labelled) -> Examples:
    columns = {"pixels_BCHW": part.pixels_NCHW, "label_B": part.label_N}
    return Examples(columns, torch.ones(len(part.label_N), dtype=torch.float64))
