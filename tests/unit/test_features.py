import torch
from torch import nn

from suite import Batch, DeepModel, FrameHead, PooledHead, Sequence, Stem, length_mask
from suite.backbones import MLP
from suite.features import BackboneBuilder, Form, SequenceSpec, masked_mean


def test_masked_mean_of_real_positions_only():
    values = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [99.0, 99.0]]])
    mask = torch.tensor([[True, True, False]])
    assert masked_mean(Sequence(values, mask)).tolist() == [[2.0, 20.0]]
    assert masked_mean(Sequence(values[:, :2])).tolist() == [[2.0, 20.0]]


def test_masked_mean_of_nothing_is_zero():
    nothing = Sequence(torch.ones(1, 3, 2), torch.zeros(1, 3, dtype=torch.bool))
    assert masked_mean(nothing).tolist() == [[0.0, 0.0]]


def test_length_mask_and_lengths_are_inverse():
    mask = length_mask(torch.tensor([2, 0, 3]), 3)
    assert mask.tolist() == [[True, True, False], [False] * 3, [True] * 3]
    assert Sequence(torch.zeros(3, 3, 1), mask).lengths_B().tolist() == [2, 0, 3]
    assert Sequence(torch.zeros(2, 5, 1)).lengths_B().tolist() == [5, 5]


def test_pooled_head_is_linear_on_the_mean():
    head = PooledHead(2, 3).eval()
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    expected = torch.tensor([[2.0, 3.0]]) @ head.output.weight.T + head.output.bias
    torch.testing.assert_close(head(Sequence(values)), expected)


def test_pooled_head_can_see_mean_and_maximum_of_real_positions():
    head = PooledHead(2, 3, pool="both").eval()
    values = torch.tensor([[[1.0, 5.0], [3.0, 4.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    pooled = torch.tensor([[2.0, 4.5, 3.0, 5.0]])
    expected = pooled @ head.output.weight.T + head.output.bias
    torch.testing.assert_close(head(Sequence(values, mask)), expected)


def test_frame_head_keeps_positions_and_mask():
    head = FrameHead(2, 3).eval()
    mask = torch.tensor([[True, False]])
    output = head(Sequence(torch.ones(1, 2, 2), mask))
    assert output.values_BTD.shape == (1, 2, 3)
    assert output.mask_BT is mask


def test_heads_drop_in_training_only():
    for head in (PooledHead(50, 2, dropout=0.5), FrameHead(50, 2, dropout=0.5)):
        inputs = Sequence(torch.ones(1, 1, 50))
        a, b = head(inputs), head(inputs)
        assert not torch.equal(*(getattr(x, "values_BTD", x) for x in (a, b)))
        head.eval()
        a, b = head(inputs), head(inputs)
        assert torch.equal(*(getattr(x, "values_BTD", x) for x in (a, b)))


def test_builder_waits_for_the_shape():
    builder = BackboneBuilder(MLP, {"width": 8, "depth": 1, "context": 1, "dropout": 0.0})
    assert builder.takes is Form.SEQUENCE
    assert builder.width == 8
    assert builder(SequenceSpec(features=3)).layers[0][0].in_features == 3


def test_deep_model_is_stem_backbone_head():
    class Numbers(Stem):
        spec = SequenceSpec(features=1)

        def forward(self, batch):
            return Sequence(batch["values_BT"].unsqueeze(-1))

    hidden = MLP(Numbers.spec, width=4, depth=1, context=1, dropout=0.0)
    model = DeepModel(Numbers(), hidden, PooledHead(4, 2))
    batch = Batch({"values_BT": torch.ones(3, 5)}, 3, 3)
    assert model(batch).shape == (3, 2)
    assert [name for name, _ in model.named_children()] == ["stem", "backbone", "head"]
    assert isinstance(model, nn.Module)
