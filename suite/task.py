"""The contract between a benchmark task and the suite.

A task knows its data, its loss, its metrics, and what an example and its natural unit are. It
knows nothing of training, tracking or hardware. The trainer asks for nothing beyond this file, so
a task may as well make its batches by acting in an environment with the model it built.

Tensor names carry their axes as a suffix: B batch, C channels, H height, W width, T positions,
S samples, K classes.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suite.config import HandMadeConfig, ReferenceKind
from suite.errors import PluginError
from suite.statistics import Interval

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from suite.features import BackboneBuilder


class Split(enum.Enum):
    """The three parts of a data set. `TEST` is read once, after training."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


@dataclass(frozen=True)
class Batch(Mapping[str, Tensor]):
    """Tensors by name, with the counts that throughput is measured in.

    tensors: e.g. `pixels_BCHW`, `tokens_BT`, `wave_BS`, `length_B`, `label_B`; in training also
        `key_B`, one int64 per example that all of its random augmentation is drawn from.
    examples: B.
    units: images, tokens without padding, or seconds of audio, known on the host without a sync.
    padded_units: units if every example were as long as the longest; None where all are as long.
    """

    tensors: Mapping[str, Tensor]
    examples: int
    units: float
    padded_units: float | None = None

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def share(self, rank: int, size: int) -> Batch:
        """Return the examples number rank, rank + size, … of it, as far as there are some.

        Units are taken to be spread evenly. Raises `PluginError` for a tensor whose axes, the
        suffix of its name, do not begin with B.
        """
        for name in self.tensors:
            if not name.rpartition("_")[2].startswith("B"):
                raise PluginError(
                    f"{name}: has no batch axis in front, so it cannot be shared by {size} "
                    "processes; name it …_B…, or give the task a share_of_training"
                )
        part = {name: tensor[rank::size] for name, tensor in self.tensors.items()}
        examples = len(range(rank, self.examples, size))
        share = examples / self.examples
        padded = None if self.padded_units is None else self.padded_units * share
        return Batch(part, examples, self.units * share, padded)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on `device`, copied without blocking where memory is pinned."""
        moved = {k: v.to(device, non_blocking=True) for k, v in self.tensors.items()}
        return replace(self, tensors=moved)


@dataclass(frozen=True)
class Loss:
    """A loss summed over valid items, and their number, so that ragged batches average exactly.

    total: scalar tensor with gradient. count: examples (or labels) that `total` sums over, known
    on the host.
    """

    total: Tensor
    count: int


LossFunction = Callable[[Any, Batch], Loss]
"""Takes the model's output and the batch."""


class Direction(enum.Enum):
    """Whether a larger or a smaller value of a metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    def better(self, candidate: float, incumbent: float) -> bool:
        """Return whether `candidate` is strictly better than `incumbent`."""
        if self is Direction.MAXIMIZE:
            return candidate > incumbent
        return candidate < incumbent

    @property
    def worst(self) -> float:
        """The value that every other one is better than."""
        return float("-inf") if self is Direction.MAXIMIZE else float("inf")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What time-to-target races to: a metric of the validation split and its threshold."""

    metric: str
    threshold: float
    direction: Direction

    def reached(self, value: float) -> bool:
        """Return whether `value` is at the threshold or better."""
        return value == self.threshold or self.direction.better(value, self.threshold)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A published, human or baseline result on the same test split.

    uses: what it used beyond the training split, or what else differs.
    n: number of runs or people behind the value, where the source tells.
    """

    name: str
    metric: str
    value: float
    source: str
    kind: ReferenceKind = ReferenceKind.published
    uses: str = ""
    n: int | None = None


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A sample that was left out, as it cannot be used.

    split: the one that it came in; one that a split was then held out of counts as training.
    name: its file, row or index. reason: what is wrong with it and what mends it.
    label: as it is written, where that is known: which classes lost samples.
    """

    split: Split
    name: str
    reason: str
    label: str | None = None


@dataclass(frozen=True, kw_only=True)
class DataCard:
    """Where data came from and what exactly it is.

    fingerprint: sha256 over the content of all splits, in order; over less of it where data is
        streamed, and then the notes say over what.
    sizes: examples by split. skipped: samples left out because they cannot be used.
    published_test: false where the source made a test split of its own, though it may be as large
        as the published one: results of others are not results on it.
    whole: name of the set that this one is a part of, by `data.train_examples` or `data.classes`;
        empty where it is no part.
    shared_test: test examples that training or validation has too, as the set was published.
    within_groups: splits, by name, that hold groups of training (see `Task.groups`) on purpose: the
        same speakers in training and test, say.
    """

    name: str
    version: str
    licence: str
    source: str
    fingerprint: str
    sizes: Mapping[str, int]
    synthetic: bool = False
    skipped: Sequence[Skipped] = ()
    notes: str = ""
    published_test: bool = True
    whole: str = ""
    shared_test: int = 0
    within_groups: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of one test split: results of others, and the threshold to race to.

    test_examples: size of the test split the references are results on; None fits any.
    licence, source, version: of the data, where its configuration tells them.
    """

    references: Sequence[Reference] = ()
    test_examples: int | None = None
    target: float | None = None
    licence: str | None = None
    source: str | None = None
    version: str | None = None

    def described(self, card: DataCard) -> DataCard:
        """Return the card with the licence, source and version that are known."""
        known = {name: getattr(self, name) for name in ("licence", "source", "version")}
        told = {name: value for name, value in known.items() if value is not None}
        return replace(card, **told) if told else card

    def of(self, card: DataCard) -> Sequence[Reference]:
        """Return the references, or none where the test split is not the one they are results on.

        The same data with another test split is another benchmark. Where training has a part of
        its examples, references say that they had all of them.
        """
        held = card.sizes.get(Split.TEST.value, 0)
        if not card.published_test or self.test_examples not in (None, held):
            return ()
        return [_of_all(one) for one in self.references] if card.whole else self.references


def _of_all(reference: Reference) -> Reference:
    uses = ", ".join(filter(None, (reference.uses, "all training examples")))
    return replace(reference, uses=uses)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the suite hands to a task beside the task's own options.

    data: the data source named by the `data` group (an instance of what its `_target_` names).
    loss: the loss named by the `loss` group.
    batch_size, eval_batch_size: examples.
    seed: seeds what the task builds at random (a split, for instance), not the batches.
    device: where batches have to be.
    workers: processes that read data which is streamed; 0 reads in the run's own.
    worker_timeout: seconds without a batch from them after which they hang; 0 waits for ever.
    cache: a folder for what is expensive to make and reproducible.
    buckets: training batches hold examples of similar length, where lengths differ.
    known: results of others on this data, and its target, from the `data` group.
    train_examples, classes: how many of them to take; None takes all. See `suite.labelled_subset`.
    """

    data: Any
    loss: LossFunction
    batch_size: int
    eval_batch_size: int
    seed: int
    device: torch.device
    cache: Path
    known: Known = Known()
    workers: int = 0
    worker_timeout: float = 0.0
    buckets: bool = True
    train_examples: int | None = None
    classes: int | None = None


@dataclass(frozen=True)
class HandMade:
    """Features that nobody learned, of every example, and their labels, by split.

    Whatever they need to know of the data (a vocabulary, a mean) is from the training split.

    kind: which features they are, where the configuration says `auto`.
    values: float (N, F), as an array or as a scipy sparse array of rows. labels: int64 (N,).
    """

    kind: str
    values: Mapping[Split, Any]
    labels: Mapping[Split, NDArray[np.int64]]


@dataclass(frozen=True)
class Figure:
    """What a task offers to look at of its test result: a picture, a page, a text.

    suffix: says what the content is, as that of a file does.
    """

    name: str
    content: bytes = field(repr=False)
    suffix: str = ".png"


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A test example that the model got wrong, as one sees, reads or hears it.

    content: of a file: a PNG picture, UTF-8 text, or a WAV (16 bits, mono); suffix says which.
    true, predicted: a label, or a transcript. confidence: of the prediction, in [0, 1]; None where
        the model tells none. name: of the example in its set, where it has one.
    """

    content: bytes = field(repr=False)
    suffix: str
    true: str
    predicted: str
    confidence: float | None = None
    name: str = ""


class Task:
    """One benchmark problem. Cheap to construct: data opens on first use.

    Subclasses set the class attributes and implement the methods below `build_model`; they are
    constructed as `kind(config, setup)` with the options of their own `conf/task/*.yaml`.

    unit: what throughput counts beside examples: "image", "token", "second".
    primary: name of the metric that ranks runs, one of those in `metrics()`.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    primary: ClassVar[str]
    target: Target

    def __init__(self, config: Any, setup: Setup) -> None:
        self.config = config
        self.setup = setup

    @property
    def references(self) -> Sequence[Reference]:
        """Results of others on this test split."""
        return self.setup.known.of(self.card())

    def build_model(self, backbone: BackboneBuilder) -> nn.Module:
        """Return a model from a `Batch` to what `loss` and `evaluate` understand."""
        raise NotImplementedError

    def train_batches(self, *, seed: int, skip: int = 0) -> Iterator[Batch]:
        """Yield training batches without end, from number `skip` on.

        Batch number i is a function of (seed, i) alone: skipping equals having gone on. Where it is
        of what was learned too, as batches that come of acting are, `state_dict` holds what the
        batches to come depend on beside the weights, and only with it loaded can some be skipped.
        """
        raise NotImplementedError

    def state_dict(self) -> Mapping[str, Any]:
        """Return what the batches to come depend on beside (seed, number) and the weights.

        Tensors, numbers, strings, lists, tuples and dicts, as after the last batch that was taken;
        empty where there is nothing. It is part of every checkpoint.
        """
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned, before `train_batches` is asked to go on from there.

        The model has the weights of then already.
        """

    def eval_batches(self, split: Split) -> Iterable[Batch]:
        """Yield every example of `split` once, in a fixed order."""
        raise NotImplementedError

    def share_of_training(self, *, seed: int, skip: int, rank: int, size: int) -> Iterator[Batch]:
        """Yield the examples number rank, rank + size, … of each of the `train_batches`.

        Where several processes train together, each takes its share of every batch.
        """
        for batch in self.train_batches(seed=seed, skip=skip):
            yield batch.share(rank, size)

    def share_of_evaluation(self, split: Split, *, rank: int, size: int) -> Iterator[Batch]:
        """Yield batches number rank, rank + size, … of `eval_batches`."""
        yield from islice(self.eval_batches(split), rank, None, size)

    def example_batch(self) -> Batch:
        """Return a batch to count FLOPs on and to try the model with.

        Here it is the middle one of the validation split, of typical length where lengths differ.
        """
        batches = list(self.eval_batches(Split.VALIDATION))
        return batches[len(batches) // 2]

    def loss(self, model: nn.Module, batch: Batch) -> Loss:
        """Return the training loss of `batch`."""
        return self.setup.loss(model(batch), batch)

    def metrics(self) -> MetricCollection:
        """Return fresh metrics; their keys name what `evaluate` measures."""
        raise NotImplementedError

    def evaluate(self, model: nn.Module, batch: Batch, metrics: MetricCollection) -> Loss:
        """Update `metrics` with `batch` and return its loss, in one forward pass."""
        raise NotImplementedError

    def hand_made(self, options: HandMadeConfig) -> HandMade:
        """Return hand-made features, one of the kinds in `hand_made` of the task's configuration.

        The task's metrics then take predicted and true classes, (B,) each.
        """
        raise NotImplementedError

    def calibrate(self, model: nn.Module) -> Mapping[str, float]:
        """Choose on the validation split what is left once weights are fixed; return it by name.

        Called once, after training and before the test: what is chosen (the weights of a decoder, a
        threshold) has part in the test's `metrics` and `evaluate`.
        """
        return {}

    def batches_per_epoch(self) -> int | None:
        """Return the number of training batches that make an epoch; None where there are none."""
        return None

    def forget_data(self) -> bool:
        """Drop what training batches are read from out of the operating system's cache.

        Return whether there is such a thing: False where data is in memory.
        """
        return False

    def card(self) -> DataCard:
        """Describe the data, with its fingerprint."""
        raise NotImplementedError

    def groups(self, split: Split, indices: Sequence[int]) -> Sequence[str]:
        """Return whom or what examples come from (a speaker, a document), by name; empty for none.

        No two splits share a group, unless the card's `within_groups` says so: a model that knows a
        speaker does better on that speaker's other recordings. An example of unknown origin has an
        empty name; a set without groups returns none at all.
        indices: in the split, as for `properties`.
        """
        return ()

    def intervals(self, metrics: MetricCollection) -> Mapping[str, Interval]:
        """Return 95% intervals of test metrics over test items, by the metric's name.

        metrics: as `evaluate` left them after the test split. A metric without one is left out.
        """
        return {}

    def figures(self, metrics: MetricCollection) -> Iterable[Figure]:
        """Return what there is to look at of the test result (a confusion matrix, say)."""
        return ()

    def properties(self, split: Split, indices: Sequence[int]) -> Mapping[str, Tensor]:
        """Return what can be told of examples without understanding them, by name.

        What a probe of a network's layers is held against: brightness, length, pitch. A float for
        each example, (B,), NaN where it has none; or an int64, (B,), the number of a kind that is
        no label of the task (a speaker, a script).
        indices: in the split, as for `show`.
        """
        return {}

    def mistakes(self, metrics: MetricCollection) -> Iterable[Mistake]:
        """Return test examples that the model got wrong, the most telling first; a dozen is enough.

        metrics: as `evaluate` left them after the test split: the model is not asked again.
        """
        return ()
