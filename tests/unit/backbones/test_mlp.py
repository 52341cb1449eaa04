import torch

from suite.backbones import MLP
from suite.backbones.mlp import _windows
from suite.features import Sequence, SequenceSpec, length_mask


def test_window_holds_each_position_between_its_neighbours_and_zeros_outside():
    values_BTD = torch.arange(1.0, 5.0).view(1, 4, 1)  # 1 2 3 4, of which 3 are real
    windows = _windows(Sequence(values_BTD, length_mask(torch.tensor([3]), 4)), 3)
    assert windows[0, :3].tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 0]]
    assert _windows(Sequence(values_BTD), 3)[0].tolist()[2:] == [[2, 3, 4], [3, 4, 0]]
    assert torch.equal(_windows(Sequence(values_BTD), 1), values_BTD)


def test_window_has_features_of_a_position_in_one_block_of_each_feature():
    # (T, D * N): feature by feature, each with its N neighbours.
    values_BTD = torch.tensor([[[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]])
    assert _windows(Sequence(values_BTD), 3)[0, 1].tolist() == [1, 2, 3, 10, 20, 30]


def test_position_sees_its_window_and_nothing_else():
    model = MLP(SequenceSpec(features=4), width=6, depth=2, context=3, dropout=0.0).eval()
    values_BTD = torch.randn(1, 7, 4, requires_grad=True)
    model(Sequence(values_BTD)).values_BTD[0, 3].sum().backward()
    touched = values_BTD.grad.abs().sum((0, 2)) > 0
    assert touched.tolist() == [False, False, True, True, True, False, False]


def test_input_of_fixed_length_is_seen_whole():
    model = MLP(SequenceSpec(features=4, length=5), width=6, depth=2, context=3, dropout=0.0)
    values_BTD = torch.randn(2, 5, 4)
    output = model(Sequence(values_BTD))
    assert output.values_BTD.shape == (2, 1, 6)
    assert output.mask_BT is None
    first = model.layers[0]
    assert first[0].in_features == 20
    hidden = values_BTD.flatten(1)
    for layer in model.layers:
        linear, norm = layer[0], layer[1]
        hidden = torch.nn.functional.gelu(norm(hidden @ linear.weight.T + linear.bias))
    torch.testing.assert_close(output.values_BTD[:, 0], hidden)
