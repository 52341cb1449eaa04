import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from suite import Batch, Known, Loss, Setup, Split
from suite.backbones import LSTM, MLP, ResNet, Transformer
from suite.features import BackboneBuilder
from tasks.image_recognition.config import ImageRecognitionConfig
from tasks.image_recognition.data import Digits
from tasks.image_recognition.task import ImageRecognition

BACKBONES = {
    "mlp": BackboneBuilder(MLP, {"width": 16, "depth": 1, "context": 1, "dropout": 0.0}),
    "resnet": BackboneBuilder(ResNet, {"width": 8, "depth": 1, "stages": 2, "dropout": 0.0}),
    "lstm": BackboneBuilder(LSTM, {"width": 16, "depth": 1, "dropout": 0.0, "bidirectional": True}),
    "transformer": BackboneBuilder(
        Transformer, {"width": 16, "depth": 1, "heads": 2, "expansion": 2, "dropout": 0.0}
    ),
}


def cross_entropy(logits_BK: torch.Tensor, batch: Batch) -> Loss:
    return Loss(F.cross_entropy(logits_BK, batch["label_B"], reduction="sum"), len(logits_BK))


@pytest.fixture(scope="module")
def digits():
    return Digits().load(Path())


@pytest.fixture
def task(digits):
    setup = Setup(
        data=Digits(), loss=cross_entropy, batch_size=32, eval_batch_size=100, seed=0,
        device=torch.device("cpu"), cache=Path(),
    )  # fmt: skip
    task = ImageRecognition(ImageRecognitionConfig(), setup)
    task.data = digits
    return task


def test_data_opens_on_first_use(digits):
    class Never:
        def load(self, cache):
            raise AssertionError

    setup = Setup(
        data=Never(), loss=cross_entropy, batch_size=1, eval_batch_size=1, seed=0,
        device=torch.device("cpu"), cache=Path(),
    )  # fmt: skip
    ImageRecognition(ImageRecognitionConfig(), setup)


@pytest.mark.parametrize("name", BACKBONES)
def test_every_backbone_learns_from_a_batch(task, name):
    torch.manual_seed(0)
    model = task.build_model(BACKBONES[name])
    batch = next(task.train_batches(seed=0))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for _ in range(5):
        loss = task.loss(model, batch)
        (loss.total / loss.count).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.total.item())
    assert losses[-1] < losses[0]
    assert all(p.grad is None for p in model.parameters())


def test_units_are_images(task):
    batch = next(task.train_batches(seed=0))
    assert (batch.examples, batch.units) == (32, 32.0)
    assert task.batches_per_epoch() == task.card().sizes["train"] // 32


def test_evaluation_sees_every_image_once(task):
    batches = list(task.eval_batches(Split.TEST))
    assert sum(batch.examples for batch in batches) == task.card().sizes["test"]
    assert all("key_B" not in batch for batch in batches)


def test_metrics_of_a_model_with_known_answers(task):
    # Predicts 3 for everything: accuracy is the share of threes, and F1 that of one class of ten.
    class Three(torch.nn.Module):
        def forward(self, batch):
            return F.one_hot(torch.full_like(batch["label_B"], 3), 10).float()

    metrics = task.metrics()
    loss = Loss(torch.zeros(()), 0)
    for batch in task.eval_batches(Split.TEST):
        more = task.evaluate(Three(), batch, metrics)
        loss = Loss(loss.total + more.total, loss.count + more.count)
    label_N = task.data.splits[Split.TEST].columns["label_B"]
    share = float((label_N == 3).double().mean())
    values = metrics.compute()
    assert float(values["accuracy"]) == pytest.approx(share)
    assert float(values["macro_f1"]) == pytest.approx(2 * share / (1 + share) / 10)
    assert values["confusion"][:, 3].tolist() == label_N.bincount(minlength=10).tolist()
    assert loss.count == len(label_N)
    picture, counts = task.figures(metrics)
    assert picture.content.startswith(b"\x89PNG")
    assert (picture.suffix, counts.suffix) == (".png", ".json")
    pixels_NCHW = task.data.splits[Split.TEST].columns["pixels_BCHW"]
    wrong = (label_N != 3).nonzero()[:, 0].tolist()
    mistakes = list(task.mistakes(metrics))
    assert len(mistakes) == 12
    for mistake, index in zip(mistakes, wrong, strict=False):  # equally sure: in their order
        assert (mistake.true, mistake.predicted) == (str(int(label_N[index])), "3")
        pixels_HW = np.asarray(Image.open(io.BytesIO(mistake.content)))
        assert np.array_equal(pixels_HW, pixels_NCHW[index, 0].numpy())


def test_target_is_the_tasks_else_the_datas_else_a_default(task):
    assert task.target.threshold == 0.9
    task.setup = replace(task.setup, known=Known(target=0.98))
    del task.target
    assert task.target.threshold == 0.98
    task.config.target = 0.5
    del task.target
    assert task.target.threshold == 0.5
