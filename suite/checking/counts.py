"""Examples, units and sizes are counted right: throughput, averages and curves rest on them."""

import math
from collections.abc import Iterator
from itertools import chain, islice

from suite.checking.check import Broken, Check
from suite.checking.naming import axes_of
from suite.checking.subject import LOOKED_AT, Subject
from suite.task import Batch, Split

_CLOSE = 1e-4


def _look(subject: Subject) -> str:
    if not subject.shallow:
        _epoch(subject)
        for method, batch in _served(subject):
            _examples(batch, method)
            _units(subject, batch, method)
        _rate(subject)
    told = []
    for split, content in subject.contents.items():
        seen = len(content.hashes)
        if seen > content.size or (content.whole and seen < content.size):
            count = "more" if seen > content.size else f"{seen}"
            raise Broken(
                f"eval_batches({split.value}): {count} examples, the card has {content.size}",
                at="eval_batches",
                mend="yield every example of the split once, the last batch too; mend card().sizes",
            )
        told.append(f"{content.told()} {split.value}")
    return ", ".join(told)


def _served(subject: Subject) -> Iterator[tuple[str, Batch]]:
    evaluated = islice(subject.task.eval_batches(Split.VALIDATION), LOOKED_AT)
    yield from chain(
        (("train_batches", batch) for batch in subject.batches),
        (("eval_batches", batch) for batch in evaluated),
    )


def _epoch(subject: Subject) -> None:
    epoch = subject.task.batches_per_epoch()
    if epoch is not None and epoch <= 0:
        raise Broken(
            f"batches_per_epoch={epoch}: must be above 0, or None",
            at="batches_per_epoch",
            mend="return None where there are no epochs",
        )


def _examples(batch: Batch, method: str) -> None:
    for name, tensor in batch.items():
        if axes_of(name).startswith("B") and tensor.shape[0] != batch.examples:
            raise Broken(
                f"{name}: axis B is {tensor.shape[0]}, elsewhere {batch.examples}: the batch "
                f"counts {batch.examples} examples",
                at=method,
                mend="give the Batch as many examples as its tensors have rows",
            )


def _units(subject: Subject, batch: Batch, method: str) -> None:
    """Check the units that can be told from the tensors, and that all are numbers on the host."""
    counts = {"image": float(batch.examples)}
    if "length_B" in batch:
        counts["token"] = float(batch["length_B"].sum())
    unit = subject.task.unit
    known = isinstance(batch.units, (int, float)) and math.isfinite(batch.units)
    wanted = counts.get(unit, batch.units)
    if not known or batch.units <= 0 or batch.units != wanted:
        raise Broken(
            f"units={batch.units}: a batch of {wanted:g} {unit}s"
            if known
            else f"units={batch.units!r}: must be a number",
            at=method,
            mend=f"count {unit}s without padding, on the host",
        )
    padded = batch.padded_units
    if padded is not None and padded < batch.units * (1 - _CLOSE):
        raise Broken(
            f"padded_units={padded}: below units={batch.units}",
            at=method,
            mend="count them as if every example were as long as the longest",
        )


def _rate(subject: Subject) -> None:
    """Seconds, or whatever else lengths stand for, are so many a position in every batch."""
    rates = {
        batch.units / float(batch["length_B"].sum())
        for _, batch in _served(subject)
        if "length_B" in batch and batch["length_B"].sum() > 0
    }
    if rates and max(rates) > min(rates) * (1 + _CLOSE):
        raise Broken(
            f"units: {min(rates):g} to {max(rates):g} {subject.task.unit}s for each position of "
            "length_B, must be as many in every batch",
            at="train_batches",
            mend="count units of real positions, without padding",
        )


COUNTS = Check(
    name="counts",
    looks_for="examples, units and sizes of splits are what is served",
    look=_look,
    needs=("opens", "card", "axes"),
    of_networks=False,
)
