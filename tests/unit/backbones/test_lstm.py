import pytest
import torch
from torch import nn

from suite.backbones import LSTM
from suite.features import Sequence, SequenceSpec, length_mask


def _lstm(**options):
    return LSTM(
        SequenceSpec(features=5),
        **{"width": 8, "depth": 2, "bidirectional": True, "dropout": 0.0, **options},
    )


def _reference(model: LSTM, depth: int, bidirectional: bool) -> nn.LSTM:
    """Return torch's own LSTM with the weights of ours."""
    hidden = model.features // 2 if bidirectional else model.features
    reference = nn.LSTM(5, hidden, depth, batch_first=True, bidirectional=bidirectional)
    weights = {}
    for layer in range(depth):
        directions = [("", model.forwards)]
        if bidirectional:
            directions.append(("_reverse", model.backwards))
        for suffix, layers in directions:
            for name, value in layers[layer].state_dict().items():
                weights[name.replace("_l0", f"_l{layer}{suffix}")] = value
    reference.load_state_dict(weights)
    return reference


@pytest.mark.parametrize("bidirectional", [True, False])
def test_equals_the_packed_lstm_of_torch_with_the_same_weights(bidirectional):
    model = _lstm(bidirectional=bidirectional)
    reference = _reference(model, 2, bidirectional)
    values_BTD, length_B = torch.randn(3, 7, 5), torch.tensor([7, 4, 1])
    mask_BT = length_mask(length_B, 7)
    ours = model(Sequence(values_BTD, mask_BT)).values_BTD
    packed = nn.utils.rnn.pack_padded_sequence(
        values_BTD, length_B, batch_first=True, enforce_sorted=False
    )
    theirs, _ = nn.utils.rnn.pad_packed_sequence(reference(packed)[0], batch_first=True)
    torch.testing.assert_close(ours[mask_BT], theirs[mask_BT])


def test_without_a_mask_all_positions_are_real():
    model = _lstm()
    values_BTD = torch.randn(2, 6, 5)
    torch.testing.assert_close(
        model(Sequence(values_BTD)).values_BTD, _reference(model, 2, True)(values_BTD)[0]
    )


def test_forget_gates_start_open_and_recurrent_weights_orthogonal():
    layer = _lstm().forwards[0]
    bias = layer.bias_ih_l0 + layer.bias_hh_l0
    assert bias.chunk(4)[1].tolist() == [1.0] * 4
    assert sum(part.abs().sum() for part in (*bias.chunk(4)[:1], *bias.chunk(4)[2:])) == 0
    for gate in layer.weight_hh_l0.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(4))


@pytest.mark.parametrize("half", [slice(0, 4), slice(4, 8)])
def test_dropout_reaches_both_directions(half):
    model = _lstm(depth=1, dropout=0.5)
    inputs = Sequence(torch.randn(2, 6, 5))
    torch.manual_seed(1)
    one = model(inputs).values_BTD[..., half]
    torch.manual_seed(2)
    assert not torch.equal(model(inputs).values_BTD[..., half], one)
