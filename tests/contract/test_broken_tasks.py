"""`check_task` finds what is broken: each task breaks a rule, and one check is meant for it."""

import os
import socket
from dataclasses import replace
from itertools import count, repeat

import numpy as np
import pytest
import torch
from torch import nn
from torchmetrics.classification import MulticlassAccuracy

from suite import Batch, Direction, Loss, Reference, Split, Target, wilson
from suite.checking import backbones, construction, imports
from suite.checking.all import CHECKS
from suite.checking.imports import imported
from suite.compose import compose
from suite.errors import CheckFailed, DataError, PluginError
from suite.testing import COSTLY, check_task
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
    (
        "mistakes",
        _mistaken("Suffix", suffix=".gif"),
        r"suffix '\.gif' is not of \.png, \.txt, \.wav",
    ),
    ("mistakes", _mistaken("NotSo", suffix=".wav"), r"the content is not that of a \.wav file"),
    ("mistakes", _mistaken("Empty", content=b""), "0 bytes, must be 1 to"),
    ("mistakes", _mistaken("Right", true="1", predicted="1"), "'1' was predicted, and right"),
    (
        "mistakes",
        _mistaken("TooSure", confidence=1.5),
        r"confidence 1.5, must be in \[0, 1\] or None",
    ),
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


class _Around(nn.Module):
    """Another model around the task's own."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner


def _modelled(called, kind, base=ImageRecognition):
    """Return a task whose model is of this kind, around its own."""

    class Changed(base):
        def build_model(self, backbone):
            return kind(super().build_model(backbone))

    Changed.__name__ = Changed.__qualname__ = called
    return Changed


class _ReadsLabels(_Around):
    def __init__(self, inner):
        super().__init__(inner)
        self.told = nn.Embedding(10, 10)

    def forward(self, batch):
        return self.inner(batch) + self.told(batch["label_B"])


class _BatchStatistics(_Around):
    def forward(self, batch):
        logits_BK = self.inner(batch)
        return logits_BK - logits_BK.mean(0)


class _Draws(_Around):
    def forward(self, batch):
        logits_BK = self.inner(batch)
        return logits_BK + 0.1 * torch.randn_like(logits_BK)


class _Blind(_Around):
    def forward(self, batch):
        return self.inner(_changed(batch, pixels_BCHW=batch["pixels_BCHW"] * 0))


class _Detached(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.stem, self.backbone, self.head = inner.stem, inner.backbone, inner.head

    def forward(self, batch):
        inputs = self.stem(batch)
        return self.head(self.backbone(replace(inputs, values_BTD=inputs.values_BTD.detach())))


class _Unseeded(_Around):
    def __init__(self, inner):
        super().__init__(inner)
        self.more = nn.Parameter(torch.from_numpy(np.random.default_rng().random(3)))


class _EveryPosition(_Around):
    def forward(self, batch):
        longest = torch.full_like(batch["length_B"], batch["wave_BS"].shape[1])
        return self.inner(_changed(batch, length_B=longest))


class IgnoresLabels(ImageRecognition):
    def loss(self, model, batch):
        return Loss(model(batch).square().sum(), batch.examples)


class NotFinite(ImageRecognition):
    def loss(self, model, batch):
        loss = super().loss(model, batch)
        return Loss(loss.total / 0, loss.count)


class CountOnDevice(ImageRecognition):
    def loss(self, model, batch):
        loss = super().loss(model, batch)
        return Loss(loss.total, torch.tensor(loss.count))


class NeverReset(ImageRecognition):
    """Adds every batch's loss to those before."""

    so_far = 0.0

    def loss(self, model, batch):
        loss = super().loss(model, batch)
        self.so_far += float(loss.total.detach())
        return Loss(loss.total + self.so_far, loss.count)


class WrongDirection(ImageRecognition):
    target = Target(metric="accuracy", threshold=0.1, direction=Direction.MINIMIZE)


class Backwards(ImageRecognition):
    """Its accuracy counts what is wrong."""

    def metrics(self):
        class Errors(MulticlassAccuracy):
            higher_is_better = None

            def compute(self):
                return 1 - super().compute()

        metrics = super().metrics()
        metrics.add_metrics({"accuracy": Errors(len(self.data.classes), average="micro")})
        return metrics

    def intervals(self, metrics):
        return {}


class SameSpeaker(ImageRecognition):
    def groups(self, split, indices):
        if split is Split.TRAIN:
            return [f"speaker {i % 3}" for i in indices]
        return [f"speaker {2 + i % 2 + (split is Split.TEST)}" for i in indices]


class Groupless(ImageRecognition):
    def groups(self, split, indices):
        return ["all of them"]


class Endless(ImageRecognition):
    def eval_batches(self, split):
        yield from repeat(next(iter(super().eval_batches(split))))


class LessWithPadding(SpeechRecognition):
    def train_batches(self, *, seed, skip=0):
        for batch in super().train_batches(seed=seed, skip=skip):
            yield replace(batch, padded_units=batch.units / 2)


class SecondsOfPadding(SpeechRecognition):
    def train_batches(self, *, seed, skip=0):
        for batch in super().train_batches(seed=seed, skip=skip):
            yield replace(batch, units=batch.padded_units)


class Raises(ImageRecognition):
    def evaluate(self, model, batch, metrics):
        return batch["labels_B"]


class Exits(ImageRecognition):
    def properties(self, split, indices):
        raise SystemExit(3)


class Downloads(ImageRecognition):
    def card(self):
        socket.create_connection(("data.example.org", 443), timeout=1)


class Phones(ImageRecognition):
    """Asks for the network, and goes on without."""

    def figures(self, metrics):
        return ()

    def intervals(self, metrics):
        try:
            socket.getaddrinfo("statistics.example.org", 80)
        except OSError:
            return {}


class Forgets(ImageRecognition):
    """Makes its batches from what it has seen, and does not keep that."""

    seen = 0

    def train_batches(self, *, seed, skip=0):
        for batch in super().train_batches(seed=seed, skip=skip):
            pixels_BCHW = batch["pixels_BCHW"].roll(self.seen, 3)
            self.seen += 1
            yield _changed(batch, pixels_BCHW=pixels_BCHW)

    def state_dict(self):
        return {"seen": self.seen}


class Remembers(Forgets):
    def load_state_dict(self, state):
        self.seen = state["seen"]


class KeepsAnything(Remembers):
    def state_dict(self):
        return {"seen": self.seen, "split": Split.TRAIN}


class NoSplit(ImageRecognition):
    def card(self):
        return replace(super().card(), within_groups=("testing",))


class OnlyOneBackbone(ImageRecognition):
    def build_model(self, backbone):
        return {"mlp": super().build_model}[backbone.name](backbone)


def _told(called, change):
    """Return an image task whose properties are changed as told."""

    class Changed(ImageRecognition):
        def properties(self, split, indices):
            return {"brightness": change(super().properties(split, indices)["brightness"])}

    Changed.__name__ = called
    return Changed


BROKEN_PROPERTIES = [
    (
        "properties",
        _told("Columns", lambda values: values[:, None]),
        r"brightness has shape \(24, 1\), must be",
    ),
    (
        "properties",
        _told("Flags", lambda values: values > 0.3),
        "brightness is torch.bool, must be a float or",
    ),
    (
        "properties",
        _told("Endless", lambda values: values / 0),
        "brightness is infinite; NaN stands for none",
    ),
    (
        "properties",
        _told("Ranked", lambda values: torch.arange(len(values))),
        "differs with the order of the ex",
    ),
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
    ("construction", Eager, r"__init__ uses setup\.data\.load: open data on first use"),
    ("construction", Nameless, "primary='': must be a string"),
    ("card", NewFingerprints, "the fingerprint differs"),
    ("card", NoLicence, "card: has no licence"),
    ("card", NoSplit, "card: testing is no split"),
    ("axes", WrongAxes, r"pixels_BCHW: has shape \(16, 64\), not axes BCHW"),
    ("axes", NoAxes, "pixels: must end in its axes"),
    ("axes", FloatLabels, "label_B: is torch.float32, must be torch.int64"),
    ("counts", WrongExamples, "axis B is 16, elsewhere 17"),
    ("counts", WrongUnits, "units=1024.0: a batch of 16 images"),
    ("counts", LeavesOut, r"eval_batches\(train\): \d+ examples, the card has 1259"),
    ("counts", Endless, r"eval_batches\(test\): more examples, the card has 359"),
    ("splits", Leaks, r"359 examples of test are in an earlier split too \(359 in train\)"),
    ("groups", SameSpeaker, r"1 of 2 groups of validation are in train too \(speaker 2\)"),
    ("groups", Groupless, "1 names for 1259 examples of train"),
    ("seeds", SeedIgnored, r"train_batches\(seed=1, skip=0\): gives the batches of seed 0"),
    ("seeds", Random, r"train_batches\(seed=0, skip=0\): must give batch 0 of seed 0"),
    ("seeds", _modelled("Unseeded", _Unseeded), "build_model: more differs between two models"),
    ("resume", SkipIgnored, r"train_batches\(seed=0, skip=2\): must give batch 2 of seed 0"),
    ("resume", SkipForgetsEpochs, r"train_batches\(skip=78\): differs from going on"),
    ("resume", Ends, "train_batches ends"),
    ("resume", Forgets, "load_state_dict: batches after 2 differ from going on"),
    ("resume", KeepsAnything, "state_dict: holds what a checkpoint cannot"),
    ("loss", NoGradient, "gives no parameter of the model a gradient"),
    ("loss", NotFinite, "loss: must be one number; it is inf"),
    ("loss", CountOnDevice, r"has a count of tensor\(16\), must be an int"),
    ("loss", _modelled("Detached", _Detached), r"none of the \d trained tensors of model.stem"),
    ("metrics", NoChoice, "calibrate: threshold is nan, must be a number"),
    ("metrics", NoPrimary, "metrics: word_error_rate is not among accuracy, loss"),
    ("metrics", IntervalOfNothing, "intervals: bleu is not among accuracy, loss"),
    ("metrics", IntervalElsewhere, "intervals: accuracy is .*, outside of Interval"),
    ("metrics", Raises, r"raises KeyError: 'labels_B'; in Raises.evaluate \(.*_tasks.py:\d+\)"),
    ("repeatable", _modelled("Draws", _Draws), "evaluate: .* is .* once and .* the next time"),
    ("batch_size", MeanLoss, "evaluate: loss is .* in batches of 64, .* in those of 24"),
    ("batch_size", _modelled("BatchStatistics", _BatchStatistics), "is .* in batches of 64"),
    ("references", WrongReference, "references: .*bleu.* is of no metric here"),
    ("references", NamelessReference, "needs a name, a value and a source"),
    ("references", CountlessReference, "has n=0: above 0, or None"),
    ("references", DirectionlessReference, "odd does not tell its direction"),
    ("mistakes", Reversed, "evaluated: eval_batches yields other examples there"),
    *BROKEN_MISTAKES,
    *BROKEN_PROPERTIES,
    ("properties", Exits, "raises SystemExit: 3"),
    ("overfit", _modelled("Blind", _Blind), "overfit: 8 examples: loss from .* must come near"),
    ("labels", IgnoresLabels, "with their labels, .* with those of others"),
    ("direction", WrongDirection, "target says minimize, the metric higher_is_better=True"),
    ("direction", Backwards, "after learning the same examples by heart, .* maximize"),
    ("falling", NeverReset, "loss: does not fall: from"),
    ("shuffled_labels", _modelled("ReadsLabels", _ReadsLabels), "leak: trained on permuted labels"),
    ("offline", Downloads, r"asks for data.example.org, in Downloads.card \(.*_tasks.py:\d+\)"),
    ("offline", Phones, r"asks for statistics.example.org, in Phones.intervals"),
]
"""The check that is meant for it, a task, and what the check says."""

SPOKEN = [
    ("counts", LessWithPadding, "padded_units=.*: below units="),
    ("counts", SecondsOfPadding, "seconds for each position of length_B, must be as many"),
    (
        "padding",
        _modelled("EveryPosition", _EveryPosition, SpeechRecognition),
        r"padding changes the loss from .* \(more padding of wave_BS\)",
    ),
]


def _names(cases):
    return [f"{kind.__name__}-{check}" for check, kind, _ in cases]


def _up_to(check):
    """Return the checks that are made before one, without those that take seconds, and itself."""
    names = [one.name for one in CHECKS]
    before = CHECKS[: names.index(check)]
    return [*(one.name for one in before if not one.trains), check]


def _caught(run, kind, check, message):
    """Require that this check finds it, and no other one before."""
    with pytest.raises(CheckFailed, match=message) as failed:
        check_task(run, kind=kind, only=_up_to(check))
    assert failed.value.checks == (check,)


@pytest.fixture(scope="module")
def images(embedded, small):
    return compose([*embedded["digits"], *small["mlp"], "backbone.dropout=0"])


@pytest.mark.parametrize(("check", "kind", "message"), BROKEN, ids=_names(BROKEN))
def test_the_check_that_is_meant_for_it_catches_it(images, check, kind, message):
    _caught(images, kind, check, message)


@pytest.mark.parametrize(("check", "kind", "message"), SPOKEN, ids=_names(SPOKEN))
def test_what_only_lengths_tell_is_caught(embedded, small, check, kind, message):
    _caught(compose([*embedded["spoken_words"], *small["mlp"]]), kind, check, message)


@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
@pytest.mark.parametrize(
    ("kind", "message"), BROKEN_FEATURES, ids=[kind.__name__ for kind, _ in BROKEN_FEATURES]
)
def test_broken_features_are_caught(embedded, kind, message):
    run = compose([*embedded["digits"], "backbone=svm"])
    _caught(run, kind, "hand_made", f"hand_made: {message}")


def test_a_backbone_that_cannot_run_is_caught(images, monkeypatch):
    monkeypatch.setattr(backbones, "_names", lambda: ["mlp", "lstm"])
    message = r"backbone=lstm: KeyError: 'lstm', in OnlyOneBackbone.build_model \(.*:\d+\)"
    _caught(images, OnlyOneBackbone, "backbones", message)


def test_an_epoch_that_ends_is_caught(images):
    with pytest.raises(CheckFailed, match="cost: train_batches: ends within an epoch"):
        check_task(images, kind=Ends, only=["opens", "cost"])


def test_a_heavy_import_is_caught(images, monkeypatch):
    monkeypatch.setattr(imports, "HEAVY", ("suite", "torch"))
    _caught(images, ImageRecognition, "imports", "finding the plugin imports suite: every command")


def test_every_check_has_a_fault_that_it_is_meant_for():
    own = {"opens", "hand_made", "backbones", "imports", "cost"}
    planted = {check for check, _, _ in (*BROKEN, *SPOKEN)} | own
    assert planted == {check.name for check in CHECKS}
    assert len(BROKEN) + len(SPOKEN) + len(BROKEN_FEATURES) >= 60


def test_a_constructor_that_takes_its_time_is_caught(images, monkeypatch):
    monkeypatch.setattr(construction, "_SECONDS", -1.0)
    _caught(images, ImageRecognition, "construction", "must be cheap")


def test_a_heavy_import_is_seen():
    assert imported("matplotlib.figure") == ["matplotlib"]
    assert imported("suite") == []


def test_a_state_that_is_kept_is_no_fault(images):
    check_task(images, kind=Remembers, only=["opens", "seeds", "resume"])


@pytest.mark.parametrize(
    "method",
    ["__init__", "build_model", "train_batches", "eval_batches", "loss", "metrics", "evaluate",
     "calibrate", "batches_per_epoch", "card", "intervals", "properties", "groups", "mistakes",
     "state_dict", "references", "target"],
)  # fmt: skip
def test_whatever_a_method_raises_is_told_with_its_line(images, method):
    def raises(self, *given, **named):
        return 1 / 0

    found = property(raises) if method in ("references", "target") else raises
    kind = type("Careless", (ImageRecognition,), {method: found, "__module__": __name__})
    with pytest.raises(CheckFailed, match=r"raises ZeroDivisionError: .*in test_.*raises \(.*:\d+"):
        check_task(images, kind=kind, skip=COSTLY)


def test_a_check_that_needs_another_is_not_run(images):
    with pytest.raises(CheckFailed) as failed:
        check_task(images, kind=SeedIgnored, only=["seeds", "resume", "loss"])
    assert failed.value.checks == ("seeds",)


def test_data_that_is_not_there_is_no_fault_of_the_task(small):
    with pytest.raises(DataError, match="no/where"):
        check_task(["task=image_recognition", "data=imagefolder", "data.path=no/where"])


def test_a_traceback_is_there_for_who_asks_for_it(images, monkeypatch):
    monkeypatch.setitem(os.environ, "HYDRA_FULL_ERROR", "1")
    with pytest.raises(KeyError):
        check_task(images, kind=Raises, only=["metrics"])


def test_the_error_is_one_of_the_suites_and_names_where_and_how(images):
    assert issubclass(CheckFailed, PluginError)
    with pytest.raises(CheckFailed) as failed:
        check_task(images, kind=Leaks, only=_up_to("splits"))
    told = str(failed.value)
    assert "in Leaks.eval_batches (" in told
    assert "suite.hold_out" in told
