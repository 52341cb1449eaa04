"""Splits of labelled images: those that are missing held out from training, and what to check.

Images are known by a key of their content, so that equal ones are never in two splits that were
made here. Splits that came with the data are kept as they are.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from suite import DataError, Sieve, Split, hold_out, require_classes


def shares(given: Mapping[Split, object], *, validation: float, test: float) -> dict[Split, float]:
    """Return the share of the training images to hold out for each split that is not given."""
    wanted = {Split.TEST: test, Split.VALIDATION: validation}
    return {split: share for split, share in wanted.items() if split not in given}


def carve(
    keys: Sequence[str], labels: Sequence[int], wanted: Mapping[Split, float]
) -> dict[Split, list[int]]:
    """Divide training images: indices of those that stay, and of those held out for each split.

    Shares are of the whole; each class is divided in these shares.
    """
    parts: dict[Split, list[int]] = {}
    left, rest = list(range(len(keys))), 1.0
    for split, share in wanted.items():
        kept, held = hold_out(
            [keys[i] for i in left], share / rest, strata=[labels[i] for i in left]
        )
        parts[split] = [left[i] for i in held]
        left, rest = [left[i] for i in kept], rest - share
    return {**parts, Split.TRAIN: left}


def usable(
    labels: Mapping[Split, Sequence[int]],
    classes: Sequence[str],
    name: str,
    name_of: Callable[[Split, int], str],
    sieve: Sieve,
) -> dict[Split, list[int]]:
    """Return the places in each split of the images whose label training has; leave out others.

    name: of the data set; name_of: of the image at a place of a split. Raises a `DataError` where a
    split is empty, or a class has lost all of its training images.
    """
    seen = set(labels[Split.TRAIN])
    kept: dict[Split, list[int]] = {}
    for split in Split:
        kept[split] = [i for i, label in enumerate(labels[split]) if label in seen]
        if len(kept[split]) < len(labels[split]):
            for i in sorted(set(range(len(labels[split]))) - set(kept[split])):
                label = classes[labels[split][i]]
                sieve.leave_out(
                    split,
                    name_of(split, i),
                    f"its label '{label}' has no image in training; add some, or remove it from "
                    f"{split.value}",
                    label=label,
                )
        if not kept[split]:
            fix = "" if split is Split.TRAIN else f", or change data.{split.value}"
            raise DataError(f"{name}: no image in the {split.value} split; add images{fix}")
    require_classes(sieve.skipped, (classes[label] for label in seen))
    return kept


def describe_splits(keys: Mapping[Split, Sequence[str]], wanted: Mapping[Split, float]) -> str:
    """Say which splits were held out, and how many images of one are in an earlier one too."""
    notes = [f"{split.value} held out from train" for split in wanted]
    for first, second in combinations(Split, 2):
        earlier = set(keys[first])
        count = sum(n for key, n in Counter(keys[second]).items() if key in earlier)
        if count:
            notes.append(f"{count} of {second.value} also in {first.value}")
    return "; ".join(notes)
