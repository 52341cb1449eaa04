"""What layers hold does not depend on padding or companions, in every backbone on every task."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from suite.checking.padding import padded as with_padding
from suite.compose import compose
from suite.insight.layers import (
    activations,
    choose,
    parts_of_grid,
    parts_of_sequence,
    places,
    pooled,
)
from suite.run import build_model, build_task
from suite.task import Split

CPU = torch.device("cpu")
_NARROW = "num_hidden_layers:2,num_attention_heads:2,intermediate_size:32"
LIBRARY = {
    "bert": ("language_names", [f"backbone.options={{hidden_size:16,{_NARROW}}}"], 4),
    "vit": ("digits", [f"backbone.options={{hidden_size:16,{_NARROW}}}"], 4),
    "torchvision": ("digits", ["backbone.model=shufflenet_v2_x0_5"], None),
    "resnet18": ("spoken_words", [], None),
    "torchaudio_conformer": (
        "spoken_digits_ctc",
        ["backbone.width=16", "backbone.depth=2", "backbone.heads=2", "backbone.expansion=2",
         "backbone.kernel=3"],
        4,
    ),
    "torchaudio_wav2vec2": (
        "spoken_words",
        ["backbone.width=16", "backbone.depth=2", "backbone.heads=2", "backbone.expansion=2",
         "backbone.convolution=16"],
        3,  # waves are no features yet
    ),
}  # fmt: skip


def _opened(overrides):
    config = compose(overrides)
    task = build_task(config, CPU)
    return task, build_model(config, task, CPU).eval()


def _alone_and_padded(task, model):
    indices = choose(task, Split.TEST, 9)
    found = activations(model, task, Split.TEST, indices)
    watched = places(model)
    alone = pooled(model, task.take(Split.TEST, indices[2:3]), watched)
    padded = pooled(model, with_padding(task.take(Split.TEST, indices)), watched)
    assert [layer.name for layer in found] == list(alone)
    assert [layer.depth for layer in found] == sorted(layer.depth for layer in found)
    assert (found[0].depth, found[-1].depth) == (0, 1)
    for layer in found:
        values_ND = torch.from_numpy(layer.values_ND)
        assert values_ND.shape == padded[layer.name].shape
        torch.testing.assert_close(alone[layer.name][0], values_ND[2], atol=2e-4, rtol=1e-3)
        torch.testing.assert_close(padded[layer.name], values_ND, atol=2e-4, rtol=1e-3)
    return found


def test_padding_and_companions_change_nothing(embedded, small, embedded_name, backbone_name):
    task, model = _opened([*embedded[embedded_name], *small[backbone_name]])
    found = _alone_and_padded(task, model)
    hidden = [one for one in model.backbone.hidden_layers() if one is not model.backbone]
    assert len(found) == len(hidden) + 2
    assert all(layer.values_ND.std(0).max() > 0 for layer in found)


@pytest.mark.parametrize("name", LIBRARY)
def test_a_librarys_layers_are_seen_too(embedded, name):
    data, options, count = LIBRARY[name]
    task, model = _opened([*embedded[data], f"backbone={name}", *options])
    found = _alone_and_padded(task, model)
    assert len(found) == (count or len(model.backbone.hidden_layers()) + 2)


def test_parts_are_those_of_each_examples_own_length():
    values_BTD = torch.arange(12.0).view(2, 6, 1)
    mask_BT = torch.tensor([[True] * 4 + [False] * 2, [True] * 6])
    found = parts_of_sequence(values_BTD.masked_fill(~mask_BT.unsqueeze(-1), torch.nan), mask_BT)
    # Four positions in four parts; six as adaptive pooling parts them.
    assert found[0].tolist() == [0, 1, 2, 3]
    expected = nn.functional.adaptive_avg_pool1d(values_BTD[1].T, 4)[0]
    assert found[1].tolist() == expected.tolist()
    nothing = parts_of_sequence(values_BTD, torch.zeros_like(mask_BT))
    assert nothing.tolist() == [[0] * 4] * 2
    assert parts_of_sequence(values_BTD[:, :1], None).shape == (2, 1)


def test_fields_of_a_grid_are_those_of_adaptive_pooling():
    values_BCHW = torch.randn(2, 3, 7, 9)
    found = parts_of_grid(values_BCHW, None).view(2, 4, 4, 3)
    expected = nn.functional.adaptive_avg_pool2d(values_BCHW, 4)
    torch.testing.assert_close(found.permute(0, 3, 2, 1), expected)


def test_a_model_of_another_make_has_no_layers_here(embedded, small):
    task, model = _opened([*embedded["digits"], *small["mlp"]])
    assert places(nn.Linear(2, 2)) == {}
    assert activations(nn.Sequential(model), task, Split.TEST, [0, 1]) == []
    batch = replace(task.take(Split.TEST, [0, 1]))
    before = model(batch)
    pooled(model, batch, places(model))
    assert torch.equal(model(batch), before)
    assert not any(module._forward_hooks for module in model.modules())
