"""Labels as data sets write them, and the numbers that a model learns."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from suite import DataError

UNUSABLE = -1
"""The number of a label that cannot be used."""
_FIX = "give it one, or remove it"


def numbered(
    labels: Sequence[Any], names: Sequence[str], where: object
) -> tuple[list[int], Sequence[str], Mapping[int, str]]:
    """Return labels as numbers from 0, the classes' names, and what is wrong with labels, by place.

    labels: numbers or texts; a table that lacks some of them has its numbers as floats, with NaN.
    names: of numbered labels, where they are known. where: for messages.
    """
    odd = next((v for v in labels if not isinstance(v, (int, str, float, type(None)))), None)
    if odd is not None:
        raise DataError(f"{where}: a label is {odd!r}; give a column with one number or text each")
    faults: dict[int, str] = {}
    sound: dict[int, int | str] = {}
    for place, label in enumerate(labels):
        if label is None or label == "" or label != label:
            faults[place] = f"has no label; {_FIX}"
        elif isinstance(label, float) and not (math.isfinite(label) and label.is_integer()):
            faults[place] = f"its label {label:g} is no number of a class; {_FIX}"
        else:
            sound[place] = int(label) if isinstance(label, float) else label
    if names:
        number: dict[int | str, int] = {name: k for k, name in enumerate(names)}
        number |= {k: k for k in range(len(names))}
        for place in [place for place, label in sound.items() if label not in number]:
            label = sound.pop(place)
            faults[place] = f"its label {label!r:.60} is none of {len(names)} classes; mend it"
    else:
        values = sorted(set(sound.values()), key=lambda value: (isinstance(value, str), value))
        number = {value: k for k, value in enumerate(values)}
        names = [str(value) for value in values]
    numbers = [number[sound[place]] if place in sound else UNUSABLE for place in range(len(labels))]
    return numbers, names, dict(sorted(faults.items()))
