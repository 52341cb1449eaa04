"""What a run says when it cannot write."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from suite.errors import TrainingError, one_line


@contextmanager
def unwritten(run: Path) -> Iterator[None]:
    """Turn a write into a run's folder that failed (a full disk) into one clear line."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as error:
        # torch and safetensors have errors of their own for what the system told them.
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        reason = "the disk is full" if full else one_line(str(error))[:200]
        raise TrainingError(
            f"{run}: a checkpoint cannot be written ({reason}); free some disk, then `triathlon "
            f"resume {run.name}` goes on from the last one"
        ) from error
