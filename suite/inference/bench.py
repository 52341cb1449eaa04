"""Measures a model in each form, at each batch size, on each number of threads."""

import gc
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import nn

from suite.errors import TriathlonError, one_line
from suite.hardware.flops import count_flops
from suite.hardware.peak import peak_of
from suite.inference.difference import difference
from suite.inference.forms import make
from suite.inference.plan import ModelForm, Plan
from suite.inference.portable import Portable
from suite.inference.timing import time_calls
from suite.task import Batch
from suite.training.precision import Precision

TOLERANCE = {"fp32": 1e-3, "tf32": 1e-2, "fp16": 1e-2, "bf16": 5e-2}
"""Difference up to which a form computes the same as eager, by what products run in: a few
roundings, as compilers keep more digits between operations than eager does."""
_LONGEST_REASON = 160


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How fast one form answers, calls being made one after the other.

    make_seconds: until the first answer: tracing, compiling, exporting. calls: timed ones.
    difference: from eager's output, see `difference`; up to `tolerance` it is the same.
    peak_share: FLOPs of the model in a second over the device's peak; None where either is not
        known.
    """

    make_seconds: float
    calls: int
    p50_seconds: float
    p95_seconds: float
    p99_seconds: float
    examples_per_second: float
    units_per_second: float
    difference: float
    tolerance: float
    peak_share: float | None = None

    @property
    def wrong(self) -> bool:
        """Whether it computes something else than eager does."""
        return self.difference > self.tolerance


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of one combination: a speed, or in one line why there is none."""

    form: ModelForm
    threads: int
    batch_size: int
    speed: Speed | None = None
    failure: str = ""


def bench(
    model: nn.Module,
    batches: Mapping[int, Batch],
    plan: Plan,
    *,
    threads: Sequence[int],
    precision: Precision,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Result]:
    """Yield the result of each combination, forms of the same batch next to each other.

    batches: by their size, on the model's device. tell: is told what is measured next.
    The model is left in evaluation mode, torch's threads as they were.
    """
    model.eval()
    flops = {size: _flops(model, batch, precision) for size, batch in batches.items()}
    before = torch.get_num_threads()
    try:
        for count, size, form in product(threads, batches, plan.forms):
            torch.set_num_threads(count)
            tell(f"{form.value}, batch {size}, {count} thread{'s' * (count > 1)}")
            peak = peak_of(precision.device, precision.products).flops_per_second
            speed, failure = None, ""
            try:
                speed = _measure(
                    form, model, batches[size], flops[size] / peak,
                    threads=count, seconds=plan.seconds, precision=precision,
                )  # fmt: skip
            except Exception as error:  # whatever a compiler or exporter raises
                failure = _reason(error)
            yield Result(form=form, threads=count, batch_size=size, speed=speed, failure=failure)
    finally:
        torch.set_num_threads(before)


def _measure(
    form: ModelForm,
    model: nn.Module,
    batch: Batch,
    peak_seconds: float,
    *,
    threads: int,
    seconds: float,
    precision: Precision,
) -> Speed:
    """Make one form, compare its output with eager's, and time it.

    peak_seconds: those that the device would take for the batch at its peak.
    """

    def wait() -> None:
        if precision.device.type == "cuda":
            torch.cuda.synchronize(precision.device)

    portable = Portable(model, batch)
    inputs = tuple(batch[name] for name in portable.names)
    with torch.inference_mode(), precision.autocast(), warnings.catch_warnings():
        # Exporters warn of what they will do otherwise one day; the difference says what counts.
        warnings.simplefilter("ignore")
        expected = portable(*inputs)
        wait()
        began = time.perf_counter()
        call = make(form, portable, inputs, threads=threads)
        outputs = call()
        wait()
        made = time.perf_counter() - began
        off = difference(outputs, expected)
        gc.collect()  # what a compiler left is not to be cleared away while calls are timed
        timing = time_calls(call, seconds=seconds, wait=wait)
    rate = timing.calls_per_second
    p50, p95, p99 = map(timing.percentile, (50, 95, 99))
    return Speed(
        make_seconds=made,
        calls=len(timing.seconds),
        p50_seconds=p50,
        p95_seconds=p95,
        p99_seconds=p99,
        examples_per_second=rate * batch.examples,
        units_per_second=rate * batch.units,
        difference=off,
        tolerance=TOLERANCE[precision.products],
        peak_share=None if math.isnan(peak_seconds) else rate * peak_seconds,
    )


def _flops(model: nn.Module, batch: Batch, precision: Precision) -> float:
    """Return the FLOPs of a forward pass; not a number where they cannot be counted."""
    try:
        with precision.autocast():
            return count_flops(model, batch) or math.nan
    except Exception:  # a measurement of a model that somebody else wrote is no reason to stop
        return math.nan


def _reason(error: Exception) -> str:
    """Say in one line why a form cannot be had."""
    if isinstance(error, TriathlonError):
        return str(error)
    text = f"{type(error).__name__}: {one_line(str(error))}"
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"
