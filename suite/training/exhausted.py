"""Memory that ran out, on the device or on the host: how to tell, and what to say of it.

torch, numpy and the C++ library each have a form of their own for it.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from suite.config import AUTO, TrainerConfig
from suite.errors import TrainingError
from suite.task import Batch

_HOST = re.compile(
    r"DefaultCPUAllocator|std::bad_alloc|not enough memory|Cannot allocate memory"
    r"|^could not create a primitive$"  # oneDNN, for whose kernels there is no room
)
_DEVICE = re.compile(r"CUDA out of memory|CUDA error: out of memory|_STATUS_ALLOC_FAILED")
_SIZES = (
    re.compile(r"[Tt]ried to allocate (?P<size>[\d.]+) ?(?P<unit>bytes|[KMGTPE]iB)"),
    re.compile(r"Unable to allocate (?P<size>[\d.]+) ?(?P<unit>bytes|[KMGTPE]iB)"),
)
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def memory_ran_out(error: BaseException) -> bool:
    """Return whether an error tells that memory could not be had."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    # As torch passes on what C++ throws.
    text = str(error)
    return isinstance(error, RuntimeError) and bool(_HOST.search(text) or _DEVICE.search(text))


def size_of(error: BaseException) -> str:
    """Return in words how much could not be had; empty where the error does not tell."""
    for form in _SIZES:
        found = form.search(str(error))
        if found is not None:
            size, unit = float(found["size"]), _UNITS.index(found["unit"])
            while size >= 1024 and unit + 1 < len(_UNITS):
                size, unit = size / 1024, unit + 1
            return f"{size:.4g} {_UNITS[unit]}"
    return ""


def exhausted(
    error: BaseException, doing: str, batches: Sequence[Batch] = (), *, advice: str
) -> TrainingError:
    """Return one line for memory that ran out.

    doing: what it ran out in. batches: what was being worked on. advice: what to lower.
    """
    host = not isinstance(error, torch.OutOfMemoryError) and not _DEVICE.search(str(error))
    place = "the host's memory" if host else "the device's memory"
    size = size_of(error)
    missing = f"; {size} more could not be had" if size else ""
    told = f", with {described(batches)}" if batches else ""
    return TrainingError(f"{place} ran out in {doing}{told}{missing}: {advice}")


@contextmanager
def roomy(doing: str, advice: str) -> Iterator[None]:
    """Turn memory that runs out inside the context into one clear line."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not memory_ran_out(error):
            raise
        raise exhausted(error, doing, advice=advice) from error


def described(batches: Sequence[Batch]) -> str:
    """Tell in words how large batches are: their examples, and the largest of their tensors."""
    largest = max(batches, key=lambda batch: sum(one.nbytes for one in batch.values()))
    many = "s" if largest.examples > 1 else ""
    size = f"a batch of {largest.examples} example{many}"
    if not largest.tensors:
        return size
    name, tensor = max(largest.items(), key=lambda item: item[1].nbytes)
    return f"{size} ({name} is {' x '.join(map(str, tensor.shape))})"


def in_training(config: TrainerConfig) -> str:
    """Return what to lower where memory runs out in a step."""
    ways = []
    size, accumulate = config.batch_size, config.accumulate
    if size > 1:
        fewer = f"trainer.batch_size={size // 2} trainer.accumulate={2 * accumulate}"
        ways.append(f"{fewer} (as many examples a step)" if size % 2 == 0 else fewer)
        if config.micro_batch != AUTO:
            ways.append("trainer.micro_batch=auto")
    return f"use {', '.join([*ways, 'a smaller backbone'])}, or on CUDA precision=bf16"


def in_evaluation(eval_batch_size: int) -> str:
    """Return what to lower where memory runs out in an evaluation."""
    return f"lower trainer.eval_batch_size={eval_batch_size}, or use a smaller backbone"
