"""Filters of small models whose first layers are planted."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from suite import Classification, DataSet, Examples, Split, Stem
from suite.features import DeepModel, Grid, GridSpec, PooledHead, Sequence, SequenceSpec
from suite.insight.filters import filters, flattened
from suite.insight.first_layer import Pictures, first_layer
from suite.insight.gabor import gabor
from suite.insight.hearing import hearing
from suite.insight.subject import Subject

COUNT, SIDE = 12, 7


class Plain(Stem):
    def __init__(self, spec, fold=1):
        super().__init__()
        self.spec, self.fold = spec, fold

    def forward(self, batch):
        pixels = batch["pixels_BCHW"].float()
        return Grid(nn.functional.pixel_unshuffle(pixels, self.fold))


class Convolution(nn.Module):
    def __init__(self, channels, side, count=COUNT):
        super().__init__()
        self.convolution = nn.Conv2d(channels, count, side, padding=side // 2)

    def forward(self, grid):
        return Sequence(self.convolution(grid.values_BCHW).mean(2).transpose(1, 2))


def _task(channels=1):
    pixels = torch.randint(0, 255, (4, channels, 8, 8), dtype=torch.uint8)
    examples = Examples(
        {"pixels_BCHW": pixels, "label_B": torch.tensor([0, 1, 0, 1])}, unit_N=torch.ones(4)
    )
    task = Classification(None, SimpleNamespace(eval_batch_size=4))
    task.data = DataSet(dict.fromkeys(Split, examples), None, ("a", "b"))
    return task


def _model(seed, side=SIDE, channels=1, fold=1):
    torch.manual_seed(seed)
    spec = GridSpec(channels=channels, height=8, width=8)
    backbone = Convolution(channels * fold**2, side)
    return DeepModel(Plain(spec, fold), backbone, PooledHead(COUNT, 2)).eval()


def _subject(model, fresh, task):
    return Subject(
        name="run", folder=Path(), task=task, model=model, fresh=fresh, started=lambda: model,
        snapshots={}, config={}, seed=0,
    )  # fmt: skip


def _planted():
    model = _model(0)
    with torch.no_grad():
        for place, kernel in enumerate(model.backbone.convolution.weight):
            kernel[0] = gabor(
                SIDE, SIDE, x=0.2, y=0.1, along=1.5, across=1.9, angle=0.26 * place,
                frequency=0.2, phase=0.5 * place,
            )  # fmt: skip
    return model


def test_planted_gabors_beat_untrained_filters_and_an_untrained_network_does_not() -> None:
    found = filters(_subject(_planted(), _model_of, _task()), controls=2)
    assert found is not None
    effect = found.numbers["effects"]["trained - untrained"]
    assert found.numbers["mean r2"]["trained"]["value"] > 0.98
    assert effect["low"] > 0.2
    assert "more like Gabor functions." in " ".join(found.lines)
    assert {figure.name for figure in found.figures} == {
        "filters", "gabor_fits", "gabor_r2", "filters_untrained",
    }  # fmt: skip
    null = filters(_subject(_model(0), _model_of, _task()), controls=1)
    assert null is not None
    assert null.numbers["effects"]["trained - untrained"]["low"] < 0
    assert null.numbers["effects"]["trained - untrained"]["high"] > 0


def _model_of(seed):
    return _model(seed)


def test_small_kernels_are_shown_but_not_judged() -> None:
    found = filters(_subject(_model(0, side=3), _model_of, _task()))
    assert found is not None
    assert found.numbers["judged"] is False
    assert "too small" in found.lines[0]
    assert [figure.name for figure in found.figures] == ["filters"]


def test_folded_kernels_are_unfolded_and_colours_reduced_to_the_main_one() -> None:
    task = _task()
    model = _model(0, side=3, fold=2)
    found = first_layer(model, task.take(Split.TRAIN, [0]))
    assert isinstance(found, Pictures)
    assert found.weight_OCHW.shape == (COUNT, 1, 6, 6)
    weight = model.backbone.convolution.weight
    # Row 2y + i and column 2x + j of the picture lie in channel 2i + j.
    torch.testing.assert_close(found.weight_OCHW[:, 0, 5, 2], weight[:, 2, 2, 1])
    pattern = torch.randn(1, 1, 5, 5)
    colour = torch.tensor([1.0, 2.0, -0.5])[None, :, None, None]
    plain, share = flattened(pattern * colour)
    torch.testing.assert_close(plain, pattern[:, 0].double() * colour.norm().double())
    assert share.item() == pytest.approx(1)


class Patches(Stem):
    def __init__(self):
        super().__init__()
        self.spec = SequenceSpec(features=5, length=4)
        self.projection = nn.Linear(3 * 16, 5)

    def forward(self, batch):
        patches = nn.functional.unfold(batch["pixels_BCHW"].float(), 4, stride=4).transpose(1, 2)
        return Sequence(self.projection(patches))


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(20, 6)

    def forward(self, inputs):
        return Sequence(self.layer(inputs.values_BTD.flatten(1))[:, None])


def test_a_perceptron_over_patches_is_seen_on_the_whole_image() -> None:
    task = _task(channels=3)
    model = DeepModel(Patches(), Whole(), PooledHead(6, 2))
    batch = task.take(Split.TRAIN, [0, 1])
    found = first_layer(model, batch)
    assert isinstance(found, Pictures)
    assert found.weight_OCHW.shape == (6, 3, 8, 8)
    pixels = batch["pixels_BCHW"].float()
    units = model.backbone(model.stem(batch)).values_BTD[:, 0]
    seen = torch.einsum("bchw,ochw->bo", pixels, found.weight_OCHW)
    torch.testing.assert_close((seen[0] - seen[1]), (units[0] - units[1]), rtol=1e-3, atol=1e-2)


class Ears(Stem):
    sample_rate = 8000

    def __init__(self):
        super().__init__()
        self.spec = SequenceSpec(features=160)
        self.bank = nn.Conv1d(1, 160, 200, 50)

    def forward(self, batch):
        return Sequence(self.bank(batch["wave_BS"][:, None].float()).transpose(1, 2))


def _ears(seed, hertz=None):
    torch.manual_seed(seed)
    model = DeepModel(Ears(), nn.Identity(), PooledHead(160, 2)).eval()
    if hertz is not None:
        phase = 2 * torch.pi * hertz[:, None] * torch.arange(200) / 8000
        with torch.no_grad():
            model.stem.bank.weight[:, 0] = phase.sin() * torch.hann_window(200)
    return model


def test_a_bank_learned_on_waves_is_heard_and_no_other_model_is() -> None:
    examples = Examples({"wave_BS": torch.randn(2, 400)}, unit_N=torch.ones(2))
    task = Classification(None, SimpleNamespace(eval_batch_size=2))
    task.data = DataSet(dict.fromkeys(Split, examples), None, ("a", "b"))
    steps = torch.linspace(0.02, 0.98, 160)
    hertz = 700 * (10 ** (steps * 2146 / 2595) - 1)
    found = hearing(_subject(_ears(0, hertz), _ears, task), controls=2)
    assert found is not None
    assert found.numbers["effects"]["linear - mel"]["low"] > 0
    assert found.numbers["effects"]["log2 width, trained - untrained"]["high"] < -1
    assert filters(_subject(_ears(0), _ears, task)) is None
    assert hearing(_subject(_model(0), _model_of, _task())) is None
