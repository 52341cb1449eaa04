"""Makes a data set of labelled images: missing splits carved from training, nothing in two.

Legend: N images, C channels, H height, W width.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from suite import DataCard, DataError, DataSet, Examples, Split, fingerprint, hold_out


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


def assemble(
    parts: dict[Split, Labelled],
    classes: Sequence[str],
    *,
    name: str,
    source: str,
    validation: float,
    test: float,
    licence: str = "unknown",
    version: str = "",
    skipped: Sequence[str] = (),
) -> DataSet:
    """Complete `parts` to all three splits and describe them.

    Images of equal content stay together where a split is carved. Splits that came with the data
    are kept as they are; the card's notes count what they share.

    validation, test: shares of the training images to hold out for a split that is missing.
    """
    notes = []
    if Split.TEST not in parts:
        parts = _carve(parts, Split.TEST, test)
        validation /= 1 - test  # of what the test leaves
        notes.append("test held out from train")
    if Split.VALIDATION not in parts:
        parts = _carve(parts, Split.VALIDATION, validation)
        notes.append("validation held out from train")
    _check(parts, classes, name)
    notes += _shared(parts)
    splits = {split: _examples(parts[split]) for split in Split}
    card = DataCard(
        name=name,
        version=version,
        licence=licence,
        source=source,
        fingerprint=fingerprint(splits),
        sizes={split.value: len(examples) for split, examples in splits.items()},
        skipped=tuple(skipped),
        notes="; ".join(notes),
    )
    return DataSet(splits, card, tuple(classes))


def _carve(parts: dict[Split, Labelled], split: Split, share: float) -> dict[Split, Labelled]:
    train = parts[Split.TRAIN]
    kept, held = hold_out(train.contents(), share, strata=train.label_N.tolist())
    return {**parts, Split.TRAIN: train.take(kept), split: train.take(held)}


def _check(parts: dict[Split, Labelled], classes: Sequence[str], name: str) -> None:
    for split in Split:
        if not len(parts[split].label_N):
            fix = "" if split is Split.TRAIN else f", or change data.{split.value}"
            raise DataError(f"{name}: no image in the {split.value} split; add images{fix}")
    seen = set(parts[Split.TRAIN].label_N.tolist())
    for split in (Split.VALIDATION, Split.TEST):
        unseen = sorted(set(parts[split].label_N.tolist()) - seen)
        if unseen:
            raise DataError(
                f"{name}: label '{classes[unseen[0]]}' in the {split.value} split has no image in "
                f"training; add some, or remove it from {split.value}"
            )


def _shared(parts: dict[Split, Labelled]) -> list[str]:
    """Say how many images of a later split are in an earlier one too."""
    contents = {split: part.contents() for split, part in parts.items()}
    notes = []
    for first, second in (
        (Split.TRAIN, Split.VALIDATION),
        (Split.TRAIN, Split.TEST),
        (Split.VALIDATION, Split.TEST),
    ):
        earlier = set(contents[first])
        count = sum(n for key, n in Counter(contents[second]).items() if key in earlier)
        if count:
            notes.append(f"{count} of {second.value} also in {first.value}")
    return notes


def _examples(part: Labelled) -> Examples:
    columns = {"pixels_BCHW": part.pixels_NCHW, "label_B": part.label_N}
    return Examples(columns, torch.ones(len(part.label_N), dtype=torch.float64))
