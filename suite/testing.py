"""Checks that a task keeps the contract of `suite.task`, whatever its modality.

`check_task(["task=…", "data=…"])` is what a plugin's own tests call.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection

from suite.classification import DataSetTask
from suite.compose import compose
from suite.config import HandMadeConfig, PrecisionConfig, RunConfig
from suite.errors import CheckFailed
from suite.mistakes import LARGEST, MOST, SUFFIXES
from suite.run import build_model, build_task
from suite.task import Batch, Mistake, Setup, Split, Task
from suite.training.evaluation import calibrate, evaluate
from suite.training.precision import Precision

_CPU = torch.device("cpu")
_LOOKED_AT = 3
"""Training batches that are compared one by one."""
_TOLD = 24
"""Examples whose properties are looked at."""
_LOOKS_ALIKE = 0.001
"""Share of a split that may equal examples of another."""
_SLACK = 0.01
"""How far a metric may lie outside its interval: a bootstrap of few items is not centred on it."""
_STARTS = {".png": b"\x89PNG", ".wav": b"RIFF"}
_GROWS = "TSL"
"""Axes that a batch pads to its longest example."""


def check_task(run: RunConfig | Sequence[str], *, kind: type[Task] | None = None) -> None:
    """Check a task on its data set and model; raise `CheckFailed` that says what is broken.

    run: a configuration, or overrides as on the command line; choose little data, a small model. A
        backbone on hand-made features has these checked instead of model and training batches.
    kind: the class to check instead of what `task._target_` names.
    """
    config = run if isinstance(run, RunConfig) else compose(run)
    checker = _Checker(config, kind or type(build_task(config, _CPU)))
    checker.construction()
    if isinstance(config.backbone, HandMadeConfig):
        checker.hand_made(config.backbone)
        return
    (task, model), (fresh, _) = checker.make(), checker.make()
    checker.training(task, model, fresh)
    checker.evaluation()
    checker.data(task, fresh)
    checker.mistakes(task, model)
    checker.properties(task, fresh)


def require(holds: bool, broken: str) -> None:
    """Raise `CheckFailed` unless it holds."""
    if not holds:
        raise CheckFailed(broken)


class _Checker:
    def __init__(self, config: RunConfig, kind: type[Task]) -> None:
        self.config = config
        self.kind = kind
        self.setup = build_task(config, _CPU).setup

    def make(self, **changes: Any) -> tuple[Task, nn.Module]:
        """Return a fresh task and its first model."""
        task = self.kind(self.config.task, replace(self.setup, **changes))
        return task, build_model(self.config, task, _CPU)

    def construction(self) -> None:
        class Closed:
            def __getattr__(self, name: str) -> Any:
                raise CheckFailed(f"__init__ uses setup.data.{name}: open data on first use")

        task = self.kind(self.config.task, replace(self.setup, data=Closed()))
        for name in ("name", "unit", "primary"):
            value = getattr(task, name, None)
            require(isinstance(value, str) and bool(value), f"{name}={value!r}: must be a string")

    def training(self, task: Task, model: nn.Module, fresh: Task) -> None:
        batches = list(islice(task.train_batches(seed=0), _LOOKED_AT))
        require(len(batches) == _LOOKED_AT, "train_batches ends: it must go on without end")
        for batch in batches:
            _well_formed(batch, self.setup)
            _units(task, batch)
        for seed, skip in ((0, 0), (0, 2), (1, 0)):
            _, skipped = _skipping(task, fresh, seed, skip)
            again = list(islice(skipped, _LOOKED_AT - skip))
            same = all(map(_same, again, batches[skip:]))
            how = f"train_batches(seed={seed}, skip={skip})"
            require(same or seed > 0, f"{how}: must give batch {skip} of seed 0, and what follows")
            require(not same or seed == 0, f"{how}: gives the batches of seed 0; use the seed")
        epoch = task.batches_per_epoch()
        if epoch is not None:
            require(epoch > 0, f"batches_per_epoch={epoch}: must be above 0, or None")
            same = _same(*map(next, _skipping(task, fresh, 0, epoch)))
            require(same, f"train_batches(skip={epoch}): differs from going on")
        loss = task.loss(model.train(), batches[0])
        require(loss.total.ndim == 0 and bool(loss.total.isfinite()), "loss: must be one number")
        require(loss.count > 0, f"loss: has a count of {loss.count}, must be above 0")
        loss.total.backward()
        moved = any(p.grad is not None and bool(p.grad.any()) for p in model.parameters())
        require(moved, "loss: gives no parameter of the model a gradient")

    def evaluation(self) -> None:
        task, model = self.make(eval_batch_size=16)
        values, metrics = _evaluated(task, model)
        others, _ = _evaluated(*self.make(eval_batch_size=61))
        for name in (task.primary, task.target.metric):
            require(name in values, f"metrics: {name} is not among {', '.join(sorted(values))}")
        for name, value in values.items():
            require(math.isfinite(value), f"metrics: {name} is {value} for an untrained model")
            which = f"evaluate: {name} is {value} in batches of 16, {others[name]} in those of 61"
            require(_close(value, others[name]), which)
        for batch in islice(task.eval_batches(Split.VALIDATION), _LOOKED_AT):
            _well_formed(batch, self.setup)
            _units(task, batch)
            with torch.no_grad():
                plain, padded = (
                    float(task.evaluate(model.eval(), each, task.metrics()).total)
                    for each in (batch, _padded(batch))
                )
            changed = f"model: padding changes the loss from {plain} to {padded}"
            require(_close(plain, padded), changed)
        for name, value in calibrate(task, model, Precision(PrecisionConfig(), _CPU)).items():
            require(math.isfinite(value), f"calibrate: {name} is {value}, must be a number")
        for name, interval in task.intervals(metrics).items():
            require(name in values, f"intervals: {name} is not among {', '.join(sorted(values))}")
            holds = interval.low - _SLACK <= values[name] <= interval.high + _SLACK
            require(holds, f"intervals: {name} is {values[name]}, outside of {interval}")
        self.references(task, metrics)

    def mistakes(self, task: Task, model: nn.Module) -> None:
        precision = Precision(PrecisionConfig(), _CPU)
        if isinstance(task, DataSetTask):
            batch = next(iter(task.eval_batches(Split.TEST)))
            index_B = torch.tensor(task.evaluated(Split.TEST, range(batch.examples)))
            served = task.data.splits[Split.TEST].take(index_B)
            require(_same(batch, served), "evaluated: eval_batches yields other examples there")
        _, metrics = evaluate(task, model, Split.TEST, precision)
        for mistake in islice(task.mistakes(metrics), MOST):
            require(isinstance(mistake, Mistake), f"mistakes: {mistake!r} is not a suite.Mistake")
            known = mistake.suffix in SUFFIXES
            require(known, f"mistakes: suffix {mistake.suffix!r} is not of {', '.join(SUFFIXES)}")
            size = len(mistake.content)
            require(0 < size <= LARGEST, f"mistakes: {size} bytes, must be 1 to {LARGEST}")
            start = _STARTS.get(mistake.suffix, b"")
            sound = mistake.content.startswith(start)
            require(sound, f"mistakes: the content is not that of a {mistake.suffix} file")
            differ = mistake.true != mistake.predicted
            require(differ, f"mistakes: {mistake.true!r} was predicted, and right")
            sure = mistake.confidence is None or 0 <= mistake.confidence <= 1
            require(sure, f"mistakes: confidence {mistake.confidence}, must be in [0, 1] or None")

    def properties(self, task: Task, fresh: Task) -> None:
        count = min(task.card().sizes.get(Split.TEST.value, 0), _TOLD)
        indices = list(range(count))
        told = dict(task.properties(Split.TEST, indices))
        again = fresh.properties(Split.TEST, indices[::-1])
        require(told.keys() == again.keys(), "properties: other names for other examples")
        for name, values in told.items():
            where = f"properties: {name}"
            shape = tuple(values.shape)
            require(shape == (count,), f"{where} has shape {shape}, must be ({count},)")
            kinds = values.dtype is torch.int64
            sound = kinds or values.is_floating_point()
            require(sound, f"{where} is {values.dtype}, must be a float or torch.int64")
            infinite = values.is_floating_point() and bool(values.isinf().any())
            require(not infinite, f"{where} is infinite; NaN stands for none")
            same = torch.allclose(values.double(), again[name].double().flip(0), equal_nan=True)
            require(same, f"{where} differs with the order of the examples or the opening")

    def references(self, task: Task, metrics: MetricCollection) -> None:
        for reference in task.references:
            require(reference.metric in metrics, f"references: {reference} is of no metric here")
            sound = math.isfinite(reference.value) and bool(reference.name and reference.source)
            require(sound, f"references: {reference} needs a name, a value and a source")
            counted = reference.n is None or reference.n > 0
            require(counted, f"references: {reference} has n={reference.n}: above 0, or None")
            known = metrics[reference.metric].higher_is_better is not None
            way = f"references: {reference.metric} does not tell its direction: set the metric's"
            require(known or reference.metric == task.target.metric, f"{way} higher_is_better")

    def hand_made(self, options: HandMadeConfig) -> None:
        task, fresh = (self.kind(self.config.task, self.setup) for _ in range(2))
        made, again = task.hand_made(options), fresh.hand_made(options)
        kinds = getattr(self.config.task, "hand_made", ())
        require(made.kind in kinds, f"hand_made: made {made.kind}, the task has {', '.join(kinds)}")
        widths = set()
        for split in Split:
            values, labels = made.values[split], made.labels[split]
            size = task.card().sizes.get(split.value)
            where = f"hand_made: {split.value}"
            same_size = values.shape[0] == len(labels) == size
            rows = f"{where} has {values.shape[0]} rows and {len(labels)} labels, the card {size}"
            require(same_size, rows)
            widths.add(values.shape[1])
            numbers = values.data if hasattr(values, "tocsr") else values
            require(bool(np.isfinite(numbers).all()), f"{where} has values that are not finite")
            equal = (values != again.values[split]).sum() == 0
            require(bool(equal), f"{where} differs from one making to the next")
            served = [batch["label_B"] for batch in task.eval_batches(split)]
            counts = np.bincount(torch.cat(served).numpy(), minlength=int(labels.max()) + 1)
            agree = np.array_equal(np.bincount(labels, minlength=len(counts)), counts)
            require(agree, f"{where} has other labels than eval_batches")
        require(len(widths) == 1, f"hand_made: splits differ in their number of features, {widths}")
        predicted = torch.from_numpy(made.labels[Split.VALIDATION])
        metrics = task.metrics()
        metrics.update(predicted, predicted)
        named = task.primary in metrics.compute()
        require(named, f"metrics: {task.primary} is not among those of predicted and true classes")

    def data(self, task: Task, fresh: Task) -> None:
        card = task.card()
        for name in ("name", "version", "licence", "source", "fingerprint"):
            require(bool(getattr(card, name)), f"card: has no {name}")
        same = card.fingerprint == fresh.card().fingerprint
        require(same, "card: the fingerprint differs from one opening to the next")
        owner: dict[bytes, Split] = {}
        for split in Split:
            contents = [c for batch in task.eval_batches(split) for c in _contents(batch)]
            size = card.sizes.get(split.value)
            seen = f"eval_batches({split.value}): {len(contents)} examples, the card has {size}"
            require(len(contents) == size, seen)
            leaked = sum(owner.setdefault(content, split) is not split for content in contents)
            # Texts of unknown characters alone may look the same though they are not.
            few = leaked <= _LOOKS_ALIKE * len(contents)
            require(few, f"splits: {leaked} examples of {split.value} are in an earlier split too")


def _skipping(
    task: Task, fresh: Task, seed: int, skip: int
) -> tuple[Iterator[Batch], Iterator[Batch]]:
    """Return batches from number `skip` on: of a task that goes on, and of a fresh one.

    A task with a state is resumed by it, as from a checkpoint.
    """
    gone_on = task.train_batches(seed=seed)
    for _ in range(skip):
        next(gone_on)
    state = deepcopy(dict(task.state_dict())) if skip else {}
    if state:
        fresh.load_state_dict(state)
    return gone_on, fresh.train_batches(seed=seed, skip=skip)


def _well_formed(batch: Batch, setup: Setup) -> None:
    """Check tensors against the axes in their names."""
    require(isinstance(batch, Batch), f"batches: {type(batch).__name__} is not a suite.Batch")
    sizes: dict[str, int] = {"B": batch.examples}
    for name, tensor in batch.items():
        axes = name.rpartition("_")[2]
        named = axes.isupper() and axes.startswith("B")
        require(named, f"{name}: must end in its axes, as pixels_BCHW; B comes first")
        shape = tuple(tensor.shape)
        require(len(axes) == len(shape), f"{name}: has shape {shape}, not axes {axes}")
        for axis, size in zip(axes, shape, strict=True):
            known = sizes.setdefault(axis, size)
            require(known == size, f"{name}: axis {axis} is {size}, elsewhere {known}")
        whole = not name.startswith(("label", "length", "key")) or tensor.dtype is torch.int64
        require(whole, f"{name}: is {tensor.dtype}, must be torch.int64")
        place = tensor.device.type
        require(place == setup.device.type, f"{name}: is on {place}, not on {setup.device}")


def _units(task: Task, batch: Batch) -> None:
    counts = {"image": batch.examples}
    if "length_B" in batch:
        counts["token"] = int(batch["length_B"].sum())
    wanted = counts.get(task.unit, batch.units)
    right = batch.units == wanted and batch.units > 0
    require(right, f"units={batch.units}: a batch of {wanted} {task.unit}s")


def _same(one: Batch, other: Batch) -> bool:
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def _evaluated(task: Task, model: nn.Module) -> tuple[dict[str, float], MetricCollection]:
    precision = Precision(PrecisionConfig(), _CPU)
    return evaluate(task, model, Split.VALIDATION, precision)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-3, abs_tol=1e-3)


def _padded(batch: Batch) -> Batch:
    """Return the batch with seven more positions of padding wherever it pads to the longest."""
    longest = {int(v.max()) for k, v in batch.items() if "length" in k and k.endswith("_B")}
    tensors: dict[str, Tensor] = {}
    for name, tensor in batch.items():
        axis = name.rpartition("_")[2][-1]
        more = axis in _GROWS and tensor.shape[-1] in longest
        tensors[name] = nn.functional.pad(tensor, (0, 7)) if more else tensor
    return replace(batch, tensors=tensors)


def _contents(batch: Batch) -> Iterable[bytes]:
    """Return a hash of each example's input, without its padding."""
    inputs = [v for k, v in batch.items() if len(k.rpartition("_")[2]) > 1]
    for rows in zip(*(inputs or list(batch.values())), strict=True):
        raw = b"|".join(row.numpy().tobytes().rstrip(b"\0") for row in rows)
        yield hashlib.sha256(raw).digest()
