import math

import pytest
import torch
import torch.nn.functional as F

from suite.backbones import Transformer
from suite.backbones.rotary import rotate, rotation
from suite.features import Sequence, SequenceSpec, length_mask


def _transformer(features=8, depth=1):
    spec = SequenceSpec(features=features)
    return Transformer(spec, width=8, depth=depth, heads=2, expansion=3, dropout=0.0).eval()


def _rotated(vector, position):
    """Rotate pairs (i, i + E/2) by position * 10000^(-i / (E/2)), one number at a time."""
    half = len(vector) // 2
    out = [0.0] * len(vector)
    for i in range(half):
        angle = position * 10_000.0 ** (-i / half)
        first, second = float(vector[i]), float(vector[i + half])
        out[i] = first * math.cos(angle) - second * math.sin(angle)
        out[i + half] = first * math.sin(angle) + second * math.cos(angle)
    return torch.tensor(out)


def _reference(model, values_TD):
    """Run one unpadded sequence through plain softmax attention, head by head."""
    x = model.entry(values_TD)
    for layer in model.layers:
        normed = layer.attention_norm(x)
        q, k, v = layer.query_key_value(normed).chunk(3, -1)
        heads = []
        for head in range(layer.heads):
            part = slice(head * 4, head * 4 + 4)
            rotated_q = torch.stack([_rotated(row, t) for t, row in enumerate(q[:, part])])
            rotated_k = torch.stack([_rotated(row, t) for t, row in enumerate(k[:, part])])
            weight = ((rotated_q @ rotated_k.T) / math.sqrt(4)).softmax(-1)
            heads.append(weight @ v[:, part])
        x = x + layer.attention_output(torch.cat(heads, -1))
        hidden = F.gelu(layer.mlp_hidden(layer.mlp_norm(x)))
        x = x + layer.mlp_output(hidden)
    return model.norm(x)


@pytest.mark.parametrize("features", [8, 5])
@torch.no_grad()
def test_equals_softmax_attention_written_out(features):
    model = _transformer(features, depth=2)
    values_BTD, length_B = torch.randn(2, 6, features), torch.tensor([6, 3])
    output = model(Sequence(values_BTD, length_mask(length_B, 6))).values_BTD
    for b, length in enumerate(length_B.tolist()):
        expected = _reference(model, values_BTD[b, :length])
        torch.testing.assert_close(output[b, :length], expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_attention_depends_on_distance_not_on_place():
    # Rotary positions: shifting the whole sequence by padding in front is not possible with a
    # length mask, so the scores of two equal pairs at different places are compared.
    model = _transformer()
    layer = model.layers[0]
    one = torch.randn(1, 1, 8).expand(1, 6, 8)
    q, k, _ = layer.query_key_value(one).unflatten(-1, (3, 2, -1)).permute(2, 0, 3, 1, 4)
    turned = rotation(6, model.half_head, one)
    score = (rotate(q, turned) @ rotate(k, turned).transpose(-1, -2))[0, 0]
    for distance in range(-3, 4):
        diagonal = score.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    assert not torch.isclose(score[0, 0], score[0, 3])
