"""Marks in the queue of a CUDA device, one behind each step.

The host runs ahead of the device: between two of its calls lies the time that it takes to ask for a
step, not that of the step. A mark gets its time when the device comes to it.
"""

from itertools import pairwise

import torch


class Marks:
    """Times what the device does between marks, without waiting for it."""

    def __init__(self) -> None:
        self._marks: list[torch.cuda.Event] = []

    def set(self) -> None:
        """Set a mark behind all that the device was asked for so far."""
        mark = torch.cuda.Event(enable_timing=True)
        mark.record()
        self._marks.append(mark)

    def take(self) -> list[float]:
        """Return the seconds from each mark to the next, and forget them; the device is idle."""
        marks, self._marks = self._marks, []
        return [one.elapsed_time(other) / 1e3 for one, other in pairwise(marks)]
