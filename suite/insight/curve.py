"""A loss or an error by size: the values of several seeds at each of several sizes.

All is done with logarithms, since noise of a loss is about a share of it at every size.

Legend: S sizes.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Values of runs by size. size_S: ascending. values: of each size, one for each seed.

    lifted: how many values were 0 or below and were put at the floor.
    """

    size_S: Array
    values: tuple[tuple[float, ...], ...]
    lifted: int = 0

    @classmethod
    def of(cls, by_size: Mapping[float, Sequence[float]], *, floor: float = 0.0) -> "Curve":
        """Make a curve of values by size. floor: what a value below it counts as.

        A share of wrong answers of N is best given 0.5 / N: none wrong does not mean none ever.
        Raises `ValueError` where a size or, without a floor, a value is not above 0 and finite.
        """
        sizes = sorted(size for size, values in by_size.items() if values)
        values = [[float(value) for value in by_size[size]] for size in sizes]
        lifted = sum(value < floor for each in values for value in each)
        kept = tuple(tuple(max(value, floor) for value in each) for each in values)
        for number in (*sizes, *(value for each in kept for value in each)):
            if not (math.isfinite(number) and number > 0):
                raise ValueError(f"{number}: sizes and values must be above 0 and finite")
        return cls(size_S=np.asarray(sizes, dtype=np.float64), values=kept, lifted=lifted)

    @property
    def count_S(self) -> NDArray[np.int64]:
        """Seeds at each size."""
        return np.asarray([len(each) for each in self.values], dtype=np.int64)

    @property
    def log_S(self) -> Array:
        """Mean logarithm at each size."""
        return np.asarray([np.log(each).mean() for each in self.values])

    @property
    def mean_S(self) -> Array:
        """Geometric mean at each size."""
        return np.exp(self.log_S)

    @property
    def orders(self) -> float:
        """Orders of magnitude from the least size to the largest."""
        return float(np.log10(self.size_S[-1] / self.size_S[0]))

    def first(self, sizes: int) -> "Curve":
        """Return the curve of the smallest sizes alone."""
        return Curve(size_S=self.size_S[:sizes], values=self.values[:sizes])
