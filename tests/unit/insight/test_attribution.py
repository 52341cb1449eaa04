from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from suite import Classification, DataSet, Examples, Split, Stem
from suite.backbones import ConvNet
from suite.features import DeepModel, Grid, GridSpec, PooledHead, Tokens, Wave
from suite.features import Sequence as Positions
from suite.insight.attribution import attribution, grad_cam, integrated_gradients, ranked_alike
from suite.insight.from_stem import FromStem, picture
from suite.insight.subject import Subject


class Pixels(Stem):
    def forward(self, batch):
        return Grid(batch["pixels_BCHW"].float() / 255 - 0.5)


class Linear(nn.Module):
    def forward(self, grid):
        return Positions(grid.values_BCHW.flatten(1)[:, None])


def _task(count=24):
    """Bright on the left is class 0, bright on the right class 1; two labels are wrong."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 60, (count, 1, 8, 8), generator=generator, dtype=torch.uint8)
    label = torch.arange(count) % 2
    pixels[label == 0, :, :, 1:3] += 150
    pixels[label == 1, :, :, 5:7] += 150
    label[:2] = label[:2].flip(0)
    examples = Examples({"pixels_BCHW": pixels, "label_B": label}, unit_N=torch.ones(count))
    task = Classification(None, SimpleNamespace(eval_batch_size=8))
    task.data = DataSet(dict.fromkeys(Split, examples), None, ("left", "right"))
    return task


def _linear(seed, bias=None):
    torch.manual_seed(seed)
    model = DeepModel(Pixels(), Linear(), PooledHead(64, 2)).eval()
    if bias is not None:
        side = (torch.arange(8) >= 4).float().repeat(8)
        with torch.no_grad():
            model.head.output.weight.copy_(torch.stack([1 - 2 * side, 2 * side - 1]))
    return model


def _subject(model, fresh, task):
    return Subject(
        name="run", folder=Path(), task=task, model=model, fresh=fresh, started=lambda: model,
        snapshots={}, config={}, seed=0,
    )  # fmt: skip


def test_integrated_gradients_of_a_linear_model_are_exact() -> None:
    task, model = _task(), _linear(1)
    through = FromStem(model)
    offered = through.offer(task.take(Split.TEST, [0, 3, 4]))
    target_B = torch.tensor([0, 1, 1])
    found = integrated_gradients(through, offered, target_B)
    expected = offered.values * model.head.output.weight[target_B].view(3, 1, 8, 8)
    torch.testing.assert_close(found.values, expected, rtol=1e-4, atol=1e-6)
    assert found.error_B.abs().max() < 1e-5
    logits = model(task.take(Split.TEST, [0, 3, 4])).gather(1, target_B[:, None])[:, 0]
    torch.testing.assert_close(
        found.change_B, logits - model.head.output.bias[target_B], rtol=1e-4, atol=1e-5
    )


def test_right_and_wrong_answers_are_shown_and_attributions_checked() -> None:
    found = attribution(_subject(_linear(0, "planted"), _linear, _task()))
    assert found is not None
    assert {figure.name for figure in found.figures} == {"right", "wrong"}
    assert found.numbers["wrong"] == 2
    assert found.numbers["completeness error, largest"] < 1e-3
    same = found.numbers["rank correlation with random weights"]
    # Of a linear model with all weights of one size, the input's size is all there is.
    assert found.numbers["rank correlation with the input's size"]["low"] > 0.99 > same["high"]
    # The very same network for a random one: the check has to fail.
    blind = attribution(_subject(_linear(0), lambda seed: _linear(0), _task(4)))
    assert blind is not None
    assert blind.numbers["rank correlation with random weights"]["low"] == pytest.approx(1)
    assert "hardly depend" in " ".join(blind.lines)


def test_grad_cam_weighs_the_maps_of_the_last_grid() -> None:
    torch.manual_seed(0)
    backbone = ConvNet(
        GridSpec(channels=1, height=8, width=8), width=4, wide=6, depth=1, stages=2, dropout=0.0
    )
    model = DeepModel(Pixels(), backbone, PooledHead(6, 2)).eval()
    through = FromStem(model)
    offered = through.offer(_task().take(Split.TEST, [5]))
    found = grad_cam(through, offered, 1)
    maps, _ = backbone.stages[1](*backbone.stages[0](offered.values, None))
    # The head is linear in the maps' mean over 2 rows and 2 columns.
    expected = torch.einsum("chw,c->hw", maps[0], model.head.output.weight[1] / 4).clamp(min=0)
    assert found is not None
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert grad_cam(FromStem(_linear(0)), offered, 1) is None


class Numbers(Stem):
    def forward(self, batch):
        return Tokens(batch["tokens_BT"], batch["tokens_BT"] > 0)


class Embeds(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)

    def forward(self, tokens):
        return Positions(self.table(tokens.ids_BT), tokens.mask_BT)


def test_tokens_are_attributed_through_their_embeddings_and_waves_as_they_are() -> None:
    model = DeepModel(Numbers(), Embeds(), PooledHead(4, 3)).eval()
    through = FromStem(model)
    batch = SimpleNamespace(tokens_BT=torch.tensor([[3, 5, 0], [1, 2, 4]]))
    offered = through.offer({"tokens_BT": batch.tokens_BT})
    torch.testing.assert_close(offered.values, model.backbone.table(batch.tokens_BT))
    found = integrated_gradients(through, offered, torch.tensor([2, 0]))
    assert found.values[0, 2].abs().max() == 0  # padding
    weight = model.head.output.weight
    expected = (offered.values[0, :2] @ weight[2]) / 2
    torch.testing.assert_close(found.values[0, :2].sum(1), expected, rtol=1e-4, atol=1e-6)

    class Hears(Stem):
        def forward(self, batch):
            return Wave(batch["wave_BS"], torch.tensor([4]))

    class Frames(nn.Module):
        def forward(self, wave):
            return Positions(wave.values_BS[:, None])

    model = DeepModel(Hears(), Frames(), PooledHead(4, 2)).eval()
    wave_BS = torch.randn(1, 4)
    offered = FromStem(model).offer({"wave_BS": wave_BS})
    found = integrated_gradients(FromStem(model), offered, torch.tensor([1]))
    torch.testing.assert_close(found.values, wave_BS * model.head.output.weight[1])
    assert picture(found.values[0], 1).shape == (1, 4)


def test_ranks_and_pictures() -> None:
    one = torch.tensor([3.0, 1.0, 2.0])
    assert ranked_alike(one, one.exp()) == pytest.approx(1)
    assert ranked_alike(one, -one) == pytest.approx(-1)
    assert ranked_alike(one, torch.ones(3)) == 0
    blocks = nn.functional.pixel_unshuffle(torch.arange(16.0).view(1, 4, 4), 2)
    torch.testing.assert_close(picture(blocks, 2), torch.arange(16.0).view(4, 4))
