from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from suite import Classification, DataSet, Examples, Split, Stem
from suite.features import Backbone, DeepModel, Grid, PooledHead
from suite.features import Sequence as Positions
from suite.insight.answers import answers
from suite.insight.exciting import exciting
from suite.insight.positions import reach
from suite.insight.selectivity import preferred, resampled_weights, selectivity
from suite.insight.subject import Subject

COUNT, CLASSES = 80, 4


class Pixels(Stem):
    def forward(self, batch):
        return Grid(batch["pixels_BCHW"].float() / 255)


class Planted(Backbone):
    """Unit k of the second layer finds the spot of class k, that of the first one any spot."""

    features = CLASSES

    def __init__(self, planted=True):
        super().__init__()
        self.first = nn.Conv2d(CLASSES, CLASSES, 3, padding=1, bias=False)
        self.second = nn.Conv2d(CLASSES, CLASSES, 3, padding=1, bias=False)
        if planted:
            with torch.no_grad():
                self.first.weight.zero_()[:, :, 1, 1] = torch.eye(CLASSES)
                self.second.weight.zero_()
                for k in range(CLASSES):
                    self.second.weight[k, k, 1, 1] = 1

    def forward(self, grid):
        hidden = self.second(self.first(grid.values_BCHW))
        return Positions(hidden.mean(2).transpose(1, 2))

    def hidden_layers(self):
        return [self.first, self.second]


def _task():
    """A bright spot in the channel of its class, at a place of its own."""
    generator = np.random.default_rng(0)
    pixels = torch.zeros(COUNT, CLASSES, 9, 9, dtype=torch.uint8)
    label = torch.arange(COUNT) % CLASSES
    spots = torch.from_numpy(generator.integers(1, 8, (COUNT, 2)))
    for n in range(COUNT):
        pixels[n, label[n], spots[n, 0], spots[n, 1]] = 100 + n
    examples = Examples({"pixels_BCHW": pixels, "label_B": label}, unit_N=torch.ones(COUNT))
    task = Classification(None, SimpleNamespace(eval_batch_size=8))
    task.data = DataSet(dict.fromkeys(Split, examples), None, tuple("abcd"))
    return task, spots


def _model(seed=0, planted=False):
    torch.manual_seed(seed)
    return DeepModel(Pixels(), Planted(planted), PooledHead(CLASSES, CLASSES)).eval()


def test_planted_units_are_found_with_their_examples_and_places() -> None:
    task, spots = _task()
    model = _model(planted=True)
    layers = answers(task, model, Split.TEST, list(range(COUNT)))
    assert [layer.name for layer in layers] == ["stem", "layer 1", "layer 2", "output"]
    label_N = np.arange(COUNT) % CLASSES
    second = layers[2]
    assert preferred(second.most_NU, label_N).tolist() == list(range(CLASSES))
    np.testing.assert_allclose(selectivity(second.most_NU, label_N)[0], 1)
    for unit in range(CLASSES):
        best = int(second.most_NU[:, unit].argmax())
        assert best == COUNT - CLASSES + unit  # the brightest spot of its class
        assert second.place_NU2[best, unit].tolist() == spots[best].tolist()
    row, column = spots[-1].tolist()
    seen = reach(model, task.take(Split.TEST, [COUNT - 1]), "layer 2", 3, row * 9 + column)
    assert seen is not None
    assert (seen.top, seen.bottom, seen.left, seen.right) == (row, row + 1, column, column + 1)


def test_a_unit_sees_as_far_as_its_kernels_reach() -> None:
    model = _model()
    batch = _task()[0].take(Split.TEST, [0])
    for layer, width in (("stem", 1), ("layer 1", 3), ("layer 2", 5)):
        with torch.no_grad():
            for convolution in (model.backbone.first, model.backbone.second):
                convolution.weight.fill_(1.0)
        seen = reach(model, batch, layer, 0, 4 * 9 + 4)
        assert seen is not None
        assert (seen.right - seen.left, seen.bottom - seen.top) == (width, width)
        assert seen.left == 4 - width // 2


def test_the_section_tells_selectivity_beside_untrained_networks() -> None:
    task, _ = _task()
    subject = Subject(
        name="run", folder=Path(), task=task, model=_model(planted=True), fresh=_model,
        started=_model, snapshots={}, config={}, seed=0,
    )  # fmt: skip
    found = exciting(subject, examples=COUNT, controls=2)
    assert found is not None
    names = [figure.name for figure in found.figures]
    assert names[0] == "selectivity"
    assert "exciting_layer_2" in names
    assert found.numbers["selectivity"][2]["value"] == pytest.approx(1)
    assert found.numbers["selectivity untrained"][2]["value"] < 0.7
    # From the first layer on all is as selective as can be: depth adds nothing.
    assert found.numbers["slopes"]["trained"]["value"] == pytest.approx(0, abs=0.05)


def test_noise_is_not_selective_and_a_selective_unit_is() -> None:
    generator = np.random.default_rng(0)
    label_N = np.repeat(np.arange(10), 20)
    values_NU = generator.normal(size=(200, 300))
    noise_U = selectivity(values_NU, label_N)[0]
    # A ratio of means of few examples lies a little low.
    assert -0.08 < noise_U.mean() < 0.02
    # Without halves, the largest of ten means is above the rest by chance.
    answer = np.maximum(values_NU - values_NU.mean(0), 0)
    mean_KU = np.stack([answer[label_N == k].mean(0) for k in range(10)])
    rest = (mean_KU.sum(0) - mean_KU.max(0)) / 9
    assert ((mean_KU.max(0) - rest) / (mean_KU.max(0) + rest)).mean() > 0.1
    # μ_max = 3, others 1: (3 - 1) / (3 + 1), of what exceeds the mean of 0.
    planted = np.where(label_N == 4, 3.0, 1.0) * np.tile([1.0, 1.0, -1.0, -1.0], 50)
    index = selectivity(planted[:, None], label_N, resampled_weights(200))
    assert index[0, 0] == pytest.approx(0.5, abs=0.05)
    assert index.shape == (301, 1)
    with pytest.raises(ValueError, match="two classes"):
        selectivity(values_NU, np.zeros(200, dtype=int))
