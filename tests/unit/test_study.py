"""A run opened again: its best weights, its beginning, and controls that know nothing."""

import csv
import random
import shutil

import pytest
import torch

from suite.compose import compose
from suite.errors import DataError
from suite.run import run
from suite.study import open_run
from suite.task import Split
from suite.training.weights import read_weights

_WORDS = ["what", "who", "where", "river", "capital", "long", "take"]


@pytest.fixture(scope="module")
def pretrained(bert_folder, tmp_path_factory):
    """Train a pretrained model for two steps; return the results folder."""
    folder = tmp_path_factory.mktemp("study")
    draw = random.Random(0)
    for name, count in (("train", 60), ("test", 20)):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "label"])
            for i in range(count):
                words = [name, str(i), *draw.choices(_WORDS, k=4)]
                rows.writerow([" ".join(words), "ab"[i % 2]])
    config = compose(
        ["task=text_classification", "data=text_files", f"data.path={folder}",
         "backbone=transformers", f"backbone.model={bert_folder}", "optimizer.lr=1e-3",
         "trainer=smoke", "trainer.steps=2", "hardware=cpu_single", "tracking=none",
         f"results={folder / 'results'}"]
    )  # fmt: skip
    run(config)
    return folder / "results"


def _differs(one, other):
    other = other.state_dict()
    return {name for name, value in one.state_dict().items() if not torch.equal(value, other[name])}


@pytest.mark.parametrize("keeps_its_model", [True, False])
def test_controls_know_nothing_and_the_beginning_is_pretrained(
    pretrained, bert_folder, keeps_its_model
):
    from transformers import AutoModel

    (folder,) = (pretrained / "runs").iterdir()
    if not keeps_its_model:
        shutil.rmtree(folder / "model")
    subject = open_run(pretrained, folder.name)
    best = read_weights(folder / "best.safetensors")
    assert all(torch.equal(v, best[k]) for k, v in subject.model.state_dict().items())
    assert not subject.model.training
    name = "backbone.model.encoder.layer.0.attention.self.query.weight"
    theirs = AutoModel.from_pretrained(bert_folder, dtype=torch.float32)
    published = theirs.encoder.layer[0].attention.self.query.weight
    assert torch.equal(subject.started().state_dict()[name], published)
    assert not torch.equal(subject.model.state_dict()[name], published)
    one, same, other = (subject.fresh(seed) for seed in (5, 5, 6))
    assert not torch.equal(one.state_dict()[name], published)
    assert not _differs(one, same)
    assert name in _differs(one, other)
    batch = subject.task.take(Split.TEST, [3, 1])
    assert one(batch).shape == (2, 2)


def test_a_run_that_is_not_finished_is_refused(pretrained, tmp_path):
    (folder,) = (pretrained / "runs").iterdir()
    copied = tmp_path / "runs" / folder.name
    copied.mkdir(parents=True)
    shutil.copy(folder / "config.yaml", copied)
    with pytest.raises(DataError, match="has not ended; only a finished run"):
        open_run(tmp_path, folder.name)
