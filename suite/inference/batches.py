"""Real examples to answer: a batch of the validation split, of typical length."""

from copy import copy
from dataclasses import replace

from suite.errors import ConfigError
from suite.task import Batch, Split, Task


def batch_of(task: Task, size: int) -> Batch:
    """Return a batch of exactly this many examples, or raise a `ConfigError`."""
    # A copy shares the data that is open; only the batch size is its own.
    sized = copy(task)
    sized.setup = replace(task.setup, eval_batch_size=size)
    batch = sized.example_batch()
    if batch.examples != size:  # the middle of two batches is the last, which may not be full
        batch = next(iter(sized.eval_batches(Split.VALIDATION)))
    if batch.examples != size:
        raise ConfigError(
            f"--batch-sizes {size}: the validation split has only {batch.examples} examples; "
            f"give --batch-sizes of at most {batch.examples}, or more data"
        )
    return batch
