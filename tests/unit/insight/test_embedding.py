from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from suite import Classification, DataSet, Examples, Split, Stem
from suite.features import Backbone, DeepModel, PooledHead
from suite.features import Sequence as Positions
from suite.insight.embedding import embedding, neighbours_right, plane, silhouettes
from suite.insight.subject import Subject

LABEL = np.repeat(np.arange(3), 20)


def _groups(spread):
    centres = np.eye(3)[LABEL] * 10
    noise = np.random.default_rng(0).normal(size=(60, 3))
    return (centres + spread * noise).astype(np.float32)


def test_groups_are_told_apart_and_noise_is_not() -> None:
    assert neighbours_right(_groups(1.0), LABEL).mean() == 1
    assert silhouettes(_groups(0.01), LABEL).mean() > 0.99
    assert neighbours_right(_groups(1000.0), LABEL).mean() < 0.6
    assert silhouettes(_groups(1000.0), LABEL).mean() < 0.05
    # Alone among others, an example does not vote for itself.
    values = np.array([[0.0], [0.1], [0.2], [0.3]], dtype=np.float32)
    assert neighbours_right(values, np.array([0, 1, 1, 1])).tolist() == [0, 1, 1, 1]
    places = plane(_groups(1.0))
    np.testing.assert_array_equal(places, plane(_groups(1.0)))
    assert neighbours_right(places.astype(np.float32), LABEL).mean() == 1


class Values(Stem):
    def forward(self, batch):
        return Positions(batch["values_BTD"])


class Scaled(Backbone):
    features = 3

    def __init__(self, scale):
        super().__init__()
        self.layer = nn.Linear(3, 3, bias=False)
        with torch.no_grad():
            self.layer.weight.copy_(torch.eye(3) * scale)
            self.layer.weight[0, 0] = 1e3  # the first value is noise

    def forward(self, inputs):
        return Positions(self.layer(inputs.values_BTD))

    def hidden_layers(self):
        return [self.layer]


def test_the_section_tells_what_training_added() -> None:
    values = torch.from_numpy(_groups(1.0)[:, None])
    values[:, :, 0] = torch.randn(60, 1, generator=torch.Generator().manual_seed(0))
    examples = Examples(
        {"values_BTD": values, "label_B": torch.from_numpy(LABEL)}, unit_N=torch.ones(60)
    )
    task = Classification(None, SimpleNamespace(eval_batch_size=8))
    task.data = DataSet(dict.fromkeys(Split, examples), None, ("日本語", "$b", "c"))
    subject = Subject(
        name="run", folder=Path(), task=task, snapshots={}, config={}, seed=0,
        model=DeepModel(Values(), Scaled(1e4), PooledHead(3, 3)).eval(),
        fresh=lambda seed: DeepModel(Values(), Scaled(1.0), PooledHead(3, 3)).eval(),
        started=lambda: None,
    )  # fmt: skip
    found = embedding(subject, controls=1)
    assert found is not None
    assert [figure.name for figure in found.figures] == [
        "embedding_trained",
        "embedding_untrained",
    ]
    assert found.numbers["neighbours right"]["trained"]["value"] == pytest.approx(1, abs=0.05)
    assert found.numbers["effects"]["neighbours, trained - untrained"]["low"] > 0.1
