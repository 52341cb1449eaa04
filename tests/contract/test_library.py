"""Every backbone of another library trains on every task that it suits; others refuse it."""

import math
import warnings
from itertools import islice
from pathlib import Path

import pytest
import torch

from suite import ConfigError, Split
from suite.checking.small import SMALL
from suite.compose import compose
from suite.hardware.flops import count_flops, describe_layers
from suite.run import _build, build_model
from suite.testing import COSTLY, check_task

CPU = torch.device("cpu")


BACKBONES = {
    name: list(SMALL[name])
    for name in (
        "bert", "vit", "wav2vec2", "whisper", "ast", "resnet18", "torchvision", "transformers",
        "torchaudio_conformer", "torchaudio_wav2vec2",
    )
}  # fmt: skip
"""Overrides for a small model of each."""
WAVES = {"wav2vec2", "whisper", "ast", "torchaudio_wav2vec2"}
ONE_VECTOR = {"vit", "ast", "resnet18", "torchvision"}


def _refusal(name: str, embedded_name: str) -> str | None:
    """Return what is said where the pair cannot work."""
    if name in WAVES and not embedded_name.startswith("spoken"):
        return f"backbone={name}: takes wave, but the input of this task can be"
    if name in ONE_VECTOR and embedded_name == "spoken_digits_ctc":
        return f"backbone={name}: returns one vector for a whole input"
    return None


def test_every_file_of_a_library_is_among_these():
    conf = Path(__file__).parents[2] / "conf" / "backbone"
    theirs = ("torchvision", "transformers", "torchaudio")
    files = {
        file.stem for file in conf.glob("*.yaml") if any(t in file.read_text() for t in theirs)
    }
    assert files - {"transformer"} == set(BACKBONES)


@pytest.mark.parametrize("name", BACKBONES)
def test_backbone_of_a_library_trains_or_is_refused(open_task, embedded, embedded_name, name):
    config = compose([*embedded[embedded_name], f"backbone={name}", *BACKBONES[name]])
    task = open_task(embedded_name)
    refusal = _refusal(name, embedded_name)
    if refusal is not None:
        with pytest.raises(ConfigError, match=refusal):
            build_model(config, task, CPU)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = build_model(config, task, CPU).train()
    optimizers = _build(config.optimizer, model)
    for batch in islice(task.train_batches(seed=0), 2):
        loss = task.loss(model, batch)
        (loss.total / loss.count).backward()
        assert math.isfinite(float(loss.total.detach()))
        for member in optimizers.members:
            member.step()
        optimizers.zero_grad()
    batch = next(iter(task.eval_batches(Split.VALIDATION)))
    flops = count_flops(model, batch)
    layers = describe_layers(model, batch)
    assert flops > 0
    # Rows are rounded down to an example each.
    assert sum(row.flops for row in layers) == pytest.approx(flops / batch.examples, rel=0.01)
    called = sum(row.parameters for row in layers)
    assert called == pytest.approx(sum(p.numel() for p in model.parameters()), rel=0.25)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("vit", "digits"),
        ("bert", "language_names"),
        ("resnet18", "spoken_words"),
        ("whisper", "spoken_words"),
        ("wav2vec2", "spoken_digits_ctc"),
        ("torchaudio_conformer", "spoken_digits_ctc"),
    ],
)
def test_task_keeps_the_contract_with_it(embedded, name, data):
    check_task([*embedded[data], f"backbone={name}", *BACKBONES[name]], skip=COSTLY)
