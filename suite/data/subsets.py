"""A part of a data set: some of its training examples, or some of its classes.

Subsets are nested: that of n examples is part of that of more. They are the same for every seed of
a run, as they go by the hash of an example's place, and each class has its share of them.
Validation and test stay whole, but for the classes that are left out.

A task takes its part before it learns anything from its data (a vocabulary, a mean), so that
nothing has seen more than the part.

Legend: N examples, K strata.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from suite.data.counter import example_keys
from suite.data.memory import DataSet
from suite.errors import ConfigError, PluginError
from suite.task import DataCard, Setup, Split

_ORDER = 0
"""Seeds the order of examples, in place of any run's seed."""
_LENGTHS = 10
"""Strata of examples without labels: tenths, by their length."""


@dataclass(frozen=True)
class Subset:
    """What is left of a data set. indices: of each split, ascending."""

    indices: Mapping[Split, Sequence[int]]
    classes: tuple[str, ...]
    card: DataCard


def labelled_subset(
    setup: Setup,
    card: DataCard,
    labels: Mapping[Split, ArrayLike],
    classes: Sequence[str],
) -> Subset | None:
    """Return what `data.train_examples` and `data.classes` leave; None where that is all of it.

    labels: numbers of classes, (N,) of each split; of the classes the first ones are kept.
    Raises a `ConfigError` where there are not as many, or fewer examples than classes.
    """
    label_N = {split: np.asarray(numbers, dtype=np.int64) for split, numbers in labels.items()}
    kept = setup.classes or len(classes)
    if kept > len(classes):
        raise ConfigError(
            f"data.classes={kept}: {card.name} has {len(classes)} classes; give at most as many, "
            "or null"
        )
    indices = {split: np.flatnonzero(numbers < kept) for split, numbers in label_N.items()}
    train_N = indices[Split.TRAIN]
    wanted = _wanted(setup, card, len(train_N))
    known = len(np.unique(label_N[Split.TRAIN][train_N]))
    if wanted < known:
        raise ConfigError(
            f"data.train_examples={wanted}: below the {known} classes of {card.name}; give "
            f"{known} or more, so that each has one"
        )
    indices[Split.TRAIN] = train_N[_first(label_N[Split.TRAIN][train_N], wanted)]
    fewer = kept < len(classes)
    told = [f"{kept} classes"] * fewer + _told(wanted, len(train_N))
    own = replace(card, published_test=card.published_test and not fewer)
    return _subset(own, indices, tuple(classes[:kept]), told)


def labelled_part(data: DataSet, setup: Setup) -> DataSet:
    """Return what `data.train_examples` and `data.classes` leave of a data set with `label_B`."""
    if setup.train_examples is None and setup.classes is None:
        return data
    labels = {
        split: part.take(torch.arange(len(part)))["label_B"] for split, part in data.splits.items()
    }
    found = labelled_subset(setup, data.card, labels, data.classes)
    if found is None:
        return data
    splits = {
        split: part.only(torch.tensor(found.indices[split], dtype=torch.int64))
        for split, part in data.splits.items()
    }
    groups = {
        split: [names[i] for i in found.indices[split]] for split, names in data.groups.items()
    }
    return DataSet(splits, found.card, found.classes, groups)


def unlabelled_subset(
    setup: Setup, card: DataCard, lengths: Mapping[Split, ArrayLike]
) -> Subset | None:
    """Return what `data.train_examples` leaves; None where that is all of it.

    lengths: of the examples, (N,) of each split; a subset has long and short ones as the whole has.
    Raises a `ConfigError` where there are not as many, or for `data.classes`.
    """
    if setup.classes is not None:
        raise ConfigError(
            f"data.classes={setup.classes}: {card.name} has no classes; set data.classes=null"
        )
    length_N = {split: np.asarray(numbers) for split, numbers in lengths.items()}
    indices = {split: np.arange(len(numbers)) for split, numbers in length_N.items()}
    wanted = _wanted(setup, card, len(indices[Split.TRAIN]))
    rank_N = length_N[Split.TRAIN].argsort(kind="stable").argsort(kind="stable")
    tenth_N = rank_N * _LENGTHS // len(rank_N)
    indices[Split.TRAIN] = _first(tenth_N, wanted)
    return _subset(card, indices, (), _told(wanted, len(rank_N)))


def nested_order(stratum_N: ArrayLike) -> NDArray[np.int64]:
    """Return all places in the order in which ever larger subsets take them.

    The first n hold one of each stratum, the largest first, and then a share of each that is in
    proportion to its size. Taken one by one, since to round shares by the largest remainder can
    give a stratum less of a larger subset (the Alabama paradox): the next goes to the stratum with
    the lowest (taken + 1/2) / size (Webster's method; Balinski and Young 1982).
    """
    _, number_N, size_K = np.unique(stratum_N, return_inverse=True, return_counts=True)
    key_N = example_keys(_ORDER, 0, torch.arange(len(number_N))).numpy()
    place_N = np.lexsort((key_N, number_N))
    taken_N = np.arange(len(place_N)) - np.repeat(size_K.cumsum() - size_K, size_K)
    size_N = np.repeat(size_K, size_K)
    turn_N = np.where(taken_N == 0, -size_N, (taken_N + 0.5) / size_N)
    order_N: NDArray[np.int64] = place_N[np.lexsort((key_N[place_N], turn_N))]
    return order_N


def check_taken(setup: Setup, card: DataCard, classes: Sequence[str] | None) -> None:
    """Raise a `PluginError` where a task has not heeded what part of its data it was to take.

    classes: of the task; None where it has none.
    """
    size = card.sizes.get(Split.TRAIN.value)
    if setup.train_examples not in (None, size) and not card.whole:
        raise PluginError(
            f"data.train_examples={setup.train_examples}: the task takes all {size} of "
            f"{card.name}; see suite.labelled_subset, or set it to null"
        )
    if setup.classes is not None and len(classes or ()) != setup.classes:
        raise PluginError(
            f"data.classes={setup.classes}: the task does not heed it; see suite.labelled_subset, "
            "or set it to null"
        )


def _wanted(setup: Setup, card: DataCard, there: int) -> int:
    wanted = there if setup.train_examples is None else setup.train_examples
    if wanted > there:
        raise ConfigError(
            f"data.train_examples={wanted}: {card.name} has {there} training examples; give at "
            "most as many, or null for all"
        )
    return wanted


def _told(wanted: int, there: int) -> list[str]:
    return [f"{wanted:,} examples"] if wanted < there else []


def _first(stratum_N: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    return np.sort(nested_order(stratum_N)[:wanted])


def _subset(
    card: DataCard,
    indices: Mapping[Split, NDArray[np.int64]],
    classes: tuple[str, ...],
    told: Sequence[str],
) -> Subset | None:
    """Return the subset with its card, which is that of another data set; None where all is left.

    told: what is left of what, in words.
    """
    if not told:
        return None
    digest = hashlib.sha256(card.fingerprint.encode())
    for split, place_N in sorted(indices.items(), key=lambda item: item[0].value):
        digest.update(split.value.encode() + place_N.astype("<i8").tobytes())
    own = replace(
        card,
        name=", ".join([card.name, *told]),
        whole=card.name,
        fingerprint=digest.hexdigest(),
        sizes={split.value: len(places) for split, places in indices.items()},
    )
    return Subset({split: places.tolist() for split, places in indices.items()}, classes, own)
