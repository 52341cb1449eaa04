"""Counts of library models against the arithmetic written out; none is silently zero."""

import pytest
import torch
from torch import nn

from suite.config import TransformersConfig
from suite.features import (
    BackboneBuilder,
    DeepModel,
    Grid,
    GridSpec,
    PooledHead,
    Sequence,
    SequenceSpec,
    Wave,
    WaveSpec,
    length_mask,
)
from suite.hardware.flops import count_flops, describe_layers
from suite.library.torchaudio import TorchaudioConformer, TorchaudioWav2Vec2
from suite.library.torchvision import Torchvision
from suite.library.transformers import Transformers
from suite.run import _options
from suite.task import Batch

B, T, D, F, LAYERS = 3, 10, 16, 32, 2
LENGTH_B = torch.tensor([10, 4, 2])


class Given(nn.Module):
    """A stem that hands on what it was made with."""

    def __init__(self, given):
        super().__init__()
        self.given = given

    def forward(self, batch):
        return self.given


def counted(backbone, given):
    model = DeepModel(Given(given), backbone, PooledHead(backbone.features, 5)).eval()
    batch = Batch({}, B, float(B))
    flops = count_flops(model, batch)
    rows = sum(row.flops for row in describe_layers(model, batch))
    assert rows == pytest.approx(flops / B, rel=0.01)
    return flops


def transformers(name, spec, **options):
    config = TransformersConfig(architecture=name, options=options)
    return BackboneBuilder(Transformers, _options(config))(spec)


def attention_layers(positions, width=D, hidden=F, layers=LAYERS):
    """Four projections and two of the MLP at each position; QK^T and the sum of V."""
    linear = 2 * positions * (4 * width * width + 2 * width * hidden)
    return layers * (linear + 2 * 2 * positions * positions * width)


@pytest.mark.parametrize("name", ["bert", "roberta"])
@pytest.mark.parametrize("padded", [True, False])
def test_bert(name, padded):
    backbone = transformers(
        name, SequenceSpec(features=6), hidden_size=D, num_hidden_layers=LAYERS,
        num_attention_heads=2, intermediate_size=F, vocab_size=8,
    )  # fmt: skip
    mask = length_mask(LENGTH_B, T) if padded else None
    flops = counted(backbone, Sequence(torch.randn(B, T, 6), mask))
    entry, head = T * 2 * 6 * D, 2 * D * 5
    assert flops == B * (entry + attention_layers(T) + head)


def test_vit():
    backbone = transformers(
        "vit", GridSpec(channels=3, height=8, width=12), hidden_size=D, num_hidden_layers=LAYERS,
        num_attention_heads=2, intermediate_size=F, patch_size=4,
    )  # fmt: skip
    flops = counted(backbone, Grid(torch.randn(B, 3, 8, 12)))
    patches = 6
    embedding = patches * 2 * (3 * 4 * 4) * D
    assert flops == B * (embedding + attention_layers(patches + 1) + 2 * D * 5)


def test_wav2vec2_of_both_libraries_is_the_same():
    theirs = transformers(
        "wav2vec2", WaveSpec(sample_rate=16_000), hidden_size=D, num_hidden_layers=LAYERS,
        num_attention_heads=2, intermediate_size=F, conv_dim=[8] * 7, num_conv_pos_embeddings=128,
        num_conv_pos_embedding_groups=16,
    )  # fmt: skip
    other = TorchaudioWav2Vec2(
        WaveSpec(sample_rate=16_000), width=D, depth=LAYERS, heads=2, expansion=2, convolution=8,
        dropout=0.0, sample_rate=16_000, trainable="all",
    )  # fmt: skip
    wave = Wave(torch.randn(B, 4_000), torch.tensor([4_000, 2_000, 900]))
    flops = counted(theirs, wave)
    assert flops == counted(other, wave)
    positions, length, convolutions, channels = theirs.positions(4_000), 4_000, 0, 1
    for kernel, stride in [(10, 5), *[(3, 2)] * 4, *[(2, 2)] * 2]:
        length = (length - kernel) // stride + 1
        convolutions += length * 2 * channels * kernel * 8
        channels = 8
    projection = positions * 2 * 8 * D
    # An even kernel gives one position more, which is cut off.
    relative = (positions + 1) * 2 * (D // 16) * 128 * D
    expected = convolutions + projection + relative + attention_layers(positions) + 2 * D * 5
    assert flops == B * expected


def test_conformer():
    backbone = TorchaudioConformer(
        SequenceSpec(features=D), width=D, depth=LAYERS, heads=2, kernel=3, expansion=2,
        dropout=0.0, trainable="all",
    )  # fmt: skip
    flops = counted(backbone, Sequence(torch.randn(B, T, D), length_mask(LENGTH_B, T)))
    feed_forward = 2 * (2 * T * 2 * D * F)
    attention = 2 * T * 4 * D * D + 2 * 2 * T * T * D
    convolution = 2 * T * D * 2 * D + 2 * T * 3 * D + 2 * T * D * D
    assert flops == B * (LAYERS * (feed_forward + attention + convolution) + 2 * D * 5)


def test_attention_of_torchvision_is_counted_off_its_fast_path():
    backbone = Torchvision(
        GridSpec(channels=3, height=32, width=32), model="vit_b_32", weights=None, size=None,
        options={}, trainable="all",
    )  # fmt: skip
    flops = counted(backbone, Grid(torch.randn(B, 3, 32, 32)))
    embedding = 2 * (3 * 32 * 32) * 768
    layers = attention_layers(2, width=768, hidden=3072, layers=12)
    assert flops == B * (embedding + layers + 2 * 768 * 5)
    assert torch.backends.mha.get_fastpath_enabled()
