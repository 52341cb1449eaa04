import pytest
import torch
from torch import nn

from suite import Batch, GridSpec, PooledHead
from suite.backbones import ConvNet
from tasks.image_recognition.config import ImageRecognitionConfig
from tasks.image_recognition.mirrored import MirroredModel
from tasks.image_recognition.stems import GridStem

PIXELS = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
BATCH = Batch({"pixels_BCHW": PIXELS}, 6, 6.0)
MIRRORED = Batch({"pixels_BCHW": PIXELS.flip(3)}, 6, 6.0)


@pytest.fixture
def model():
    torch.manual_seed(0)
    stem = GridStem(ImageRecognitionConfig(shift=0), PIXELS)
    assert isinstance(stem.spec, GridSpec)
    hidden = ConvNet(stem.spec, width=8, wide=8, depth=1, stages=2, dropout=0.0)
    return MirroredModel(stem, hidden, PooledHead(hidden.features, 4))


def test_an_image_and_its_mirror_image_are_judged_alike(model):
    model.eval()
    torch.testing.assert_close(model(BATCH), model(MIRRORED))


def test_logits_are_the_mean_of_both_views(model):
    model.eval()

    def once(batch):
        return model.head(model.backbone(model.stem(batch)))

    torch.testing.assert_close(model(BATCH), (once(BATCH) + once(MIRRORED)) / 2)
    assert not torch.allclose(once(BATCH), once(MIRRORED))


def test_training_looks_at_an_image_once(model):
    calls = []
    model.stem.register_forward_hook(lambda *_: calls.append(1))
    model.train()(BATCH)
    assert len(calls) == 1
    model.eval()(BATCH)
    assert len(calls) == 3


def test_gradients_reach_every_parameter(model):
    model(BATCH).sum().backward()
    assert all(p.grad is not None for p in model.parameters() if isinstance(p, nn.Parameter))
