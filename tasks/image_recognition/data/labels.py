"""Labels as data sets write them, and the numbers that a model learns."""

from collections.abc import Sequence
from typing import Any

from suite import DataError


def numbered(
    labels: list[Any], names: Sequence[str], where: object
) -> tuple[list[int], Sequence[str]]:
    """Return labels as numbers from 0 and the classes' names.

    labels: numbers or texts. names: of numbered labels, where they are known. where: for messages.
    """
    missing = sum(label is None for label in labels)
    if missing:
        raise DataError(f"{where}: {missing} rows have no label; remove them or give them one")
    odd = next((label for label in labels if not isinstance(label, (int, str))), None)
    if odd is not None:
        raise DataError(f"{where}: a label is {odd!r}; give a column with one number or text each")
    if names and all(isinstance(label, int) and 0 <= label < len(names) for label in labels):
        return labels, names
    values = sorted(set(labels), key=lambda value: (isinstance(value, str), value))
    number = {value: index for index, value in enumerate(values)}
    return [number[label] for label in labels], [str(value) for value in values]
