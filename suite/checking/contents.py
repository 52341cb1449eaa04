"""What evaluation yields of a data set: a hash of each example, and counts."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from suite.checking.naming import axes_of, is_label
from suite.task import Batch, Split, Task

_SECONDS = 30.0
"""Time to read all splits in; what is left of a larger set is not looked at."""


@dataclass
class Content:
    """Examples of one split. size: as the card has it. whole: all were read."""

    size: int
    hashes: list[bytes] = field(default_factory=list)
    whole: bool = True

    def told(self) -> str:
        """Say how many were read."""
        return f"{len(self.hashes):,}" if self.whole else f"{len(self.hashes):,} of {self.size:,}"


def read_contents(task: Task) -> dict[Split, Content]:
    """Read the splits that the card knows, the test first, as far as time allows."""
    sizes = task.card().sizes
    late = time.monotonic() + _SECONDS
    return {
        split: _read(task, split, sizes[split.value], late)
        for split in (Split.TEST, Split.VALIDATION, Split.TRAIN)
        if split.value in sizes
    }


def _read(task: Task, split: Split, size: int, late: float) -> Content:
    content = Content(size)
    for batch in task.eval_batches(split):
        content.hashes.extend(_hashes(batch))
        if len(content.hashes) > size:  # too many: there may be no end
            break
        if time.monotonic() > late:
            content.whole = len(content.hashes) == size
            break
    return content


def _hashes(batch: Batch) -> Iterator[bytes]:
    """Yield a hash of each example's input, without its padding."""
    inputs = [v for k, v in batch.items() if len(axes_of(k)) > 1 and not is_label(k)]
    for rows in zip(*(inputs or list(batch.values())), strict=True):
        raw = b"|".join(row.numpy().tobytes().rstrip(b"\0") for row in rows)
        yield hashlib.sha256(raw).digest()
