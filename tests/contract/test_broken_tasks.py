"""`check_task` finds what is broken: each task here breaks one rule."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from suite import Batch, Loss, Reference, Split, wilson
from suite.compose import compose
from suite.errors import CheckFailed, PluginError
from suite.testing import check_task
from tasks.image_recognition.task import ImageRecognition
from tasks.speech_recognition.keywords import SpeechRecognition


def _changed(batch, **tensors):
    return Batch({**batch.tensors, **tensors}, batch.examples, batch.units)


class Eager(ImageRecognition):
    def __init__(self, config, setup):
        super().__init__(config, setup)
        self.opened = setup.data.load(setup.cache)


class Nameless(ImageRecognition):
    primary = ""


class WrongAxes(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        for batch in super().train_batches(seed=seed, skip=skip):
            yield _changed(batch, pixels_BCHW=batch["pixels_BCHW"].flatten(1))


class NoAxes(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        for batch in super().train_batches(seed=seed, skip=skip):
            yield _changed(batch, pixels=batch["pixels_BCHW"])


class FloatLabels(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        for batch in super().train_batches(seed=seed, skip=skip):
            yield _changed(batch, label_B=batch["label_B"].float())


class WrongExamples(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        for batch in super().train_batches(seed=seed, skip=skip):
            yield replace(batch, examples=batch.examples + 1)


class WrongUnits(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        for batch in super().train_batches(seed=seed, skip=skip):
            yield replace(batch, units=batch.units * 64)


class SeedIgnored(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        return super().train_batches(seed=0, skip=skip)


class SkipIgnored(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        return super().train_batches(seed=seed)


class SkipForgetsEpochs(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        return super().train_batches(seed=seed, skip=skip % self.batches_per_epoch())


class Random(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        for _ in count():
            yield next(super().train_batches(seed=int(torch.randint(1 << 30, (1,)))))


class Ends(ImageRecognition):
    def train_batches(self, *, seed, skip=0):
        yield next(super().train_batches(seed=seed, skip=skip))


class NoGradient(ImageRecognition):
    def loss(self, model, batch):
        loss = super().loss(model, batch)
        return Loss(loss.total.detach().requires_grad_(), loss.count)


class MeanLoss(ImageRecognition):
    def evaluate(self, model, batch, metrics):
        # A mean with a count of examples: ragged batches do not average.
        loss = super().evaluate(model, batch, metrics)
        return Loss(loss.total / batch.examples, loss.count)


class NoChoice(ImageRecognition):
    def calibrate(self, model):
        return {"threshold": float("nan")}


class NoPrimary(ImageRecognition):
    primary = "word_error_rate"


class WrongReference(ImageRecognition):
    references = (Reference(name="a", metric="bleu", value=0.3, source="b"),)


class NamelessReference(ImageRecognition):
    references = (Reference(name="a", metric="accuracy", value=0.3, source=""),)


class CountlessReference(ImageRecognition):
    references = (Reference(name="a", metric="accuracy", value=0.3, source="b", n=0),)


class DirectionlessReference(ImageRecognition):
    references = (Reference(name="a", metric="odd", value=0.3, source="b"),)

    def metrics(self):
        class Odd(MulticlassAccuracy):
            higher_is_better = None

        metrics = super().metrics()
        metrics.add_metrics({"odd": Odd(len(self.data.classes))})
        return metrics


class IntervalOfNothing(ImageRecognition):
    def intervals(self, metrics):
        return {"bleu": wilson(1, 2)}


class IntervalElsewhere(ImageRecognition):
    def intervals(self, metrics):
        return {"accuracy": wilson(999, 1000)}


def _mistaken(called, **changes):
    """Return an image task whose mistakes are changed as told."""

    class Changed(ImageRecognition):
        def mistakes(self, metrics):
            for mistake in super().mistakes(metrics):
                yield replace(mistake, **changes)

    Changed.__name__ = called
    return Changed


class Reversed(ImageRecognition):
    def eval_batches(self, split):
        return list(super().eval_batches(split))[::-1]


BROKEN_MISTAKES = [
    (_mistaken("Suffix", suffix=".gif"), r"suffix '\.gif' is not of \.png, \.txt, \.wav"),
    (_mistaken("NotSo", suffix=".wav"), r"the content is not that of a \.wav file"),
    (_mistaken("Empty", content=b""), "0 bytes, must be 1 to"),
    (_mistaken("Right", true="1", predicted="1"), "'1' was predicted, and right"),
    (_mistaken("TooSure", confidence=1.5), r"confidence 1.5, must be in \[0, 1\] or None"),
]


class Leaks(ImageRecognition):
    def eval_batches(self, split):
        for batch in super().eval_batches(split):
            if split is Split.TEST:
                train = super().eval_batches(Split.TRAIN)
                leaked = next(iter(train))["pixels_BCHW"][: batch.examples]
                yield _changed(batch, pixels_BCHW=leaked)
            else:
                yield batch


class LeavesOut(ImageRecognition):
    def eval_batches(self, split):
        batches = list(super().eval_batches(split))
        return batches[:-1] if split is Split.TRAIN else batches


class NewFingerprints(ImageRecognition):
    def card(self):
        return replace(super().card(), fingerprint=str(id(self)))


class NoLicence(ImageRecognition):
    def card(self):
        return replace(super().card(), licence="")


class MaskIgnored(SpeechRecognition):
    """Its model averages over padding too."""

    def build_model(self, backbone):
        model = super().build_model(backbone)

        class Blind(nn.Module):
            def __init__(self):
                super().__init__()
                self.inner = model

            def forward(self, batch):
                length_B = torch.full_like(batch["length_B"], batch["wave_BS"].shape[1])
                return self.inner(_changed(batch, length_B=length_B))

        return Blind()


def _told(called, change):
    """Return an image task whose properties are changed as told."""

    class Changed(ImageRecognition):
        def properties(self, split, indices):
            return {"brightness": change(super().properties(split, indices)["brightness"])}

    Changed.__name__ = called
    return Changed


BROKEN_PROPERTIES = [
    (_told("Columns", lambda values: values[:, None]), r"brightness has shape \(24, 1\), must be"),
    (_told("Flags", lambda values: values > 0.3), "brightness is torch.bool, must be a float or"),
    (_told("Endless", lambda values: values / 0), "brightness is infinite; NaN stands for none"),
    (_told("Ranked", lambda values: torch.arange(len(values))), "differs with the order of the ex"),
]


def _made(called, /, **changes):
    """Return an image task whose hand-made features are changed as told."""

    class Changed(ImageRecognition):
        def hand_made(self, options):
            made = super().hand_made(options)
            return replace(made, **{k: change(getattr(made, k)) for k, change in changes.items()})

    Changed.__name__ = called
    return Changed


def _one(split, change):
    return lambda parts: {k: change(v) if k is split else v for k, v in parts.items()}


BROKEN_FEATURES = [
    (_made("Kind", kind=lambda kind: "colours"), "made colours, the task has pixels, hog"),
    (
        _made("Rows", values=_one(Split.TEST, lambda rows: rows[1:])),
        "test has 358 rows and 359 labels, the card 359",
    ),
    (_made("Infinite", values=_one(Split.TRAIN, lambda rows: rows / 0.0)), "train has values that"),
    (
        _made("Drawn", values=_one(Split.TEST, lambda rows: rows + np.random.rand(*rows.shape))),
        "test differs from one making to the next",
    ),
    (
        _made("Labels", labels=_one(Split.VALIDATION, lambda labels: labels * 0)),
        "validation has other labels than eval_batches",
    ),
    (
        _made("Widths", values=_one(Split.VALIDATION, lambda rows: rows[:, 1:])),
        "splits differ in their number of features",
    ),
]

BROKEN = [
    (Eager, r"__init__ uses setup\.data\.load: open data on first use"),
    (Nameless, "primary='': must be a string"),
    (WrongAxes, r"pixels_BCHW: has shape \(16, 64\), not axes BCHW"),
    (NoAxes, "pixels: must end in its axes"),
    (FloatLabels, "label_B: is torch.float32, must be torch.int64"),
    (WrongExamples, "axis B is 16, elsewhere 17"),
    (WrongUnits, "units=1024.0: a batch of 16 images"),
    (SeedIgnored, r"train_batches\(seed=1, skip=0\): gives the batches of seed 0"),
    (SkipIgnored, r"train_batches\(seed=0, skip=2\): must give batch 2 of seed 0"),
    (SkipForgetsEpochs, r"train_batches\(skip=78\): differs from going on"),
    (Random, r"train_batches\(seed=0, skip=0\): must give batch 0 of seed 0"),
    (Ends, "train_batches ends"),
    (NoGradient, "gives no parameter of the model a gradient"),
    (MeanLoss, "evaluate: loss is .* in batches of 16, .* in those of 61"),
    (NoChoice, "calibrate: threshold is nan, must be a number"),
    (NoPrimary, "metrics: word_error_rate is not among accuracy, loss"),
    (WrongReference, "references: .*bleu.* is of no metric here"),
    (NamelessReference, "needs a name, a value and a source"),
    (CountlessReference, "has n=0: above 0, or None"),
    (DirectionlessReference, "odd does not tell its direction"),
    (IntervalOfNothing, "intervals: bleu is not among accuracy, loss"),
    (IntervalElsewhere, "intervals: accuracy is .*, outside of Interval"),
    (Reversed, "evaluated: eval_batches yields other examples there"),
    *BROKEN_MISTAKES,
    *BROKEN_PROPERTIES,
    (Leaks, r"splits: \d+ examples of test are in an earlier split too"),
    (LeavesOut, r"eval_batches\(train\): \d+ examples, the card has 1259"),
    (NewFingerprints, "the fingerprint differs"),
    (NoLicence, "card: has no licence"),
]


@pytest.fixture(scope="module")
def images(embedded, small):
    return compose([*embedded["digits"], *small["mlp"]])


@pytest.mark.parametrize(("kind", "message"), BROKEN, ids=[kind.__name__ for kind, _ in BROKEN])
def test_broken_task_is_caught(images, kind, message):
    with pytest.raises(CheckFailed, match=message):
        check_task(images, kind=kind)


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
@pytest.mark.parametrize(
    ("kind", "message"), BROKEN_FEATURES, ids=[kind.__name__ for kind, _ in BROKEN_FEATURES]
)
def test_broken_features_are_caught(embedded, kind, message):
    with pytest.raises(CheckFailed, match=message):
        check_task([*embedded["digits"], "backbone=svm"], kind=kind)


def test_mask_that_does_not_mask_is_caught(embedded, small):
    with pytest.raises(CheckFailed, match=r"in batches of 16, .* in those of 61|padding changes"):
        check_task([*embedded["spoken_words"], *small["mlp"]], kind=MaskIgnored)


def test_sound_task_passes_and_the_error_is_one_of_the_suites(images):
    check_task(images)
    check_task(images, kind=ImageRecognition)
    assert issubclass(CheckFailed, PluginError)
