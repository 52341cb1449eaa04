"""A data set made of all its examples: divided into splits, described and named by content.

Legend: N examples.
"""

import hashlib
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from suite.data.fingerprint import fingerprint
from suite.data.memory import DataSet, Examples, Ragged
from suite.data.splits import hold_out
from suite.errors import DataError
from suite.task import DataCard, Split

Columns = Mapping[str, Tensor | Ragged]


def labelled_data_set(
    columns: Columns,
    classes: Sequence[str],
    *,
    name: str,
    licence: str = "",
    source: str = "",
    version: str = "1",
    synthetic: bool = False,
    unit_N: Tensor | None = None,
    groups: Sequence[str] | None = None,
    validation: float = 0.1,
    test: float = 0.2,
) -> DataSet:
    """Divide labelled examples into three splits, each class in the same shares.

    Equal examples stay together, and so do those of a group where groups are given.
    columns: tensors with N first, or ragged rows, by the name they have in a batch; `label_B` is
        int64, a number of `classes`.
    licence, source, version: empty where the YAML of the data tells them.
    unit_N: natural units of each example; None counts 1, or what the rows hold where some are
        ragged. groups: who spoke, which document, …, of each example.
    validation, test: shares of all examples. Raises a `DataError` for labels out of range and
        columns of different length.
    """
    label_N = _labels(columns, classes, name)
    keys = list(groups) if groups is not None else _contents(columns)
    if len(keys) != len(label_N):
        raise DataError(
            f"{name}: has {len(keys)} groups for {len(label_N)} examples; give one each"
        )
    labels = label_N.tolist()
    rest, tested = hold_out(keys, test, strata=labels)
    kept, validated = hold_out(
        [keys[i] for i in rest], validation / (1 - test), strata=[labels[i] for i in rest]
    )
    places = {
        Split.TRAIN: [rest[i] for i in kept],
        Split.VALIDATION: [rest[i] for i in validated],
        Split.TEST: tested,
    }
    empty = next((split.value for split, place in places.items() if not place), None)
    if empty:
        raise DataError(f"{name}: {len(labels)} examples leave none for {empty}; give more")
    whole = _examples(columns, unit_N, len(labels))
    splits = {split: whole.only(torch.tensor(place)) for split, place in places.items()}
    card = DataCard(
        name=name,
        version=version,
        licence=licence,
        source=source,
        fingerprint=fingerprint(splits),
        sizes={split.value: len(part) for split, part in splits.items()},
        synthetic=synthetic,
        notes="test and validation held out",
    )
    whose = {} if groups is None else {s: [groups[i] for i in places[s]] for s in Split}
    return DataSet(splits, card, tuple(classes), whose)


def _labels(columns: Columns, classes: Sequence[str], name: str) -> Tensor:
    label_N = columns.get("label_B")
    if not isinstance(label_N, Tensor) or label_N.dtype is not torch.int64:
        raise DataError(f"{name}: has no column label_B of torch.int64; give the classes' numbers")
    wrong = ((label_N < 0) | (label_N >= len(classes))).nonzero()[:, 0].tolist()
    if wrong:
        at = wrong[0]
        raise DataError(f"{name}: label_B[{at}]={label_N[at]} is none of {len(classes)} classes")
    sizes = {key: len(column) for key, column in columns.items()}
    odd = next((key for key, size in sizes.items() if size != len(label_N)), None)
    if odd is not None:
        raise DataError(f"{name}: {odd} has {sizes[odd]} rows and label_B {len(label_N)}")
    return label_N


def _contents(columns: Columns) -> list[str]:
    """Return a hash of each example without its label."""
    inputs = [column for key, column in columns.items() if key != "label_B"]
    keys = []
    for index in range(len(columns["label_B"])):
        rows = [c.row(index) if isinstance(c, Ragged) else c[index] for c in inputs]
        raw = b"|".join(row.contiguous().numpy().tobytes() for row in rows)
        keys.append(hashlib.sha256(raw).hexdigest())
    return keys


def _examples(columns: Columns, unit_N: Tensor | None, count: int) -> Examples:
    ragged = next((column for column in columns.values() if isinstance(column, Ragged)), None)
    length_N = None if ragged is None else ragged.length_N
    if unit_N is None:
        unit_N = torch.ones(count) if length_N is None else length_N
    return Examples(dict(columns), unit_N=unit_N.double(), length_N=length_N)
