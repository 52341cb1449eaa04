"""How much arithmetic training asks for: FLOPs of steps, by the shapes of their batches.

A shape is counted once, while the training clock stands. Where batches differ in length there may
be hundreds of shapes: after the first few, the rest follows from them by a + b T + c T² for each
example, T its positions, which is what layers and attention cost.

Legend: B batch, T positions.
"""

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from suite.errors import one_line
from suite.task import Batch

COUNTED = 12
"""Shapes that are counted; three would do for a quadratic function."""

Shapes = tuple[tuple[int, ...], ...]


class Work:
    """Tells the FLOPs of batches. count: those of one batch, forward and backward."""

    def __init__(self, count: Callable[[Batch], int]) -> None:
        self._count = count
        self._counted: dict[Shapes, int] = {}
        self._waiting: dict[Shapes, Batch] = {}
        self._followed: dict[Shapes, float] = {}
        self._failure = ""

    def note(self, batch: Batch) -> Shapes:
        """Return what identifies the batch's work; keep the first of each shape to be counted."""
        shapes = tuple(tuple(tensor.shape) for tensor in batch.values())
        if shapes not in self._counted and len(self._counted) + len(self._waiting) < COUNTED:
            self._waiting.setdefault(shapes, batch)
        return shapes

    def settle(self) -> None:
        """Count the shapes that are new; the training clock must not run.

        Where that fails, nothing is known from then on, and `basis` says why: a measurement is no
        reason to lose a run.
        """
        for shapes, batch in self._waiting.items():
            try:
                self._counted[shapes] = self._count(batch)
            except Exception as error:  # whatever the loss of a plugin raises
                self._failure = f"{type(error).__name__}: {one_line(str(error))[:200]}"
        if self._waiting:
            self._followed.clear()
        self._waiting.clear()

    def flops(self, shapes: Shapes) -> float | None:
        """Return the FLOPs of a batch of these shapes; None where they cannot be counted."""
        if self._failure:
            return None
        if shapes in self._counted:
            return self._counted[shapes]
        if shapes not in self._followed:
            self._followed[shapes] = self._follow(shapes)
        return self._followed[shapes]

    def state_dict(self) -> dict[str, Any]:
        """Return what was counted, once nothing waits."""
        self.settle()
        return {"counted": list(self._counted.items()), "failure": self._failure}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._counted = {_tuples(shapes): flops for shapes, flops in state["counted"]}
        self._failure = state["failure"]

    @property
    def basis(self) -> str:
        """Say how they are known."""
        if self._failure:
            return f"unavailable: counting failed, {self._failure}"
        if not self._followed:
            return f"counted for every shape of batch ({len(self._counted)})"
        return (
            f"counted for {len(self._counted)} shapes of batches, "
            f"fitted to them for {len(self._followed)} others"
        )

    def _follow(self, shapes: Shapes) -> float:
        known = [(_size(each), flops) for each, flops in self._counted.items()]
        lengths = {length for (_, length), _ in known}
        degree = min(len(lengths) - 1, 2)
        rows = np.array(
            [[float(length) ** p for p in range(degree + 1)] for (_, length), _ in known]
        )
        each = np.array([flops / batch for (batch, _), flops in known])
        scale = rows.max(0)
        fit = np.linalg.lstsq(rows / scale, each, rcond=None)[0] / scale
        batch, length = _size(shapes)
        return float(batch * sum(c * float(length) ** p for p, c in enumerate(fit)))


def _tuples(shapes: Any) -> Shapes:
    return tuple(tuple(shape) for shape in shapes)


def _size(shapes: Shapes) -> tuple[int, int]:
    """Return examples and positions (those of the longest tensor) of a batch."""
    return shapes[0][0], max(prod(shape[1:]) for shape in shapes)
